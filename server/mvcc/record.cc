#include "mvcc/record.h"

#include <cstring>

#include "mvcc/encode.h"

namespace quorate::mvcc {
namespace {

// Tags of KeyValue's fields: number << 3 | wire type.
constexpr char kKeyTag = 0x0a;
constexpr char kCreateTag = 0x10;
constexpr char kModTag = 0x18;
constexpr char kVersionTag = 0x20;
constexpr char kValueTag = 0x2a;
constexpr char kLeaseTag = 0x30;

std::size_t TextSize(std::string_view text) {
  return text.empty() ? 0 : 1 + encode::VarintSize(text.size()) + text.size();
}

std::size_t NumberSize(std::int64_t number) {
  return number == 0 ? 0 : 1 + encode::VarintSize(static_cast<std::uint64_t>(number));
}

char* TextTo(char tag, std::string_view text, char* out) {
  if (text.empty()) return out;
  *out++ = tag;
  out = encode::VarintTo(text.size(), out);
  std::memcpy(out, text.data(), text.size());
  return out + text.size();
}

char* NumberTo(char tag, std::int64_t number, char* out) {
  if (number == 0) return out;
  *out++ = tag;
  return encode::VarintTo(static_cast<std::uint64_t>(number), out);
}

// Takes a varint off the front of `bytes`.
bool TakeVarint(std::string_view* bytes, std::uint64_t* number) {
  *number = 0;
  for (unsigned shift = 0; shift < 70 && !bytes->empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(bytes->front());
    bytes->remove_prefix(1);
    if (shift < 64) *number |= static_cast<std::uint64_t>(byte & 0x7fU) << shift;
    if (byte < 0x80) return true;
  }
  return false;
}

bool TakeBytes(std::string_view* bytes, std::uint64_t size, std::string_view* taken) {
  if (size > bytes->size()) return false;
  *taken = bytes->substr(0, size);
  bytes->remove_prefix(size);
  return true;
}

bool Skip(std::string_view* bytes, std::uint64_t wire_type) {
  std::uint64_t number = 0;
  std::string_view skipped;
  switch (wire_type) {
    case 0:
      return TakeVarint(bytes, &number);
    case 1:
      return TakeBytes(bytes, 8, &skipped);
    case 2:
      return TakeVarint(bytes, &number) && TakeBytes(bytes, number, &skipped);
    case 5:
      return TakeBytes(bytes, 4, &skipped);
    default:
      return false;
  }
}

bool TakeNumber(std::string_view* bytes, std::int64_t* number) {
  std::uint64_t raw = 0;
  if (!TakeVarint(bytes, &raw)) return false;
  *number = static_cast<std::int64_t>(raw);
  return true;
}

bool TakeText(std::string_view* bytes, std::string_view* text) {
  std::uint64_t size = 0;
  return TakeVarint(bytes, &size) && TakeBytes(bytes, size, text);
}

}  // namespace

std::size_t EncodedSize(const Record& record) {
  return TextSize(record.key) + NumberSize(record.create_revision.value) +
         NumberSize(record.mod_revision.value) + NumberSize(record.version) +
         TextSize(record.value) + NumberSize(record.lease.value);
}

char* EncodeTo(const Record& record, char* out) {
  out = TextTo(kKeyTag, record.key, out);
  out = NumberTo(kCreateTag, record.create_revision.value, out);
  out = NumberTo(kModTag, record.mod_revision.value, out);
  out = NumberTo(kVersionTag, record.version, out);
  out = TextTo(kValueTag, record.value, out);
  return NumberTo(kLeaseTag, record.lease.value, out);
}

std::string Encode(const Record& record) {
  std::string bytes(EncodedSize(record), '\0');
  EncodeTo(record, bytes.data());
  return bytes;
}

bool Decode(std::string_view bytes, Record* record) {
  *record = Record{};
  while (!bytes.empty()) {
    std::uint64_t tag = 0;
    if (!TakeVarint(&bytes, &tag)) return false;
    bool ok = false;
    if (tag == static_cast<std::uint64_t>(kKeyTag)) {
      ok = TakeText(&bytes, &record->key);
    } else if (tag == static_cast<std::uint64_t>(kCreateTag)) {
      ok = TakeNumber(&bytes, &record->create_revision.value);
    } else if (tag == static_cast<std::uint64_t>(kModTag)) {
      ok = TakeNumber(&bytes, &record->mod_revision.value);
    } else if (tag == static_cast<std::uint64_t>(kVersionTag)) {
      ok = TakeNumber(&bytes, &record->version);
    } else if (tag == static_cast<std::uint64_t>(kValueTag)) {
      ok = TakeText(&bytes, &record->value);
    } else if (tag == static_cast<std::uint64_t>(kLeaseTag)) {
      ok = TakeNumber(&bytes, &record->lease.value);
    } else {
      ok = Skip(&bytes, tag & 7U);
    }
    if (!ok) return false;
  }
  return true;
}

}  // namespace quorate::mvcc
