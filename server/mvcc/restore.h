// Restore: the key index and the marks of a store, read from its backend.
//
// From the newest index checkpoint and the history behind it; from the whole history where there is
// no checkpoint or it cannot be used. Leases are not looked at: Store binds them when it takes the
// result, so that this may run beside a living store, over the backend that will replace its own.
//
// Errors: kDataLoss for a row of the history that is not one.
// Thread: any that may read the backend.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "mvcc/index_checkpoint.h"
#include "mvcc/key_index.h"
#include "storage/backend.h"

namespace quorate::mvcc {

struct Restored {
  std::unique_ptr<KeyIndex> index;
  Revision revision{1};
  Revision compact_revision{-1};             // as scheduled; -1: never
  Revision finished_compact_revision{-1};    // -1: never
  std::optional<CheckpointHead> checkpoint;  // that the index came from
  std::string refused;                       // why a checkpoint that is there was not used
  std::uint64_t rows = 0;                    // of the history, that were read
};

Result<Restored> Restore(const storage::Reader& reader);

}  // namespace quorate::mvcc
