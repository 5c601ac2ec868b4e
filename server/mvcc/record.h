// Record: one stored key-value pair, as a view of mvccpb.KeyValue bytes.
//
// Values never become protobuf objects on their way to and from the store: a put writes these bytes
// once, and a range copies them into its answer as they are. Fields are written in number order,
// zeros left out, lengths and numbers as minimal varints, byte for byte what etcd writes, because
// HashKV hashes them.
//
// Ownership: key and value point into the bytes that were decoded, or into the caller's text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/ids.h"

namespace quorate::mvcc {

struct Record {
  std::string_view key;
  Revision create_revision;
  Revision mod_revision;
  std::int64_t version = 0;
  std::string_view value;
  LeaseId lease;
};

std::size_t EncodedSize(const Record& record);
// Writes exactly EncodedSize(record) bytes; returns the end.
char* EncodeTo(const Record& record, char* out);
std::string Encode(const Record& record);
// False: the bytes are not a KeyValue. Unknown fields are skipped.
bool Decode(std::string_view bytes, Record* record);

}  // namespace quorate::mvcc
