#include "backup/retention.h"

#include <algorithm>
#include <set>

namespace quorate::backup {
namespace {

using std::chrono::days;
using std::chrono::year_month_day;

bool IsNewer(const Artifact& a, const Artifact& b) {
  if (a.revision != b.revision) return a.revision > b.revision;
  return a.time != b.time ? a.time > b.time : a.name > b.name;
}

// Marks the first artifact of each of the `count` newest groups.
template <typename GroupOf>
void KeepNewestOfGroups(const std::vector<Artifact>& newest_first, std::int32_t count,
                        GroupOf group_of, std::vector<bool>& keep) {
  std::set<std::int64_t> seen;
  for (std::size_t i = 0; i < newest_first.size(); ++i) {
    if (static_cast<std::int32_t>(seen.size()) == count) return;
    if (seen.insert(group_of(newest_first[i])).second) keep[i] = true;
  }
}

std::int64_t DayOf(const TimeZone& zone, Time time) {
  return std::chrono::floor<days>(zone.ToLocal(time)).time_since_epoch().count();
}

// Monday begins the week; 1970-01-01 was a Thursday.
std::int64_t WeekOf(const TimeZone& zone, Time time) {
  const std::int64_t since_monday = DayOf(zone, time) + 3;
  return since_monday >= 0 ? since_monday / 7 : (since_monday - 6) / 7;
}

std::int64_t MonthOf(const TimeZone& zone, Time time) {
  const year_month_day date(std::chrono::floor<days>(zone.ToLocal(time)));
  return static_cast<int>(date.year()) * 12 + static_cast<int>(static_cast<unsigned>(date.month()));
}

bool HasRules(const api::RetentionSpec& r) {
  return r.keep_last > 0 || r.max_age || r.daily > 0 || r.weekly > 0 || r.monthly > 0;
}

}  // namespace

std::vector<std::string> Expired(const api::RetentionSpec& retention,
                                 std::vector<Artifact> artifacts, const TimeZone& zone, Time now) {
  if (!HasRules(retention)) return {};
  std::sort(artifacts.begin(), artifacts.end(), IsNewer);
  std::vector<bool> keep(artifacts.size(), false);
  const auto at_least = static_cast<std::size_t>(
      std::max({retention.keep_last, retention.min_keep, std::int32_t{1}}));
  for (std::size_t i = 0; i < artifacts.size(); ++i) {
    keep[i] = i < at_least;
    if (retention.max_age && now - artifacts[i].time < *retention.max_age) keep[i] = true;
  }
  const auto grouped = [&](std::int32_t count, auto group) {
    KeepNewestOfGroups(
        artifacts, count, [&](const Artifact& a) { return group(zone, a.time); }, keep);
  };
  grouped(retention.daily, DayOf);
  grouped(retention.weekly, WeekOf);
  grouped(retention.monthly, MonthOf);
  std::vector<std::string> expired;
  for (std::size_t i = artifacts.size(); i-- > 0;) {
    if (!keep[i]) expired.push_back(artifacts[i].name);
  }
  return expired;
}

std::vector<std::string> ExpiredFailures(std::vector<Artifact> failed, std::int32_t limit) {
  std::sort(failed.begin(), failed.end(), [](const Artifact& a, const Artifact& b) {
    return a.time != b.time ? a.time > b.time : a.name > b.name;
  });
  std::vector<std::string> expired;
  for (std::size_t i = failed.size(); i-- > static_cast<std::size_t>(std::max(limit, 0));) {
    expired.push_back(failed[i].name);
  }
  return expired;
}

}  // namespace quorate::backup
