#include "apply/request.h"

#include <google/protobuf/io/coded_stream.h>

#include "base/fields.h"
#include "proto/raft_internal.pb.h"

namespace quorate::apply {
namespace {

constexpr std::uint32_t kHeaderField = 100;
constexpr std::uint32_t kLegacyIdField = 1;

std::uint64_t HeaderId(std::string_view header) {
  fields::Reader reader(header);
  while (reader.Next()) {
    if (reader.field() == 1 && reader.is_number()) return reader.number();
  }
  return 0;
}

}  // namespace

std::string MakeRequest(RequestField field, std::string_view message, std::uint64_t id) {
  std::string out;
  out.reserve(message.size() + 32);
  fields::AppendText(out, static_cast<std::uint32_t>(field), message);
  char header[11];
  header[0] = 1 << 3;
  const char* end = fields::VarintTo(id, header + 1);
  fields::AppendText(out, kHeaderField, {header, static_cast<std::size_t>(end - header)});
  return out;
}

std::uint64_t RequestId(std::string_view request) {
  std::uint64_t legacy = 0;
  fields::Reader reader(request);
  while (reader.Next()) {
    if (reader.field() == kHeaderField && reader.is_text()) return HeaderId(reader.text());
    if (reader.field() == kLegacyIdField && reader.is_number()) legacy = reader.number();
  }
  return legacy;
}

std::optional<std::string_view> MessageOf(std::string_view request, RequestField wanted) {
  fields::Reader reader(request);
  while (reader.Next()) {
    if (reader.field() == static_cast<std::uint32_t>(wanted) && reader.is_text()) {
      return reader.text();
    }
  }
  return std::nullopt;
}

bool ParseEntry(std::string_view bytes, etcdserverpb::InternalRaftRequest* request) {
  // Protobuf's own limit is 100. A transaction that was accepted at that depth is one deeper here,
  // and one that etcd accepted may be deeper still; refusing it now would stop every member.
  constexpr int kDepthMax = 1000;
  google::protobuf::io::CodedInputStream stream(reinterpret_cast<const std::uint8_t*>(bytes.data()),
                                                static_cast<int>(bytes.size()));
  stream.SetRecursionLimit(kDepthMax);
  return request->ParseFromCodedStream(&stream) && stream.ConsumedEntireMessage();
}

std::optional<PutView> DecodePut(std::string_view bytes) {
  PutView put;
  fields::Reader reader(bytes);
  while (reader.Next()) {
    if (reader.is_text() && reader.field() == 1) put.key = reader.text();
    if (reader.is_text() && reader.field() == 2) put.value = reader.text();
    if (!reader.is_number()) continue;
    switch (reader.field()) {
      case 3:
        put.lease = LeaseId{reader.signed_number()};
        break;
      case 4:
        put.prev_kv = reader.number() != 0;
        break;
      case 5:
        put.ignore_value = reader.number() != 0;
        break;
      case 6:
        put.ignore_lease = reader.number() != 0;
        break;
      default:
        break;
    }
  }
  if (reader.malformed()) return std::nullopt;
  return put;
}

}  // namespace quorate::apply
