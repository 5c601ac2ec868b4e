// Every target meets every file of its corpus: what fuzzing found once is never found again.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "fuzz/target.h"
#include "support/root.h"

namespace quorate::fuzz {
namespace {

class FuzzReplayTest : public testing::TestWithParam<Target> {};

TEST_P(FuzzReplayTest, SurvivesItsCorpus) {
  const Target target = GetParam();
  const auto folder = std::filesystem::path(test::SourceRoot()) / "tests/fuzz/corpus" / target.name;
  target.run({});
  int files = 0;
  for (const auto& file : std::filesystem::directory_iterator(folder)) {
    SCOPED_TRACE(file.path());
    std::ifstream in(file.path(), std::ios::binary);
    const std::string bytes(std::istreambuf_iterator<char>(in), {});
    target.run(bytes);
    ++files;
  }
  EXPECT_GT(files, 0) << "a target without a corpus starts from nothing each time";
}

std::vector<Target> Sorted() {
  std::vector<Target> targets = Targets();
  std::sort(targets.begin(), targets.end(),
            [](const Target& a, const Target& b) { return a.name < b.name; });
  return targets;
}

INSTANTIATE_TEST_SUITE_P(Targets, FuzzReplayTest, testing::ValuesIn(Sorted()),
                         [](const auto& param) { return std::string(param.param.name); });

}  // namespace
}  // namespace quorate::fuzz
