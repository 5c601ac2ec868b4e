#include "mvcc/record.h"

#include <cstring>

#include "base/fields.h"

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
  return text.empty() ? 0 : 1 + fields::VarintSize(text.size()) + text.size();
}

std::size_t NumberSize(std::int64_t number) {
  return number == 0 ? 0 : 1 + fields::VarintSize(static_cast<std::uint64_t>(number));
}

char* TextTo(char tag, std::string_view text, char* out) {
  if (text.empty()) return out;
  *out++ = tag;
  out = fields::VarintTo(text.size(), out);
  std::memcpy(out, text.data(), text.size());
  return out + text.size();
}

char* NumberTo(char tag, std::int64_t number, char* out) {
  if (number == 0) return out;
  *out++ = tag;
  return fields::VarintTo(static_cast<std::uint64_t>(number), out);
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
  fields::Reader reader(bytes);
  while (reader.Next()) {
    switch (reader.field()) {
      case 1:
        record->key = reader.text();
        break;
      case 2:
        record->create_revision.value = reader.signed_number();
        break;
      case 3:
        record->mod_revision.value = reader.signed_number();
        break;
      case 4:
        record->version = reader.signed_number();
        break;
      case 5:
        record->value = reader.text();
        break;
      case 6:
        record->lease.value = reader.signed_number();
        break;
      default:
        break;
    }
  }
  return !reader.malformed();
}

}  // namespace quorate::mvcc
