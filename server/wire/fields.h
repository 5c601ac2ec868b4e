// Fields: protobuf's bytes, one field at a time.
//
// Just enough of the format for raftpb: varints and length-delimited fields, written in ascending
// order; when reading, fixed numbers are skipped like any unknown field and groups are refused.
//
// Thread: values.
// Source: protobuf's encoding guide.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace quorate::wire {

constexpr std::size_t VarintSize(std::uint64_t number) {
  std::size_t size = 1;
  while (number >= 0x80) {
    number >>= 7U;
    ++size;
  }
  return size;
}

void AppendVarint(std::string& out, std::uint64_t number);

// A varint field, 0 included. REQUIRES: field < 16.
void AppendNumber(std::string& out, std::uint32_t field, std::uint64_t number);
// Tag and length of a length-delimited field; the caller appends the bytes. REQUIRES: field < 16.
void AppendLength(std::string& out, std::uint32_t field, std::size_t size);
void AppendText(std::string& out, std::uint32_t field, std::string_view text);

constexpr std::size_t NumberSize(std::uint64_t number) {
  return 1 + VarintSize(number);
}
constexpr std::size_t TextSize(std::size_t size) {
  return 1 + VarintSize(size) + size;
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
  std::uint64_t number() const { return number_; }  // when is_number()
  std::string_view text() const { return text_; }   // when is_text()

 private:
  bool Fail();
  bool Skip(std::size_t size);

  std::string_view rest_;
  std::uint32_t field_ = 0;
  std::uint32_t type_ = 0;
  std::uint64_t number_ = 0;
  std::string_view text_;
  bool malformed_ = false;
};

// Takes one varint off the front; nullopt when there is none or it exceeds 64 bits.
std::optional<std::uint64_t> TakeVarint(std::string_view& bytes);

}  // namespace quorate::wire
