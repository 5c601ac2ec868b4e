#include "apply/request.h"

#include "mvcc/encode.h"

namespace quorate::apply {
namespace {

namespace encode = mvcc::encode;

constexpr std::uint32_t kHeaderField = 100;
constexpr std::uint32_t kLegacyIdField = 1;

// Field: one field of a protobuf message, as a view.
struct Field {
  std::uint32_t number = 0;
  std::uint64_t varint = 0;  // of wire type 0
  std::string_view bytes;    // of wire type 2
};

// Takes a varint off the front of text; false when there is none.
bool TakeVarint(std::string_view& text, std::uint64_t* number) {
  *number = 0;
  for (unsigned shift = 0; shift < 64 && !text.empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(text.front());
    text.remove_prefix(1);
    *number |= static_cast<std::uint64_t>(byte & 0x7FU) << shift;
    if (byte < 0x80) return true;
  }
  return false;
}

bool TakeBytes(std::string_view& text, std::uint64_t size, std::string_view* bytes) {
  if (size > text.size()) return false;
  *bytes = text.substr(0, size);
  text.remove_prefix(size);
  return true;
}

// Takes the next field; false at damage. REQUIRES: text is not empty.
bool TakeField(std::string_view& text, Field* field) {
  std::uint64_t tag = 0;
  if (!TakeVarint(text, &tag)) return false;
  field->number = static_cast<std::uint32_t>(tag >> 3U);
  switch (tag & 7U) {
    case 0:
      return TakeVarint(text, &field->varint);
    case 1:
      return TakeBytes(text, 8, &field->bytes);
    case 2: {
      std::uint64_t size = 0;
      return TakeVarint(text, &size) && TakeBytes(text, size, &field->bytes);
    }
    case 5:
      return TakeBytes(text, 4, &field->bytes);
    default:
      return false;
  }
}

std::uint64_t HeaderId(std::string_view header) {
  Field field;
  while (!header.empty() && TakeField(header, &field)) {
    if (field.number == 1) return field.varint;
  }
  return 0;
}

}  // namespace

std::string MakeRequest(RequestField field, std::string_view message, std::uint64_t id) {
  std::string out;
  out.reserve(message.size() + 32);
  encode::Message(out, static_cast<std::uint32_t>(field), message);
  char header[11];
  header[0] = 1 << 3;
  const char* end = encode::VarintTo(id, header + 1);
  encode::Message(out, kHeaderField, {header, static_cast<std::size_t>(end - header)});
  return out;
}

std::uint64_t RequestId(std::string_view request) {
  std::uint64_t legacy = 0;
  Field field;
  while (!request.empty() && TakeField(request, &field)) {
    if (field.number == kHeaderField) return HeaderId(field.bytes);
    if (field.number == kLegacyIdField) legacy = field.varint;
  }
  return legacy;
}

std::optional<std::string_view> MessageOf(std::string_view request, RequestField wanted) {
  Field field;
  while (!request.empty() && TakeField(request, &field)) {
    if (field.number == static_cast<std::uint32_t>(wanted)) return field.bytes;
  }
  return std::nullopt;
}

std::optional<PutView> DecodePut(std::string_view bytes) {
  PutView put;
  while (!bytes.empty()) {
    Field field;
    if (!TakeField(bytes, &field)) return std::nullopt;
    switch (field.number) {
      case 1:
        put.key = field.bytes;
        break;
      case 2:
        put.value = field.bytes;
        break;
      case 3:
        put.lease = LeaseId{static_cast<std::int64_t>(field.varint)};
        break;
      case 4:
        put.prev_kv = field.varint != 0;
        break;
      case 5:
        put.ignore_value = field.varint != 0;
        break;
      case 6:
        put.ignore_lease = field.varint != 0;
        break;
      default:
        break;
    }
  }
  return put;
}

}  // namespace quorate::apply
