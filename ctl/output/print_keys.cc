// Keys, transactions and events.
#include "output/go_json.h"
#include "output/print.h"
#include "output/text.h"

namespace quorate::output {
namespace {

using etcdserverpb::ResponseOp;

std::string RangeFields(const Style& style, const etcdserverpb::RangeResponse& response) {
  std::string out = HeaderFields(style, response.header());
  for (const auto& kv : response.kvs()) out += KeyValueFields(style, kv, "");
  return out + FieldLine("More", response.more()) + FieldLine("Count", response.count());
}

std::string PutFields(const Style& style, const etcdserverpb::PutResponse& response) {
  return HeaderFields(style, response.header()) +
         (response.has_prev_kv() ? KeyValueFields(style, response.prev_kv(), "Prev") : "");
}

std::string DeleteFields(const Style& style, const etcdserverpb::DeleteRangeResponse& response) {
  std::string out =
      HeaderFields(style, response.header()) + FieldLine("Deleted", response.deleted());
  for (const auto& kv : response.prev_kvs()) out += KeyValueFields(style, kv, "Prev");
  return out;
}

std::string TxnFields(const Style& style, const etcdserverpb::TxnResponse& response) {
  std::string out =
      HeaderFields(style, response.header()) + FieldLine("Succeeded", response.succeeded());
  for (const auto& op : response.responses()) {
    if (op.has_response_put()) out += PutFields(style, op.response_put());
    if (op.has_response_range()) out += RangeFields(style, op.response_range());
    if (op.has_response_delete_range()) out += DeleteFields(style, op.response_delete_range());
    if (op.has_response_txn()) out += TxnFields(style, op.response_txn());
  }
  return out;
}

std::string SimplePut(const Style& style, const etcdserverpb::PutResponse& response) {
  return "OK\n" + (response.has_prev_kv() ? SimpleKeyValue(style, response.prev_kv()) : "");
}

std::string SimpleDelete(const Style& style, const etcdserverpb::DeleteRangeResponse& response) {
  std::string out = std::to_string(response.deleted()) + "\n";
  for (const auto& kv : response.prev_kvs()) out += SimpleKeyValue(style, kv);
  return out;
}

std::string SimpleRange(const Style& style, const etcdserverpb::RangeResponse& response,
                        bool value_only) {
  std::string out;
  for (const auto& kv : response.kvs()) {
    out += value_only ? SimpleBytes(style, kv.value()) + "\n" : SimpleKeyValue(style, kv);
  }
  return out;
}

std::string SimpleTxn(const Style& style, const etcdserverpb::TxnResponse& response) {
  std::string out = response.succeeded() ? "SUCCESS\n" : "FAILURE\n";
  for (const auto& op : response.responses()) {
    out += "\n";
    if (op.has_response_put()) out += SimplePut(style, op.response_put());
    if (op.has_response_range()) out += SimpleRange(style, op.response_range(), false);
    if (op.has_response_delete_range()) out += SimpleDelete(style, op.response_delete_range());
    if (op.has_response_txn()) out += SimpleTxn(style, op.response_txn());
  }
  return out;
}

std::string_view TypeOf(const mvccpb::Event& event) {
  return event.type() == mvccpb::Event::PUT ? "PUT" : "DELETE";
}

std::string SimpleWatch(const Style& style, const etcdserverpb::WatchResponse& response) {
  std::string out;
  for (const auto& event : response.events()) {
    out += std::string(TypeOf(event)) + "\n";
    if (event.has_prev_kv()) out += SimpleKeyValue(style, event.prev_kv());
    out += SimpleKeyValue(style, event.kv());
  }
  return out;
}

std::string WatchFields(const Style& style, const etcdserverpb::WatchResponse& response) {
  std::string out = HeaderFields(style, response.header());
  for (const auto& event : response.events()) {
    out += FieldLineRaw("Type", TypeOf(event));
    if (event.has_prev_kv()) out += KeyValueFields(style, event.prev_kv(), "Prev");
    out += KeyValueFields(style, event.kv(), "");
  }
  return out;
}

std::string WatchJson(const etcdserverpb::WatchResponse& response) {
  std::string events;
  for (const auto& event : response.events()) {
    events += (events.empty() ? "" : ",") + GoJson(event);
  }
  return "{\"Header\":" + GoJson(response.header()) + ",\"Events\":[" + events +
         "],\"CompactRevision\":" + std::to_string(response.compact_revision()) +
         ",\"Canceled\":" + (response.canceled() ? "true" : "false") +
         ",\"Created\":" + (response.created() ? "true" : "false") + "}\n";
}

}  // namespace

Result<std::string> PrintRange(const Style& style, const etcdserverpb::RangeResponse& response,
                               bool value_only) {
  if (style.format == Format::kSimple) return SimpleRange(style, response, value_only);
  return PrintPlain(style, response, RangeFields(style, response));
}

Result<std::string> PrintPut(const Style& style, const etcdserverpb::PutResponse& response) {
  if (style.format == Format::kSimple) return SimplePut(style, response);
  return PrintPlain(style, response, PutFields(style, response));
}

Result<std::string> PrintDelete(const Style& style,
                                const etcdserverpb::DeleteRangeResponse& response) {
  if (style.format == Format::kSimple) return SimpleDelete(style, response);
  return PrintPlain(style, response, DeleteFields(style, response));
}

Result<std::string> PrintTxn(const Style& style, const etcdserverpb::TxnResponse& response) {
  if (style.format == Format::kSimple) return SimpleTxn(style, response);
  return PrintPlain(style, response, TxnFields(style, response));
}

Result<std::string> PrintWatch(const Style& style, const etcdserverpb::WatchResponse& response) {
  if (style.format == Format::kSimple) return SimpleWatch(style, response);
  if (style.format == Format::kJson) return WatchJson(response);
  return PrintPlain(style, response, WatchFields(style, response));
}

}  // namespace quorate::output
