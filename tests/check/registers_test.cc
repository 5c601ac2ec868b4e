#include "check/registers.h"

#include "check/history_maker.h"

namespace quorate::check {
namespace {

// Revisions are all the same here: nobody may look at them.
class RegistersTest : public testing::Test {
 protected:
  std::string Judge() const { return Rules(CheckRegisters(h.history).findings); }
  static mvccpb::KeyValue Value(const std::string& value) { return Kv("a", value, 1, 1, 1); }

  HistoryMaker h;
};

TEST_F(RegistersTest, AcceptsWhatOneClientDidAlone) {
  h.Get("a", std::nullopt, 1);
  h.Put("a", "1", 1);
  h.Get("a", Value("1"), 1);
  h.Delete("a", 1, 1);
  h.Get("a", std::nullopt, 1);
  EXPECT_EQ(Judge(), "");
}

TEST_F(RegistersTest, FindsAStaleReadAndALostWrite) {
  h.Put("a", "1", 1);
  h.Put("a", "2", 1);
  h.Get("a", Value("1"), 1);
  EXPECT_EQ(Judge(), "KV-L");
  h.history.operations.pop_back();
  h.Get("a", std::nullopt, 1);
  EXPECT_EQ(Judge(), "KV-L");
}

TEST_F(RegistersTest, AcceptsEitherSideOfARace) {
  h.Put("a", "1", 1);
  h.Put("a", "2", 1).returned = 1000;
  h.Get("a", Value("1"), 1);
  h.Get("a", Value("2"), 1);
  EXPECT_EQ(Judge(), "");
}

TEST_F(RegistersTest, FindsAReadThatWentBackDuringARace) {
  h.Put("a", "1", 1);
  h.Put("a", "2", 1).returned = 1000;
  h.Get("a", Value("2"), 1);
  h.Get("a", Value("1"), 1);
  EXPECT_EQ(Judge(), "KV-L");
}

TEST_F(RegistersTest, AWriteWithoutAnAnswerMayHappenLateOnce) {
  h.Put("a", "1", 1);
  h.Lose(PutOp("a", "2"));
  h.Get("a", Value("1"), 1);
  h.Get("a", Value("2"), 1);
  EXPECT_EQ(Judge(), "");
  h.Put("a", "3", 1);
  h.Get("a", Value("2"), 1);
  EXPECT_EQ(Judge(), "KV-L");
}

TEST_F(RegistersTest, LeavesOutWhatWouldTakeForever) {
  for (int i = 0; i < 70; ++i) h.Lose(DeleteOp("a"));
  h.Put("a", "1", 1);
  h.Get("a", Value("1"), 1);
  EXPECT_EQ(CheckRegisters(h.history).left_out, 1U);
}

}  // namespace
}  // namespace quorate::check
