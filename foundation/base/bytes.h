// Bytes: views of raw bytes, hex, big-endian numbers, and key ranges as etcd's API means them.
//
// Keys and values are std::string / std::string_view throughout (protobuf's bytes); Bytes is the
// view that disks and checksums take. AsBytes and AsText convert without copying.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace quorate {

using Bytes = std::span<const std::byte>;

inline Bytes AsBytes(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}
inline std::string_view AsText(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Lowercase, no padding: etcd's form of member and cluster ids.
std::string ToHex(std::uint64_t number);
// Lowercase, two digits a byte.
std::string ToHex(std::string_view bytes);
// The number a text of 1 to 16 hex digits names; nullopt for anything else.
std::optional<std::uint64_t> ParseHex(std::string_view text);

// Eight bytes, big-endian.
void AppendBigEndian64(std::string& out, std::uint64_t number);
// REQUIRES: bytes.size() >= 8.
std::uint64_t ReadBigEndian64(std::string_view bytes);

// KeyRange: [begin, end) bytewise, decoded from etcd's (key, range_end) pair.
//   range_end ""   -> the single key        range_end "\0" -> every key >= begin
// Borrows the text it was made of.
struct KeyRange {
  std::string_view begin;
  std::string_view end;  // meaningless when single or unbounded
  bool single = false;
  bool unbounded = false;  // no upper end

  static KeyRange FromEtcd(std::string_view key, std::string_view range_end) {
    return {key, range_end, range_end.empty(), range_end.size() == 1 && range_end[0] == '\0'};
  }
  bool Contains(std::string_view key) const {
    if (single) return key == begin;
    return key >= begin && (unbounded || key < end);
  }
};

}  // namespace quorate
