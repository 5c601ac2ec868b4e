// The store against a naive twin that keeps a copy of everything after every revision.
#include <algorithm>
#include <random>

#include "fixture.h"

namespace quorate::mvcc {
namespace {

using etcdserverpb::RangeRequest;
using etcdserverpb::RangeResponse;
using State = std::map<std::string, mvccpb::KeyValue>;

class Twin {
 public:
  std::int64_t revision = 1;
  std::int64_t compacted = -1;
  std::map<std::int64_t, State> states = {{1, {}}};

  State Now() const { return states.at(revision); }
  void Become(State state) { states[++revision] = std::move(state); }

  static bool In(const std::string& key, const std::string& begin, const std::string& end) {
    if (end.empty()) return key == begin;
    return key >= begin && (end == kAll || key < end);
  }

  // As etcd's server does it: fetch, filter, sort, cut.
  std::string Range(const RangeRequest& request) const {
    if (request.revision() > revision) return "future";
    if (request.revision() > 0 && request.revision() < compacted) return "compacted";
    RangeResponse response;
    std::vector<mvccpb::KeyValue> rows;
    const State& state = states.at(request.revision() > 0 ? request.revision() : revision);
    for (const auto& [key, kv] : state) {
      if (In(key, request.key(), request.range_end())) rows.push_back(kv);
    }
    response.set_count(static_cast<std::int64_t>(rows.size()));
    if (request.count_only()) return response.SerializeAsString();
    const auto limit = static_cast<std::size_t>(request.limit());
    const bool filtered = request.min_mod_revision() != 0 || request.max_mod_revision() != 0 ||
                          request.min_create_revision() != 0 || request.max_create_revision() != 0;
    if (limit > 0 && request.sort_order() == RangeRequest::NONE && !filtered) {
      rows.resize(std::min(rows.size(), limit + 1));
    }
    std::erase_if(rows, [&](const auto& kv) { return Filtered(request, kv); });
    Sort(request, rows);
    if (limit > 0 && rows.size() > limit) {
      rows.resize(limit);
      response.set_more(true);
    }
    for (auto& kv : rows) {
      if (request.keys_only()) kv.clear_value();
      *response.add_kvs() = kv;
    }
    return response.SerializeAsString();
  }

 private:
  static bool Filtered(const RangeRequest& request, const mvccpb::KeyValue& kv) {
    const auto outside = [](std::int64_t number, std::int64_t min, std::int64_t max) {
      return (min != 0 && number < min) || (max != 0 && number > max);
    };
    return outside(kv.mod_revision(), request.min_mod_revision(), request.max_mod_revision()) ||
           outside(kv.create_revision(), request.min_create_revision(),
                   request.max_create_revision());
  }
  static void Sort(const RangeRequest& request, std::vector<mvccpb::KeyValue>& rows) {
    if (request.sort_order() == RangeRequest::NONE && request.sort_target() == RangeRequest::KEY) {
      return;
    }
    const auto less = [&](const mvccpb::KeyValue& a, const mvccpb::KeyValue& b) {
      switch (request.sort_target()) {
        case RangeRequest::VERSION:
          return a.version() < b.version();
        case RangeRequest::CREATE:
          return a.create_revision() < b.create_revision();
        case RangeRequest::MOD:
          return a.mod_revision() < b.mod_revision();
        case RangeRequest::VALUE:
          return a.value() < b.value();
        default:
          return a.key() < b.key();
      }
    };
    const bool descend = request.sort_order() == RangeRequest::DESCEND;
    std::stable_sort(rows.begin(), rows.end(), [&](const auto& a, const auto& b) {
      return descend ? less(b, a) : less(a, b);
    });
  }
};

class StorePropertyTest : public StoreTest, public testing::WithParamInterface<unsigned> {
 protected:
  std::mt19937 random_{GetParam()};  // NOLINT: a fixed seed replays
  Twin twin_;

  std::int64_t Draw(std::int64_t below) { return static_cast<std::int64_t>(random_()) % below; }
  std::string Key() {
    static const std::vector<std::string> kStems = {"a", "b", "reg/", "reg/x/"};
    return kStems[random_() % kStems.size()] + std::to_string(Draw(8));
  }
  std::string End(const std::string& key) {
    const auto dice = Draw(5);
    if (dice < 2) return {};
    if (dice == 2) return std::string(kAll);
    return std::max(key, Key()) + (dice == 3 ? "" : "z");
  }

