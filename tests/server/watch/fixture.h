// A hub over a store in memory, and sinks that write down what they hear.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "proto/rpc.pb.h"
#include "storage/memory_backend.h"
#include "watch/hub.h"

namespace quorate::watch {

class NoLeases final : public mvcc::LeaseBook {
 public:
  bool Exists(LeaseId) const override { return true; }
  void Attach(LeaseId, std::string_view) override {}
  void Detach(LeaseId, std::string_view) override {}
};

// One line per response: "w0 created @1", "w0 @3 put a=1 | delete b", "w0 canceled @4 compacted 3".
class FakeSink final : public Sink {
 public:
  bool Offer(Response& response) override {
    if (!response.events.empty()) {
      if (room == 0) return false;
      --room;
    }
    std::string line = "w" + std::to_string(response.watch_id);
    if (response.created) line += " created";
    if (response.canceled) line += " canceled";
    line += " @" + std::to_string(response.revision.value);
    if (response.compact_revision != Revision{}) {
      line += " compacted " + std::to_string(response.compact_revision.value);
    }
    if (!response.cancel_reason.empty()) line += " " + response.cancel_reason;
    etcdserverpb::WatchResponse parsed;
    std::string bytes;
    for (const EventBytes& event : response.events) bytes += *event;
    EXPECT_TRUE(parsed.ParseFromString(bytes));
    EXPECT_EQ(parsed.SerializeAsString(), bytes);
    std::string separator = " ";
    for (const auto& event : parsed.events()) {
      line += std::exchange(separator, " | ") + Text(event);
      events.push_back(event);
    }
    lines.push_back(line);
    return true;
  }
  bool HasRoom() const override { return room > 0; }

  static std::string Text(const mvccpb::Event& event) {
    const auto& kv = event.kv();
    std::string text = event.type() == mvccpb::Event::PUT ? "put " : "delete ";
    text += kv.key();
    if (event.type() == mvccpb::Event::PUT) text += "=" + kv.value();
    text += ":" + std::to_string(kv.mod_revision());
    if (event.has_prev_kv()) text += " was " + event.prev_kv().value();
    return text;
  }

  std::vector<std::string> lines;
  std::vector<mvccpb::Event> events;
  int room = 1 << 30;
};

class HubTest : public testing::Test {
 protected:
  HubTest() {
    auto opened = mvcc::Store::Open({&backend_, &batch_, &leases_});
    EXPECT_TRUE(opened.ok());
    store_ = std::move(opened).value();
    hub_ = std::make_unique<Hub>(*store_);
    stream_ = hub_->Open(sink_);
  }

  // A new hub, without streams.
  void Limit(RoundLimits limits) {
    hub_.reset();
    hub_ = std::make_unique<Hub>(*store_, limits);
    stream_ = hub_->Open(sink_);
  }
  void Commit() {
    ASSERT_TRUE(backend_.Commit(batch_, {LogIndex{++index_}, Term{1}}).ok());
    batch_.Clear();
    store_->Committed();
  }
  void Put(std::string_view key, std::string_view value) {
    mvcc::WriteTxn txn(*store_);
    txn.Put(key, value, {});
    txn.End();
    Commit();
  }
  void Delete(std::string_view key, std::string_view range_end = {}) {
    mvcc::WriteTxn txn(*store_);
    txn.DeleteRange(key, range_end);
    txn.End();
    Commit();
  }
  void Compact(std::int64_t revision) {
    ASSERT_TRUE(store_->Compact(Revision{revision}).ok());
    Commit();
    while (store_->compaction_due()) {
      ASSERT_TRUE(store_->CompactStep(100).ok());
      Commit();
    }
  }
  void CatchUp(std::size_t rows = 1000) {
    for (int rounds = 0; hub_->lagging(); ++rounds) {
      ASSERT_LT(rounds, 10000);
      ASSERT_TRUE(hub_->CatchUp(rows).ok());
    }
  }
  std::vector<std::string> Heard() { return std::exchange(sink_.lines, {}); }

  storage::MemoryBackend backend_{std::make_shared<storage::MemoryStorage>()};
  storage::Batch batch_;
  NoLeases leases_;
  std::unique_ptr<mvcc::Store> store_;
  FakeSink sink_;
  std::unique_ptr<Hub> hub_;
  StreamId stream_ = 0;
  std::uint64_t index_ = 0;
};

inline const std::string kAll("\0", 1);

}  // namespace quorate::watch
