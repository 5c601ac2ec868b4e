// Fields: protobuf's bytes, one field at a time, for messages that are read or written without
// message objects: raft's, the log's, the store's rows and what is proposed.
//
// Just enough of the format: varints and length-delimited fields. A reader skips fixed numbers like
// any unknown field and refuses groups.
//
// Thread: values.
// Source: protobuf's encoding guide.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace quorate::fields {

constexpr std::size_t kVarintSizeMax = 10;

constexpr std::size_t VarintSize(std::uint64_t number) {
  std::size_t size = 1;
  while (number >= 0x80) {
    number >>= 7U;
    ++size;
  }
  return size;
}

// Writes to out, which has room for VarintSize(number); returns the end of what it wrote.
inline char* VarintTo(std::uint64_t number, char* out) {
  while (number >= 0x80) {
    *out++ = static_cast<char>((number & 0x7fU) | 0x80U);
    number >>= 7U;
  }
  *out++ = static_cast<char>(number);
  return out;
}

inline void AppendVarint(std::string& out, std::uint64_t number) {
  char bytes[kVarintSizeMax];
  out.append(bytes, static_cast<std::size_t>(VarintTo(number, bytes) - bytes));
}

// A varint field, 0 included.
inline void AppendNumber(std::string& out, std::uint32_t field, std::uint64_t number) {
  AppendVarint(out, field << 3U);
  AppendVarint(out, number);
}
// As proto3 writes numbers and flags: left out when zero or false.
inline void AppendUnlessZero(std::string& out, std::uint32_t field, std::int64_t number) {
  if (number != 0) AppendNumber(out, field, static_cast<std::uint64_t>(number));
}
inline void AppendFlag(std::string& out, std::uint32_t field, bool flag) {
  AppendUnlessZero(out, field, flag ? 1 : 0);
}

// Tag and length of a length-delimited field; the caller appends the bytes.
inline void AppendLength(std::string& out, std::uint32_t field, std::size_t size) {
  AppendVarint(out, field << 3U | 2U);
  AppendVarint(out, size);
}
// Bytes, a text or an encoded message, even when empty.
inline void AppendText(std::string& out, std::uint32_t field, std::string_view text) {
  AppendLength(out, field, text.size());
  out.append(text);
}

// Sizes of a number and of a text field. REQUIRES: field < 16.
constexpr std::size_t NumberSize(std::uint64_t number) {
  return 1 + VarintSize(number);
}
constexpr std::size_t TextSize(std::size_t size) {
  return 1 + VarintSize(size) + size;
}

// Takes one varint off the front; nullopt when there is none or it exceeds 64 bits.
inline std::optional<std::uint64_t> TakeVarint(std::string_view& bytes) {
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < bytes.size() && i < kVarintSizeMax; ++i) {
    const auto byte = static_cast<std::uint8_t>(bytes[i]);
    if (i + 1 == kVarintSizeMax && byte > 1) return std::nullopt;
    number |= static_cast<std::uint64_t>(byte & 0x7fU) << (7U * i);
    if (byte < 0x80) {
      bytes.remove_prefix(i + 1);
      return number;
    }
  }
  return std::nullopt;
}

// Reader: takes a message apart. Views into the message, which must outlive it.
class Reader {
 public:
  explicit Reader(std::string_view message) : rest_(message) {}

  // The next field; false at the end and after anything malformed.
  bool Next();
  bool malformed() const { return malformed_; }

  std::uint32_t field() const { return field_; }
  bool is_number() const { return type_ == 0; }
  bool is_text() const { return type_ == 2; }
  // Of a field that is not a number: 0; that is not a text: empty.
  std::uint64_t number() const { return number_; }
  std::int64_t signed_number() const { return static_cast<std::int64_t>(number_); }
  std::string_view text() const { return text_; }

 private:
  bool Fail() {
    malformed_ = true;
    return false;
  }
  bool Take(std::uint64_t size, std::string_view* taken) {
    if (size > rest_.size()) return Fail();
    *taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return true;
  }

  std::string_view rest_;
  std::uint32_t field_ = 0;
  std::uint32_t type_ = 0;
  std::uint64_t number_ = 0;
  std::string_view text_;
  bool malformed_ = false;
};

inline bool Reader::Next() {
  if (rest_.empty() || malformed_) return false;
  const std::optional<std::uint64_t> tag = TakeVarint(rest_);
  if (!tag || *tag >> 3U == 0 || *tag >> 32U != 0) return Fail();
  field_ = static_cast<std::uint32_t>(*tag >> 3U);
  type_ = static_cast<std::uint32_t>(*tag & 7U);
  number_ = 0;
  text_ = {};
  std::string_view skipped;
  if (type_ == 1) return Take(8, &skipped);
  if (type_ == 5) return Take(4, &skipped);
  if (type_ != 0 && type_ != 2) return Fail();
  const std::optional<std::uint64_t> number = TakeVarint(rest_);
  if (!number) return Fail();
  if (type_ == 2) return Take(*number, &text_);
  number_ = *number;
  return true;
}

}  // namespace quorate::fields
