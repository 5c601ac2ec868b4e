#include "commands/txn_text.h"

#include <sstream>

namespace quorate::commands {
namespace {

using etcdserverpb::Compare;

TEST(TxnTextTest, ReadsEveryKindOfCondition) {
  EXPECT_EQ(ParseCompare("mod(\"k\") > \"7\"")->mod_revision(), 7);
  EXPECT_EQ(ParseCompare("create(\"k\") = \"0\"")->target(), Compare::CREATE);
  EXPECT_EQ(ParseCompare("ver(k) != 3")->result(), Compare::NOT_EQUAL);
  EXPECT_EQ(ParseCompare("value(\"a b)c\") < \"x\\ny\"")->value(), "x\ny");
  EXPECT_EQ(ParseCompare("value(\"a b)c\") < \"x\"")->key(), "a b)c");
  EXPECT_EQ(ParseCompare("lease(\"k\") = \"ff\"")->lease(), 255);
}

TEST(TxnTextTest, NamesTheLineItCannotRead) {
  EXPECT_EQ(ParseCompare("foo").error().message, "malformed comparison: foo");
  EXPECT_EQ(ParseCompare("mod(\"k\") > \"x\"").error().message,
            "invalid txn compare request: mod(\"k\") > \"x\"");
}

TEST(TxnTextTest, WordsMayBeQuoted) {
  EXPECT_EQ(SplitWords("put  \"key 1\" 'a \"b\"' --lease=3 \"tab\\there\""),
            (std::vector<std::string>{"put", "key 1", "a \"b\"", "--lease=3", "tab\there"}));
  EXPECT_EQ(SplitWords("put k \"\""), (std::vector<std::string>{"put", "k", ""}));
}

TEST(TxnTextTest, ABlockEndsAtTheFirstEmptyLine) {
  std::istringstream in("a\n  b \n\nc\n");
  EXPECT_EQ(ReadBlock(in).value(), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(ReadBlock(in).error().message, "EOF");
}

}  // namespace
}  // namespace quorate::commands
