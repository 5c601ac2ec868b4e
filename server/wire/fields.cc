#include "wire/fields.h"

#include "base/check.h"

namespace quorate::wire {

void AppendVarint(std::string& out, std::uint64_t number) {
  while (number >= 0x80) {
    out.push_back(static_cast<char>((number & 0x7fU) | 0x80U));
    number >>= 7U;
  }
  out.push_back(static_cast<char>(number));
}

void AppendNumber(std::string& out, std::uint32_t field, std::uint64_t number) {
  CHECK(field < 16);
  out.push_back(static_cast<char>(field << 3U));
  AppendVarint(out, number);
}

void AppendLength(std::string& out, std::uint32_t field, std::size_t size) {
  CHECK(field < 16);
  out.push_back(static_cast<char>(field << 3U | 2U));
  AppendVarint(out, size);
}

void AppendText(std::string& out, std::uint32_t field, std::string_view text) {
  AppendLength(out, field, text.size());
  out.append(text);
}

std::optional<std::uint64_t> TakeVarint(std::string_view& bytes) {
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < bytes.size() && i < 10; ++i) {
    const auto byte = static_cast<std::uint8_t>(bytes[i]);
    if (i == 9 && byte > 1) return std::nullopt;
    number |= static_cast<std::uint64_t>(byte & 0x7fU) << (7U * i);
    if (byte < 0x80) {
      bytes.remove_prefix(i + 1);
      return number;
    }
  }
  return std::nullopt;
}

bool Reader::Next() {
  if (rest_.empty() || malformed_) return false;
  const std::optional<std::uint64_t> tag = TakeVarint(rest_);
  if (!tag || *tag >> 3U == 0 || *tag >> 32U != 0) return Fail();
  field_ = static_cast<std::uint32_t>(*tag >> 3U);
  type_ = static_cast<std::uint32_t>(*tag & 7U);
  switch (type_) {
    case 0: {
      const std::optional<std::uint64_t> number = TakeVarint(rest_);
      if (!number) return Fail();
      number_ = *number;
      return true;
    }
    case 1:
      return Skip(8);
    case 2: {
      const std::optional<std::uint64_t> size = TakeVarint(rest_);
      if (!size || *size > rest_.size()) return Fail();
      text_ = rest_.substr(0, *size);
      rest_.remove_prefix(*size);
      return true;
    }
    case 5:
      return Skip(4);
    default:
      return Fail();
  }
}

bool Reader::Skip(std::size_t size) {
  if (rest_.size() < size) return Fail();
  rest_.remove_prefix(size);
  return true;
}

bool Reader::Fail() {
  malformed_ = true;
  return false;
}

}  // namespace quorate::wire
