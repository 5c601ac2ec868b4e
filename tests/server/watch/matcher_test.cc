#include "watch/matcher.h"

#include <algorithm>
#include <random>

namespace quorate::watch {
namespace {

bool Holds(const Watcher& watcher, const std::string& key) {
  if (watcher.range_end.empty()) return key == watcher.key;
  return key >= watcher.key &&
         (watcher.range_end == std::string(1, '\0') || key < watcher.range_end);
}

TEST(MatcherTest, FindsExactlyTheWatchersThatHoldTheKey) {
  std::mt19937 random(3);  // NOLINT: a fixed seed replays
  const auto key = [&] {
    return std::string(1 + random() % 2, static_cast<char>('a' + random() % 4)) +
           std::to_string(random() % 30);
  };
  Matcher matcher;
  std::vector<std::unique_ptr<Watcher>> watchers;
  for (int step = 0; step < 4000; ++step) {
    if (watchers.empty() || random() % 5 < (step < 2000 ? 3U : 2U)) {
      auto watcher = std::make_unique<Watcher>();
      watcher->key = key();
      const auto kind = random() % 4;
      if (kind == 1) watcher->range_end = std::string(1, '\0');
      if (kind > 1) watcher->range_end = watcher->key + key();
      matcher.Add(watcher.get());
      watchers.push_back(std::move(watcher));
    } else {
      const std::size_t victim = random() % watchers.size();
      matcher.Remove(watchers[victim].get());
      watchers.erase(watchers.begin() + static_cast<std::ptrdiff_t>(victim));
    }
    const std::string asked = key();
    std::vector<Watcher*> found;
    matcher.Match(asked, found);
    std::vector<Watcher*> expected;
    for (const auto& watcher : watchers) {
      if (Holds(*watcher, asked)) expected.push_back(watcher.get());
    }
    std::sort(found.begin(), found.end());
    std::sort(expected.begin(), expected.end());
    ASSERT_EQ(found, expected) << "step " << step << " key " << asked;
    ASSERT_EQ(matcher.empty(), watchers.empty());
  }
}

}  // namespace
}  // namespace quorate::watch
