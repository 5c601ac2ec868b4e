// Style: which of etcdctl's output formats, and what is common to all commands in it.
#pragma once

#include <google/protobuf/message.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "proto/mvcc.pb.h"
#include "proto/rpc.pb.h"

namespace quorate::output {

enum class Format : std::uint8_t { kSimple, kJson, kFields, kTable, kProtobuf };

struct Style {
  Format format = Format::kSimple;
  bool hex = false;  // keys, values and ids as hexadecimal where the format has a choice
};

// "simple", "json", "fields", "table", "protobuf"; kInvalidArgument "unsupported output format"
// otherwise.
Result<Format> ParseFormat(std::string_view name);

// kUnimplemented "table not supported as output format".
Error NotSupported(Format format);

// What most commands do outside the simple format: JSON, protobuf bytes, and fields_text for the
// fields format.
Result<std::string> PrintPlain(const Style& style, const google::protobuf::Message& response,
                               const std::string& fields_text);

// Lines of the fields format: `"Name" : value`.
std::string FieldLine(std::string_view name, std::int64_t value);
std::string FieldLine(std::string_view name, std::uint64_t value);
std::string FieldLine(std::string_view name, bool value);
std::string FieldLine(std::string_view name, std::string_view value);  // quoted
std::string FieldLineRaw(std::string_view name, std::string_view value);
// prefix: "" or "Prev".
std::string KeyValueFields(const Style& style, const mvccpb::KeyValue& kv, std::string_view prefix);
// revision 0 (a member list) is left out when it does not belong to the answer.
std::string HeaderFields(const Style& style, const etcdserverpb::ResponseHeader& header,
                         bool with_revision = true);

// "key\nvalue\n" of the simple format.
std::string SimpleKeyValue(const Style& style, const mvccpb::KeyValue& kv);
std::string SimpleBytes(const Style& style, std::string_view bytes);

}  // namespace quorate::output
