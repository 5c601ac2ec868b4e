#include "raft/waiting_changes.h"

#include <gtest/gtest.h>

namespace quorate::raft {
namespace {

Entry Change(std::string text) {
  Entry entry;
  entry.type = EntryType::kConfChange;
  entry.data = Payload(std::move(text));
  return entry;
}

TEST(WaitingChangesTest, ComeOutInTheOrderTheyCame) {
  WaitingChanges waiting;
  ASSERT_TRUE(waiting.Add(Change("a")));
  ASSERT_TRUE(waiting.Add(Change("b")));
  EXPECT_EQ(waiting.first().data.view(), "a");
  waiting.RemoveFirst();
  EXPECT_EQ(waiting.first().data.view(), "b");
  waiting.RemoveFirst();
  EXPECT_TRUE(waiting.empty());
}

TEST(WaitingChangesTest, AreForgottenAfterAWholeElectionTimeout) {
  WaitingChanges waiting;
  ASSERT_TRUE(waiting.Add(Change("early in the timeout")));
  EXPECT_EQ(waiting.Age(), 0U);
  ASSERT_TRUE(waiting.Add(Change("late in the timeout")));
  EXPECT_EQ(waiting.Age(), 1U);
  EXPECT_EQ(waiting.first().data.view(), "late in the timeout");
  EXPECT_EQ(waiting.Age(), 1U);
  EXPECT_TRUE(waiting.empty());
}

TEST(WaitingChangesTest, AreBounded) {
  WaitingChanges waiting;
  for (std::size_t i = 0; i < WaitingChanges::kMax; ++i) ASSERT_TRUE(waiting.Add(Change("x")));
  EXPECT_FALSE(waiting.Add(Change("too many")));
}

}  // namespace
}  // namespace quorate::raft
