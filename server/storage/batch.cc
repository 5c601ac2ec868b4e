#include "storage/batch.h"

namespace quorate::storage {
namespace {
constexpr std::size_t kKeptBytesMax = std::size_t{4} << 20;
}  // namespace

char* Batch::PutInPlace(Family family, std::string_view key, std::size_t value_bytes) {
  Append(family, Kind::kPut, key, {});
  ops_.back().value_bytes = static_cast<std::uint32_t>(value_bytes);
  const std::size_t at = buffer_.size();
  buffer_.resize(at + value_bytes);
  return buffer_.data() + at;
}

void Batch::Clear() {
  buffer_.clear();
  ops_.clear();
  if (buffer_.capacity() > kKeptBytesMax) std::string().swap(buffer_);
}

void Batch::Append(Family family, Kind kind, std::string_view key, std::string_view value) {
  ops_.push_back({family, kind, static_cast<std::uint32_t>(key.size()),
                  static_cast<std::uint32_t>(value.size()), buffer_.size()});
  buffer_.append(key);
  buffer_.append(value);
}

}  // namespace quorate::storage
