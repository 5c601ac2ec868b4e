// Batch: changes that reach the store together or not at all.
//
// Applying one turn of committed entries fills one batch; Backend::Commit writes it with the turn's
// log position. The bytes are kept in one buffer that survives Clear(), so a batch that is reused
// allocates nothing.
//
// Ownership: copies what it is given. Views from key() and value() live until the next change of
// the batch. Thread: one thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "storage/schema.h"

namespace quorate::storage {

class Batch {
 public:
  enum class Kind : std::uint8_t { kPut, kDelete, kDeleteRange };

  struct Op {
    Family family;
    Kind kind;
    std::uint32_t key_bytes;
    std::uint32_t value_bytes;  // of kDeleteRange: the end key
    std::size_t begin;          // where the key starts in the buffer; the value follows it
  };

  void Put(Family family, std::string_view key, std::string_view value) {
    Append(family, Kind::kPut, key, value);
  }
  void Delete(Family family, std::string_view key) { Append(family, Kind::kDelete, key, {}); }
  // Deletes [begin, end). REQUIRES: begin < end.
  void DeleteRange(Family family, std::string_view begin, std::string_view end) {
    Append(family, Kind::kDeleteRange, begin, end);
  }

  // Puts a value of exactly value_bytes and returns where to write it; valid until the next change
  // of the batch.
  char* PutInPlace(Family family, std::string_view key, std::size_t value_bytes);

  // Forgets everything but keeps the memory (up to a bound).
  void Clear();

  bool empty() const { return ops_.empty(); }
  std::size_t bytes() const { return buffer_.size(); }
  std::span<const Op> ops() const { return ops_; }
  std::string_view key(const Op& op) const {
    return std::string_view(buffer_).substr(op.begin, op.key_bytes);
  }
  std::string_view value(const Op& op) const {
    return std::string_view(buffer_).substr(op.begin + op.key_bytes, op.value_bytes);
  }

 private:
  void Append(Family family, Kind kind, std::string_view key, std::string_view value);

  std::string buffer_;
  std::vector<Op> ops_;
};

}  // namespace quorate::storage