  void Change() {
    State state = twin_.Now();
    const std::int64_t main = twin_.revision + 1;
    bool changed = false;
    WriteTxn txn(*store_);
    for (auto n = 1 + Draw(4); n > 0; --n) {
      const std::string key = Key();
      if (Draw(3) > 0) {
        const std::string value(static_cast<std::size_t>(Draw(40)), static_cast<char>(Draw(256)));
        const LeaseId lease{Draw(4)};
        txn.Put(key, value, lease);
        mvccpb::KeyValue& kv = state[key];
        if (kv.version() == 0) kv.set_create_revision(main);
        kv.set_key(key);
        kv.set_version(kv.version() + 1);
        kv.set_mod_revision(main);
        kv.set_value(value);
        kv.set_lease(lease.value);
        changed = true;
      } else {
        const std::string end = End(key);
        const auto gone = std::erase_if(
            state, [&](const auto& entry) { return Twin::In(entry.first, key, end); });
        EXPECT_EQ(txn.DeleteRange(key, end), static_cast<std::int64_t>(gone));
        changed = changed || gone > 0;
      }
    }
    EXPECT_EQ(txn.End().value, changed ? main : main - 1);
    if (changed) twin_.Become(std::move(state));
  }

  RangeRequest Query() {
    RangeRequest request;
    request.set_key(Key());
    request.set_range_end(End(request.key()));
    if (Draw(2) == 0) request.set_limit(Draw(6));
    if (Draw(2) == 0) request.set_revision(1 + Draw(twin_.revision + 1));
    request.set_sort_order(static_cast<RangeRequest::SortOrder>(Draw(3)));
    request.set_sort_target(static_cast<RangeRequest::SortTarget>(Draw(5)));
    request.set_keys_only(Draw(4) == 0);
    request.set_count_only(Draw(6) == 0);
    if (Draw(4) == 0) request.set_min_mod_revision(Draw(twin_.revision));
    if (Draw(4) == 0) request.set_max_mod_revision(Draw(twin_.revision));
    if (Draw(4) == 0) request.set_min_create_revision(Draw(twin_.revision));
    if (Draw(4) == 0) request.set_max_create_revision(Draw(twin_.revision));
    return request;
  }

  // The same question asked at once and in steps.
  std::string Ask(const RangeRequest& request) {
    const RangeQuery query = RangeQuery::FromProto(request);
    const auto answer = store_->Range(query);
    auto task = store_->StartRange(query);
    EXPECT_EQ(answer.ok(), task.ok());
    if (!answer.ok()) {
      return answer.error().message.find("future") == std::string::npos ? "compacted" : "future";
    }
    while (!*(*task)->Step(1 + random_() % 3)) {
    }
    EXPECT_EQ((*task)->Take().body, answer->body);
    return answer->body;
  }
};

TEST_P(StorePropertyTest, AnswersAsTheTwinDoes) {
  leases_.known = {LeaseId{1}, LeaseId{2}, LeaseId{3}};
  for (int step = 0; step < 1500; ++step) {
    const auto dice = Draw(100);
    if (dice < 55) {
      Change();
      if (Draw(3) > 0) Commit();
    } else if (dice < 58) {
      Commit();
      const std::int64_t at = twin_.compacted + Draw(twin_.revision - twin_.compacted + 1);
      const bool ok = store_->Compact(Revision{at}).ok();
      ASSERT_EQ(ok, at > twin_.compacted);
      twin_.compacted = std::max(twin_.compacted, at);
      Commit();
    } else if (dice < 75) {
      Commit();
      ASSERT_TRUE(store_->CompactStep(random_() % 10).ok());
      Commit();
    } else if (dice < 76) {
      Commit();
      Reopen();
      ASSERT_EQ(store_->revision().value, twin_.revision);
      ASSERT_EQ(store_->compact_revision().value, twin_.compacted);
    }
    const RangeRequest request = Query();
    ASSERT_EQ(Ask(request), twin_.Range(request)) << "step " << step << "\n"
                                                  << request.DebugString();
  }
  std::map<LeaseId, std::set<std::string>> held;
  for (const auto& [key, kv] : twin_.Now()) {
    if (kv.lease() != 0) held[LeaseId{kv.lease()}].insert(key);
  }
  EXPECT_EQ(leases_.keys, held);
}

INSTANTIATE_TEST_SUITE_P(Seeds, StorePropertyTest, testing::Range(1U, 9U));

}  // namespace
}  // namespace quorate::mvcc
