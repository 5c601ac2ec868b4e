// The checkers must keep up with long runs: their cost grows with the history, not with its square.
#include <random>

#include "check/history_maker.h"
#include "check/leases.h"
#include "check/linearizable.h"
#include "check/watches.h"

namespace quorate::check {
namespace {

// What eight clients could have seen, one in fifty answers lost.
History MakeLong(int operations) {
  HistoryMaker h;
  Model model;
  std::minstd_rand random(1);
  auto& watch = h.Watch(2, 1);
  for (int i = 0; i < operations; ++i) {
    const std::string key = "key" + std::to_string(random() % 1000);
    const auto kind = random() % 10;
    const auto request = kind < 5   ? PutOp(key, "value" + std::to_string(i))
                         : kind < 9 ? GetOp(key)
                                    : DeleteOp(key);
    auto response = model.Apply(request);
    SetHeader(response, model.revision());
    Operation& operation = h.Add(request, response);
    operation.client = i % 8;
    operation.life = 1 + static_cast<std::uint64_t>(i % 3);
    operation.returned += 70;  // eight at a time
    if (random() % 50 == 0) {
      operation.outcome = Outcome::kUnknown;
      operation.returned = kNever;
      operation.response = std::monostate();
    }
    if (kind >= 5 && kind < 9) continue;
    auto events = model.EventsAt(model.revision());
    for (auto& event : events) {
      event.clear_prev_kv();
      if (event.type() == mvccpb::Event::DELETE)
        event = DeleteEvent(event.kv().key(), event.kv().mod_revision());
    }
    if (events.empty() || watch.arrivals.back().response.header().revision() == model.revision())
      continue;
    Tell(watch, model.revision(), std::move(events));
    watch.arrivals.back().at = h.now + 80;
  }
  return std::move(h.history);
}

TEST(CheckSpeedTest, AHundredThousandOperationsTakeSeconds) {
  const History history = MakeLong(100'000);
  const auto kv = CheckLinearizable(history);
  EXPECT_EQ(Rules(kv.findings), "") << kv.findings.front().text;
  EXPECT_GT(kv.unknown_happened, 500U);
  const auto watches = CheckWatches(history, kv);
  EXPECT_EQ(Rules(watches.findings), "") << watches.findings.front().text;
  EXPECT_GT(watches.events, 50'000U);
  EXPECT_EQ(Rules(CheckLeases(history, kv).findings), "");
}

TEST(CheckSpeedTest, OneWrongAnswerInAHundredThousandIsFound) {
  History history = MakeLong(100'000);
  for (std::size_t i = 70'000;; ++i) {
    auto* response = std::get_if<etcdserverpb::ResponseOp>(&history.operations[i].response);
    if (response == nullptr || response->response_range().kvs_size() == 0) continue;
    response->mutable_response_range()->mutable_kvs(0)->set_value("value0");
    break;
  }
  EXPECT_EQ(Rules(CheckLinearizable(history).findings), "KV-3");
}

}  // namespace
}  // namespace quorate::check
