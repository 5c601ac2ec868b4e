// The key index beside a map that keeps every revision: they agree after any history.
#include "mvcc/key_index.h"

#include <map>
#include <vector>

#include "base/check.h"
#include "fuzz/feed.h"
#include "fuzz/target.h"

namespace quorate::mvcc {
namespace {

constexpr std::string_view kKeys[] = {
    "", "a", "aa", "b", "key-that-is-rather-long/1", "key-that-is-rather-long/2"};

struct Change {
  RevisionId id;
  bool tombstone;
};
using Naive = std::map<std::string, std::vector<Change>, std::less<>>;

std::string AnyKey(fuzz::Feed& feed) {
  const std::uint8_t choice = feed.Byte();
  if (choice < 64) return std::string(kKeys[choice % std::size(kKeys)]);
  return "k" + std::to_string(choice);
}

// The newest change at or before `at`; nullptr: none, or a deletion.
const Change* Find(const Naive& naive, std::string_view key, Revision at) {
  const auto found = naive.find(key);
  const Change* last = nullptr;
  if (found == naive.end()) return nullptr;
  for (const Change& change : found->second) {
    if (change.id.main <= at) last = &change;
  }
  return last == nullptr || last->tombstone ? nullptr : last;
}

void Compact(Naive& naive, KeyIndex& index, const std::string& key, Revision at) {
  std::vector<RevisionId> dead;
  index.Compact(key, at, [&](RevisionId id, bool) { dead.push_back(id); });
  const auto found = naive.find(key);
  if (found == naive.end()) {
    CHECK(dead.empty());
    return;
  }
  std::vector<Change>& changes = found->second;
  std::size_t keep = 0;  // how many are at or below `at`
  while (keep < changes.size() && changes[keep].id.main <= at) ++keep;
  if (keep > 0 && !(changes[keep - 1].tombstone && changes[keep - 1].id.main < at)) --keep;
  CHECK(dead.size() == keep);
  for (std::size_t i = 0; i < keep; ++i) CHECK(dead[i] == changes[i].id);
  changes.erase(changes.begin(), changes.begin() + static_cast<std::ptrdiff_t>(keep));
  if (changes.empty()) naive.erase(found);
}

void Compare(const Naive& naive, const KeyIndex& index, fuzz::Feed& feed, Revision at) {
  CHECK(index.key_count() == naive.size());
  const std::string begin = AnyKey(feed);
  const std::string end = feed.Flag() ? std::string(1, '\0') : AnyKey(feed);
  std::vector<std::pair<std::string, RevisionId>> seen;
  index.Scan(begin, end, at, [&](std::string_view key, RevisionId id) {
    seen.emplace_back(key, id);
    return true;
  });
  std::size_t next = 0;
  const KeyRange range = KeyRange::FromEtcd(begin, end);
  for (const auto& [key, changes] : naive) {
    const Change* change = Find(naive, key, at);
    const auto found = index.Find(key, at);
    CHECK(found.has_value() == (change != nullptr));
    if (change == nullptr) continue;
    CHECK(*found == change->id);
    if (!range.Contains(key)) continue;
    CHECK(next < seen.size() && seen[next].first == key && seen[next].second == change->id);
    ++next;
  }
  CHECK(next == seen.size());
  const auto counted = index.Count(range, at, 1U << 20U);
  CHECK(counted.complete && counted.count == static_cast<std::int64_t>(seen.size()));
}

FUZZ_TARGET(key_index) {
  fuzz::Feed feed(input);
  KeyIndex index;
  Naive naive;
  RevisionId now{Revision{2}, 0};
  Revision compacted{0};
  for (int step = 0; step < 400 && !feed.empty(); ++step) {
    const std::uint64_t choice = feed.Below(8);
    const std::string key = AnyKey(feed);
    if (feed.Flag()) {
      now = {Revision{now.main.value + 1}, 0};
    } else {
      ++now.sub;
    }
    if (choice < 4) {
      (void)index.Put(key, now, LeaseId{static_cast<std::int64_t>(feed.Below(3))});
      naive[key].push_back({now, false});
    } else if (choice < 6) {
      const auto found = naive.find(key);
      if (found == naive.end() || found->second.back().tombstone) continue;
      CHECK(index.Latest(key).has_value());
      (void)index.Tombstone(key, now);
      found->second.push_back({now, true});
    } else if (choice == 6) {
      compacted =
          std::max(compacted, Revision{now.main.value - static_cast<std::int64_t>(feed.Below(4))});
      Compact(naive, index, key, compacted);
    } else {
      Compare(naive, index, feed,
              Revision{now.main.value - static_cast<std::int64_t>(feed.Below(6))});
    }
  }
  Compare(naive, index, feed, now.main);
}

}  // namespace
}  // namespace quorate::mvcc
