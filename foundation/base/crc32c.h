// Crc32c: the Castagnoli checksum of etcd's WAL, snapshots and HashKV.
//
// Running form: Crc32c(Crc32c(0, a), b) == Crc32c(0, a + b), as Go's hash/crc32.Update. Uses the
// SSE4.2 instruction where the processor has it.
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace quorate {

std::uint32_t Crc32c(std::uint32_t crc, Bytes bytes);

}  // namespace quorate
