// Whatever happens to streams and history, every watcher hears exactly its events, in order, each
// revision whole (reliability.md W-1..W-8).
#include <random>

#include "base/bytes.h"
#include "fixture.h"

namespace quorate::watch {
namespace {

// All events of one response, as the watcher heard them.
struct Client {
  CreateRequest request;
  std::int64_t first = 0;  // revision from which it must hear everything
  std::vector<mvccpb::Event> events;
  std::int64_t last_response = 0;  // newest revision in any earlier response
  bool canceled = false;
};

class RandomSink final : public Sink {
 public:
  bool Offer(Response& response) override {
    if (response.events.empty()) {
      if (response.canceled && response.watch_id >= 0)
        clients.at(response.watch_id).canceled = true;
      if (response.watch_id == -1) CheckProgress(response.revision.value);
      return true;
    }
    if (room == 0) return false;
    --room;
    etcdserverpb::WatchResponse parsed;
    std::string bytes;
    for (const EventBytes& event : response.events) bytes += *event;
    EXPECT_TRUE(parsed.ParseFromString(bytes));
    Client& client = clients.at(response.watch_id);
    EXPECT_FALSE(client.canceled);
    // A revision never continues in a later response.
    EXPECT_GT(parsed.events(0).kv().mod_revision(), client.last_response);
    for (const auto& event : parsed.events()) client.events.push_back(event);
    client.last_response = client.events.back().kv().mod_revision();
    return true;
  }
  bool HasRoom() const override { return room > 0; }
  void CheckProgress(std::int64_t revision) {
    for (auto& [id, client] : clients) {
      if (!client.canceled) client.last_response = std::max(client.last_response, revision);
    }
  }

  std::map<std::int64_t, Client> clients;
  int room = 1000;
};

struct Fact {
  std::int64_t revision;
  bool deleted;
  std::string key;
  std::string value;
  std::string previous;
};

class HubPropertyTest : public HubTest, public testing::WithParamInterface<unsigned> {
 protected:
  std::mt19937 random_{GetParam()};  // NOLINT: a fixed seed replays
  RandomSink random_sink_;
  std::vector<Fact> facts_;
  std::map<std::string, std::string> now_;

  std::int64_t Draw(std::int64_t below) { return static_cast<std::int64_t>(random_()) % below; }
  std::string Key() { return std::string(1, static_cast<char>('a' + Draw(6))); }

  void Change() {
    const std::int64_t revision = store_->revision().value + 1;
    std::map<std::string, std::string> before = now_;
    std::set<std::string> touched;
    mvcc::WriteTxn txn(*store_);
    for (auto n = 1 + Draw(3); n > 0; --n) {
      const std::string key = Key();
      if (!touched.insert(key).second) continue;
      const std::string previous = before.contains(key) ? before[key] : "";
      if (Draw(3) > 0) {
        const std::string value = std::to_string(revision);
        txn.Put(key, value, {});
        facts_.push_back({revision, false, key, value, previous});
        now_[key] = value;
      } else if (txn.DeleteRange(key, "") == 1) {
        facts_.push_back({revision, true, key, "", previous});
        now_.erase(key);
      }
    }
    txn.End();
    if (Draw(2) == 0) Commit();
  }

  void Create(StreamId stream) {
    Client client;
    client.request.key = Key();
    if (Draw(2) == 0) client.request.range_end = Draw(2) == 0 ? kAll : client.request.key + "z";
    const std::int64_t current = store_->revision().value;
    if (Draw(3) > 0) {
      client.request.start_revision =
          std::max<std::int64_t>(1, store_->compact_revision().value) + Draw(current + 3);
    }
    client.request.no_put = Draw(5) == 0;
    client.request.no_delete = Draw(5) == 0;
    client.request.prev_kv = Draw(2) == 0;
    client.request.watch_id = static_cast<std::int64_t>(random_sink_.clients.size()) + 1;
    client.first = client.request.start_revision == 0 ? current + 1 : client.request.start_revision;
    random_sink_.clients[client.request.watch_id] = client;
    hub_->Create(stream, client.request);
  }

  void Verify(const Client& client) {
    std::size_t at = 0;
    const KeyRange range = KeyRange::FromEtcd(client.request.key, client.request.range_end);
    for (const Fact& fact : facts_) {
      if (fact.revision < client.first || !range.Contains(fact.key)) continue;
      if (fact.deleted ? client.request.no_delete : client.request.no_put) continue;
      if (at == client.events.size()) {
        EXPECT_TRUE(client.canceled) << "missing " << fact.key << "@" << fact.revision;
        return;
      }
      const mvccpb::Event& event = client.events[at++];
      ASSERT_EQ(event.kv().key(), fact.key);
      ASSERT_EQ(event.kv().mod_revision(), fact.revision);
      ASSERT_EQ(event.type() == mvccpb::Event::DELETE, fact.deleted);
      ASSERT_EQ(event.kv().value(), fact.value);
      ASSERT_TRUE(client.request.prev_kv || !event.has_prev_kv());
      ASSERT_TRUE(!event.has_prev_kv() || event.prev_kv().value() == fact.previous);
    }
    EXPECT_EQ(at, client.events.size());
  }
};

TEST_P(HubPropertyTest, EveryWatcherHearsExactlyItsEvents) {
  // Some seeds with rounds that take only few watchers and end early.
  if (GetParam() % 2 == 0) Limit({.watchers_max = 1 + GetParam() / 2, .sent_bytes_max = 200});
  const StreamId stream = hub_->Open(random_sink_);
  for (int step = 0; step < 3000; ++step) {
    const auto dice = Draw(100);
    if (dice < 50) {
      Change();
    } else if (dice < 55) {
      Create(stream);
    } else if (dice < 56 && store_->revision().value > 60) {
      Commit();
      static_cast<void>(store_->Compact(Revision{store_->revision().value - 50}));
      Commit();
    } else if (dice < 70) {
      Commit();
      ASSERT_TRUE(store_->CompactStep(20).ok());
      Commit();
    } else if (dice < 80) {
      random_sink_.room = static_cast<int>(Draw(20));
      hub_->HasRoom(stream);
    } else if (dice < 97) {
      Commit();
      ASSERT_TRUE(hub_->CatchUp(static_cast<std::size_t>(1 + Draw(30))).ok());
    } else {
      hub_->RequestProgress(stream);
    }
  }
  random_sink_.room = 1 << 30;
  hub_->HasRoom(stream);
  Commit();
  CatchUp();
  for (const auto& [id, client] : random_sink_.clients) Verify(client);
  EXPECT_GT(hub_->events_sent(), 1000U);
}

INSTANTIATE_TEST_SUITE_P(Seeds, HubPropertyTest, testing::Range(1U, 9U));

}  // namespace
}  // namespace quorate::watch
