// Encode: protobuf wire fields appended to text, for messages built without message objects.
//
// A zero number and a false flag are left out, as proto3 does; Message and Bytes always write.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace quorate::mvcc::encode {

inline std::size_t VarintSize(std::uint64_t number) {
  std::size_t bytes = 1;
  while (number >= 0x80) {
    number >>= 7;
    ++bytes;
  }
  return bytes;
}

inline char* VarintTo(std::uint64_t number, char* out) {
  while (number >= 0x80) {
    *out++ = static_cast<char>(static_cast<unsigned char>(number) | 0x80U);
    number >>= 7;
  }
  *out++ = static_cast<char>(number);
  return out;
}

inline void Varint(std::string& out, std::uint64_t number) {
  char bytes[10];
  out.append(bytes, static_cast<std::size_t>(VarintTo(number, bytes) - bytes));
}

inline void Int64(std::string& out, unsigned field, std::int64_t number) {
  if (number == 0) return;
  Varint(out, field << 3);
  Varint(out, static_cast<std::uint64_t>(number));
}

inline void Bool(std::string& out, unsigned field, bool flag) {
  Int64(out, field, flag ? 1 : 0);
}

// Bytes, a string or an encoded message, even when empty.
inline void Message(std::string& out, unsigned field, std::string_view bytes) {
  Varint(out, (field << 3) | 2U);
  Varint(out, bytes.size());
  out.append(bytes);
}

}  // namespace quorate::mvcc::encode
