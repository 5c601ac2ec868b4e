#include "output/go_json.h"

#include <google/protobuf/descriptor.h>

#include <set>

#include "output/text.h"

namespace quorate::output {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::OneofDescriptor;
using google::protobuf::Reflection;

std::string Capital(std::string name) {
  if (!name.empty() && name[0] >= 'a' && name[0] <= 'z') name[0] = static_cast<char>(name[0] - 32);
  return name;
}

// What etcd declares as bytes. The texts of its messages are bytes in our files too (rpc.proto
// tells why), and are still printed as texts.
bool HoldsBytes(const FieldDescriptor& field) {
  static const std::set<std::string_view> kNames = {"blob", "key", "keys", "range_end", "value"};
  return field.file()->package() != "etcdserverpb" || kNames.contains(field.name());
}

// index < 0: the field is not repeated.
std::string Value(const Message& message, const FieldDescriptor& field, int index) {
  const Reflection& reflection = *message.GetReflection();
  const bool one = index < 0;
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return std::to_string(one ? reflection.GetInt32(message, &field)
                                : reflection.GetRepeatedInt32(message, &field, index));
    case FieldDescriptor::CPPTYPE_INT64:
      return std::to_string(one ? reflection.GetInt64(message, &field)
                                : reflection.GetRepeatedInt64(message, &field, index));
    case FieldDescriptor::CPPTYPE_UINT32:
      return std::to_string(one ? reflection.GetUInt32(message, &field)
                                : reflection.GetRepeatedUInt32(message, &field, index));
    case FieldDescriptor::CPPTYPE_UINT64:
      return std::to_string(one ? reflection.GetUInt64(message, &field)
                                : reflection.GetRepeatedUInt64(message, &field, index));
    case FieldDescriptor::CPPTYPE_BOOL:
      return (one ? reflection.GetBool(message, &field)
                  : reflection.GetRepeatedBool(message, &field, index))
                 ? "true"
                 : "false";
    case FieldDescriptor::CPPTYPE_ENUM:
      return std::to_string(one ? reflection.GetEnumValue(message, &field)
                                : reflection.GetRepeatedEnumValue(message, &field, index));
    case FieldDescriptor::CPPTYPE_STRING: {
      const std::string text = one ? reflection.GetString(message, &field)
                                   : reflection.GetRepeatedString(message, &field, index);
      return HoldsBytes(field) ? '"' + Base64(text) + '"' : JsonString(text);
    }
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return GoJson(one ? reflection.GetMessage(message, &field)
                        : reflection.GetRepeatedMessage(message, &field, index));
    case FieldDescriptor::CPPTYPE_DOUBLE:
    case FieldDescriptor::CPPTYPE_FLOAT:
      break;
  }
  return "null";
}

std::string Member(const Message& message, const FieldDescriptor& field) {
  std::string out = JsonString(field.name()) + ":";
  if (!field.is_repeated()) return out + Value(message, field, -1);
  const int size = message.GetReflection()->FieldSize(message, &field);
  for (int i = 0; i < size; ++i) out += (i == 0 ? '[' : ',') + Value(message, field, i);
  return out + ']';
}

bool IsEmpty(const Message& message, const FieldDescriptor& field) {
  const Reflection& reflection = *message.GetReflection();
  return field.is_repeated() ? reflection.FieldSize(message, &field) == 0
                             : !reflection.HasField(message, &field);
}

}  // namespace

std::string GoJson(const Message& message) {
  return "{" + GoJsonMembers(message) + "}";
}

std::string GoJsonMembers(const Message& message) {
  const auto& descriptor = *message.GetDescriptor();
  std::string out;
  for (int i = 0; i < descriptor.field_count(); ++i) {
    const FieldDescriptor& field = *descriptor.field(i);
    if (IsEmpty(message, field)) continue;
    if (!out.empty()) out += ',';
    const OneofDescriptor* oneof = field.real_containing_oneof();
    if (oneof == nullptr) {
      out += Member(message, field);
    } else {
      out += JsonString(Capital(oneof->name())) + ":{" + Member(message, field) + "}";
    }
  }
  return out;
}

std::string JsonString(std::string_view text) {
  static constexpr std::string_view kHexDigits = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\r') {
      out += "\\r";
    } else if (c == '\t') {
      out += "\\t";
    } else if (byte < 0x20 || c == '<' || c == '>' || c == '&') {
      out += "\\u00";
      out += kHexDigits[byte >> 4U];
      out += kHexDigits[byte & 15U];
    } else {
      out += c;
    }
  }
  return out + '"';
}

}  // namespace quorate::output
