#include "output/style.h"

#include <array>

#include "base/bytes.h"
#include "output/go_json.h"
#include "output/text.h"

namespace quorate::output {
namespace {

constexpr std::array<std::string_view, 5> kFormats = {"simple", "json", "fields", "table",
                                                      "protobuf"};

}  // namespace

Result<Format> ParseFormat(std::string_view name) {
  for (std::size_t i = 0; i < kFormats.size(); ++i) {
    if (kFormats[i] == name) return static_cast<Format>(i);
  }
  return Error{Code::kInvalidArgument, "unsupported output format"};
}

Error NotSupported(Format format) {
  return {Code::kUnimplemented, std::string(kFormats[static_cast<std::size_t>(format)]) +
                                    " not supported as output format"};
}

Result<std::string> PrintPlain(const Style& style, const google::protobuf::Message& response,
                               const std::string& fields_text) {
  switch (style.format) {
    case Format::kJson:
      return GoJson(response) + "\n";
    case Format::kFields:
      return fields_text;
    case Format::kProtobuf:
      return response.SerializeAsString();
    case Format::kSimple:
    case Format::kTable:
      break;
  }
  return NotSupported(style.format);
}

std::string FieldLine(std::string_view name, std::int64_t value) {
  return FieldLineRaw(name, std::to_string(value));
}

std::string FieldLine(std::string_view name, std::uint64_t value) {
  return FieldLineRaw(name, std::to_string(value));
}

std::string FieldLine(std::string_view name, bool value) {
  return FieldLineRaw(name, value ? "true" : "false");
}

std::string FieldLine(std::string_view name, std::string_view value) {
  return FieldLineRaw(name, Quote(value));
}

std::string FieldLineRaw(std::string_view name, std::string_view value) {
  return '"' + std::string(name) + "\" : " + std::string(value) + "\n";
}

std::string KeyValueFields(const Style& style, const mvccpb::KeyValue& kv,
                           std::string_view prefix) {
  const std::string p(prefix);
  const std::string lease =
      style.hex ? ZeroHex(static_cast<std::uint64_t>(kv.lease())) : std::to_string(kv.lease());
  return FieldLine(p + "Key", std::string_view(kv.key())) +
         FieldLine(p + "CreateRevision", kv.create_revision()) +
         FieldLine(p + "ModRevision", kv.mod_revision()) + FieldLine(p + "Version", kv.version()) +
         FieldLine(p + "Value", std::string_view(kv.value())) + FieldLineRaw(p + "Lease", lease);
}

std::string HeaderFields(const Style& style, const etcdserverpb::ResponseHeader& header,
                         bool with_revision) {
  const auto id = [&](std::uint64_t number) {
    return style.hex ? ToHex(number) : std::to_string(number);
  };
  return FieldLineRaw("ClusterID", id(header.cluster_id())) +
         FieldLineRaw("MemberID", id(header.member_id())) +
         (with_revision ? FieldLine("Revision", header.revision()) : "") +
         FieldLine("RaftTerm", header.raft_term());
}

std::string SimpleKeyValue(const Style& style, const mvccpb::KeyValue& kv) {
  return SimpleBytes(style, kv.key()) + "\n" + SimpleBytes(style, kv.value()) + "\n";
}

std::string SimpleBytes(const Style& style, std::string_view bytes) {
  return style.hex ? EscapeHex(bytes) : std::string(bytes);
}

}  // namespace quorate::output
