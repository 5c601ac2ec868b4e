#include "check/history.h"

#include <algorithm>
#include <string_view>
#include <type_traits>

namespace quorate::check {
namespace {

std::string Quote(std::string_view bytes) {
  std::string text = "\"";
  for (const char c : bytes.substr(0, 60)) {
    if (c >= ' ' && c <= '~') {
      text += c;
    } else {
      constexpr std::string_view kHex = "0123456789abcdef";
      const unsigned byte = static_cast<unsigned char>(c);
      text += "\\x";
      text += kHex[byte >> 4U];
      text += kHex[byte & 15U];
    }
  }
  return text + (bytes.size() > 60 ? "...\"" : "\"");
}

std::string DescribeRange(std::string_view key, std::string_view end) {
  if (end.empty()) return Quote(key);
  return "[" + Quote(key) + ", " + (end == std::string_view("\0", 1) ? "..." : Quote(end)) + ")";
}

std::string DescribeKv(const mvccpb::KeyValue& kv) {
  std::string text = Quote(kv.key()) + "=" + Quote(kv.value()) + "@" +
                     std::to_string(kv.create_revision()) + "/" +
                     std::to_string(kv.mod_revision()) + "v" + std::to_string(kv.version());
  if (kv.lease() != 0) text += " lease " + std::to_string(kv.lease());
  return text;
}

template <typename Kvs>
std::string DescribeKvs(const Kvs& kvs) {
  std::string text = "{";
  int count = 0;
  for (const auto& kv : kvs) {
    if (++count > 8) return text + ", " + std::to_string(kvs.size() - 8) + " more}";
    text += (count > 1 ? ", " : "") + DescribeKv(kv);
  }
  return text + "}";
}

template <typename Ops>
std::string DescribeAll(const Ops& ops) {
  std::string text = "[";
  for (const auto& op : ops) text += (text.size() > 1 ? "; " : "") + Describe(op);
  return text + "]";
}

std::string DescribeCompare(const etcdserverpb::Compare& compare) {
  using C = etcdserverpb::Compare;
  static constexpr std::string_view kRelations[] = {"=", ">", "<", "!="};
  std::string text;
  switch (compare.target()) {
    case C::VERSION:
      text =
          "version" + std::string(kRelations[compare.result()]) + std::to_string(compare.version());
      break;
    case C::CREATE:
      text = "create" + std::string(kRelations[compare.result()]) +
             std::to_string(compare.create_revision());
      break;
    case C::MOD:
      text = "mod" + std::string(kRelations[compare.result()]) +
             std::to_string(compare.mod_revision());
      break;
    case C::VALUE:
      text = "value" + std::string(kRelations[compare.result()]) + Quote(compare.value());
      break;
    default:
      text = "lease" + std::string(kRelations[compare.result()]) + std::to_string(compare.lease());
  }
  return DescribeRange(compare.key(), compare.range_end()) + " " + text;
}

struct RequestText {
  std::string operator()(const etcdserverpb::RequestOp& op) const { return Describe(op); }
  std::string operator()(const etcdserverpb::LeaseGrantRequest& r) const {
    return "grant lease " + std::to_string(r.id()) + " ttl " + std::to_string(r.ttl());
  }
  std::string operator()(const etcdserverpb::LeaseRevokeRequest& r) const {
    return "revoke lease " + std::to_string(r.id());
  }
  std::string operator()(const etcdserverpb::LeaseKeepAliveRequest& r) const {
    return "keep lease " + std::to_string(r.id());
  }
  std::string operator()(const etcdserverpb::LeaseTimeToLiveRequest& r) const {
    return "time to live of lease " + std::to_string(r.id());
  }
  std::string operator()(const etcdserverpb::CompactionRequest& r) const {
    return "compact " + std::to_string(r.revision());
  }
};

struct ResponseText {
  std::string operator()(const std::monostate&) const { return "nothing"; }
  std::string operator()(const etcdserverpb::ResponseOp& op) const { return Describe(op); }
  std::string operator()(const etcdserverpb::LeaseGrantResponse& r) const {
    return "lease " + std::to_string(r.id()) + " ttl " + std::to_string(r.ttl());
  }
  std::string operator()(const etcdserverpb::LeaseRevokeResponse&) const { return "done"; }
  std::string operator()(const etcdserverpb::LeaseKeepAliveResponse& r) const {
    return "ttl " + std::to_string(r.ttl());
  }
  std::string operator()(const etcdserverpb::LeaseTimeToLiveResponse& r) const {
    return "ttl " + std::to_string(r.ttl()) + ", " + std::to_string(r.keys_size()) + " keys";
  }
  std::string operator()(const etcdserverpb::CompactionResponse&) const { return "done"; }
};

std::string Seconds(Instant at) {
  if (at == kNever) return "...";
  const std::string micros = std::to_string(std::max<Instant>(at, 0) / 1000 % 1000000);
  return std::to_string(at / 1000000000) + "." + std::string(6 - micros.size(), '0') + micros;
}

}  // namespace

const etcdserverpb::ResponseHeader* HeaderOf(const Operation& operation) {
  using etcdserverpb::ResponseHeader;
  struct Visitor {
    const ResponseHeader* operator()(const std::monostate&) const { return nullptr; }
    const ResponseHeader* operator()(const etcdserverpb::ResponseOp& op) const {
      if (op.has_response_range()) return &op.response_range().header();
      if (op.has_response_put()) return &op.response_put().header();
      if (op.has_response_delete_range()) return &op.response_delete_range().header();
      return op.has_response_txn() ? &op.response_txn().header() : nullptr;
    }
    const ResponseHeader* operator()(const etcdserverpb::LeaseGrantResponse& r) const {
      return &r.header();
    }
    const ResponseHeader* operator()(const etcdserverpb::LeaseRevokeResponse& r) const {
      return &r.header();
    }
    const ResponseHeader* operator()(const etcdserverpb::LeaseKeepAliveResponse& r) const {
      return &r.header();
    }
    const ResponseHeader* operator()(const etcdserverpb::LeaseTimeToLiveResponse& r) const {
      return &r.header();
    }
    const ResponseHeader* operator()(const etcdserverpb::CompactionResponse& r) const {
      return &r.header();
    }
  };
  return std::visit(Visitor(), operation.response);
}

std::int64_t RevisionOf(const Operation& operation) {
  const auto* header = HeaderOf(operation);
  return header == nullptr ? 0 : header->revision();
}

std::string Describe(const etcdserverpb::RequestOp& op) {
  if (op.has_request_put()) {
    const auto& put = op.request_put();
    return "put " + Quote(put.key()) + "=" +
           (put.ignore_value() ? "same value" : Quote(put.value())) +
           (put.ignore_lease() ? " same lease"
            : put.lease() != 0 ? " lease " + std::to_string(put.lease())
                               : "");
  }
  if (op.has_request_delete_range()) {
    const auto& del = op.request_delete_range();
    return "delete " + DescribeRange(del.key(), del.range_end());
  }
  if (op.has_request_txn()) {
    const auto& txn = op.request_txn();
    std::string text = "txn if [";
    for (const auto& compare : txn.compare())
      text += (text.back() == '[' ? "" : "; ") + DescribeCompare(compare);
    return text + "] then " + DescribeAll(txn.success()) + " else " + DescribeAll(txn.failure());
  }
  const auto& range = op.request_range();
  return std::string(range.serializable() ? "serializable range " : "range ") +
         DescribeRange(range.key(), range.range_end()) +
         (range.revision() != 0 ? " at " + std::to_string(range.revision()) : "") +
         (range.limit() != 0 ? " limit " + std::to_string(range.limit()) : "");
}

std::string Describe(const etcdserverpb::ResponseOp& op) {
  if (op.has_response_put()) {
    const auto& put = op.response_put();
    return put.has_prev_kv() ? "put, before: " + DescribeKv(put.prev_kv()) : "put";
  }
  if (op.has_response_delete_range()) {
    const auto& del = op.response_delete_range();
    return std::to_string(del.deleted()) + " deleted" +
           (del.prev_kvs_size() > 0 ? " " + DescribeKvs(del.prev_kvs()) : "");
  }
  if (op.has_response_txn())
    return (op.response_txn().succeeded() ? "then " : "else ") +
           DescribeAll(op.response_txn().responses());
  const auto& range = op.response_range();
  return DescribeKvs(range.kvs()) + " of " + std::to_string(range.count()) +
         (range.more() ? " and more" : "");
}

std::string Describe(const mvccpb::Event& event) {
  return (event.type() == mvccpb::Event::DELETE ? "delete " : "put ") + DescribeKv(event.kv());
}

std::string Describe(const Operation& operation) {
  std::string text = "client " + std::to_string(operation.client) + " [" +
                     Seconds(operation.invoked) + ", " + Seconds(operation.returned) + "] " +
                     std::visit(RequestText(), operation.request) + " -> ";
  if (operation.outcome == Outcome::kFailed) return text + "refused: " + operation.error;
  if (operation.outcome == Outcome::kUnknown) return text + "no answer: " + operation.error;
  return text + std::visit(ResponseText(), operation.response) + " at revision " +
         std::to_string(RevisionOf(operation));
}

std::string Describe(const Watching& watching) {
  const auto& request = watching.request;
  return "watch " + watching.name + " of " + DescribeRange(request.key(), request.range_end()) +
         " from " + std::to_string(request.start_revision());
}

}  // namespace quorate::check
