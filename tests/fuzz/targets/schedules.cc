// Schedules and the small values of Kubernetes: cron, time zones, quantities, times, durations.
#include "api/values.h"
#include "backup/cron.h"
#include "backup/time_zone.h"
#include "base/check.h"
#include "fuzz/feed.h"
#include "fuzz/target.h"

namespace quorate::backup {
namespace {

constexpr std::int64_t kYearSeconds = 365 * 24 * 3600;

Time AnyTime(fuzz::Feed& feed) {
  return Time(
      std::chrono::seconds(static_cast<std::int64_t>(feed.Number() % (100 * kYearSeconds))));
}

void Schedule(fuzz::Feed feed) {
  const Time after = AnyTime(feed);
  const Time anchor = AnyTime(feed);
  const auto zone = TimeZone::Parse(feed.Text());
  const auto cron = Cron::Parse(feed.Rest());
  if (!cron.ok()) return;
  const auto next = cron->Next(after, anchor, zone.ok() ? *zone : TimeZone::Utc());
  if (next) CHECK(*next > after);
}

void Zone(fuzz::Feed feed) {
  const Time time = AnyTime(feed);
  const std::string_view bytes = feed.Rest();
  (void)TimeZone::IsName(bytes);
  const auto zone = TimeZone::Parse(bytes);
  if (!zone.ok()) return;
  const LocalTime local = zone->ToLocal(time);
  const auto instants = zone->ToInstants(local);
  if (instants.empty()) (void)zone->EndOfGap(local);
}

void Values(std::string_view text) {
  (void)api::Quantity{std::string(text)}.Units();
  if (const auto time = api::ParseTime(text)) {
    CHECK(api::ParseTime(api::FormatTime(*time)) == time);
  }
  if (const auto duration = api::ParseDuration(text)) {
    CHECK(api::ParseDuration(api::FormatDuration(*duration)) == duration);
  }
}

FUZZ_TARGET(schedules) {
  fuzz::Feed feed(input);
  switch (feed.Below(3)) {
    case 0:
      return Schedule(feed);
    case 1:
      return Zone(feed);
    default:
      return Values(feed.Rest());
  }
}

}  // namespace
}  // namespace quorate::backup
