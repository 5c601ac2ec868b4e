#include "base/log.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "base/ids.h"

namespace quorate {
namespace {

std::string LinesOf(log::Options options, const std::function<void()>& write) {
  // A name of its own: tests run side by side.
  std::string path = testing::TempDir() + "log_test_XXXXXX";
  const int file = mkstemp(path.data());
  EXPECT_GE(file, 0);
  close(file);
  options.outputs = {path};
  EXPECT_TRUE(log::Configure(options));
  write();
  EXPECT_TRUE(log::Configure({}));
  std::ifstream in(path);
  std::stringstream text;
  text << in.rdbuf();
  std::remove(path.c_str());
  return text.str();
}

TEST(LogTest, WritesOneJsonObjectALineInEtcdsShape) {
  const std::string line = LinesOf({}, [] {
    log::Info("became leader", {{"term", Term{3}}, {"name", "a\"b\n"}, {"learner", false}});
  });
  EXPECT_THAT(line, testing::StartsWith(R"({"level":"info","ts":"2)"));
  EXPECT_THAT(line,
              testing::EndsWith(R"("msg":"became leader","term":3,"name":"a\"b\n","learner":false})"
                                "\n"));
}

TEST(LogTest, LeavesOutWhatIsBelowTheLevel) {
  log::Options options;
  options.level = log::Level::kWarn;
  EXPECT_EQ(LinesOf(options, [] { log::Info("quiet"); }), "");
}

TEST(LogTest, RefusesAnOutputThatCannotBeOpened) {
  EXPECT_FALSE(log::Configure({.outputs = {"/proc/no/such/file"}}));
}

TEST(LogTest, ParsesEtcdsLevels) {
  log::Level level{};
  EXPECT_TRUE(log::ParseLevel("warn", &level));
  EXPECT_EQ(level, log::Level::kWarn);
  EXPECT_FALSE(log::ParseLevel("loud", &level));
}

}  // namespace
}  // namespace quorate
