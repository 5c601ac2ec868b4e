#include "commands/operations.h"

#include <sstream>

namespace quorate::commands {
namespace {

const std::string kZero(1, '\0');

TEST(OperationsTest, APrefixEndsAfterItsLastByteThatCanGrow) {
  EXPECT_EQ(PrefixEnd("foo"), "fop");
  EXPECT_EQ(PrefixEnd("a\xff"), "b");
  EXPECT_EQ(PrefixEnd("\xff\xff"), kZero);
  EXPECT_EQ(PrefixEnd(""), kZero);
}

TEST(OperationsTest, TheEmptyPrefixIsEveryKey) {
  const auto request = BuildRange({.words = {""}, .prefix = true});
  ASSERT_TRUE(request.ok());
  EXPECT_EQ(request->key(), kZero);
  EXPECT_EQ(request->range_end(), kZero);
}

TEST(OperationsTest, AscendingByKeyIsNotAskedForSoThatTheServerCanStopAtTheLimit) {
  EXPECT_EQ(BuildRange({.words = {"a"}, .order = "ascend"})->sort_order(),
            etcdserverpb::RangeRequest::NONE);
  EXPECT_EQ(BuildRange({.words = {"a"}, .order = "ASCEND", .sort_by = "modify"})->sort_order(),
            etcdserverpb::RangeRequest::ASCEND);
}

TEST(OperationsTest, MistakesHaveEtcdctlsTextAndExitCode) {
  const auto exit_of = [](const GetFlags& flags) {
    const Exit exit = ExitOfBuild(BuildRange(flags).error());
    return std::to_string(exit.code) + " " + exit.text;
  };
  EXPECT_EQ(exit_of({}),
            "128 get command needs one argument as key and an optional argument as range_end");
  EXPECT_EQ(exit_of({.words = {"a"}, .order = "up"}), "4 bad sort order up");
  EXPECT_EQ(exit_of({.words = {"a"}, .consistency = "x"}), "4 unknown consistency flag \"x\"");
  EXPECT_EQ(exit_of({.words = {"a"}, .prefix = true, .from_key = true}),
            "128 `--prefix` and `--from-key` cannot be set at the same time, choose one");
}

TEST(OperationsTest, AValueComesFromStandardInputWhenItIsNotAWord) {
  std::istringstream in("from stdin\n");
  EXPECT_EQ(BuildPut({.words = {"k"}}, &in)->value(), "from stdin\n");
  EXPECT_FALSE(BuildPut({.words = {"k"}}, nullptr).ok());
  EXPECT_EQ(BuildPut({.words = {"k"}, .lease = "zz"}, &in).error().message,
            "put command needs 1 argument and input from stdin or 2 arguments");
  EXPECT_EQ(BuildPut({.words = {"k", "v"}, .lease = "zz"}, &in).error().message,
            "bad lease ID (strconv.ParseInt: parsing \"zz\": invalid syntax), expecting ID in Hex");
  EXPECT_EQ(BuildPut({.words = {"k", "v"}, .lease = "694d"}, nullptr)->lease(), 0x694d);
}

}  // namespace
}  // namespace quorate::commands
