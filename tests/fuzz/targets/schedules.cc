// Schedules and the small values of Kubernetes: cron, time zones, quantities, times, durations; and
// the last words of a backup's pod.
#include "api/values.h"
#include "backup/cron.h"
#include "backup/run.h"
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

// A pod may say what it likes; only what names its object and its revision is believed.
void Report(std::string_view text) {
  const RunReport report = ParseReport(text);
  if (report.good) CHECK(!report.location.empty() && report.revision > 0);
  RunInput run;
  run.backup.status.pod_name = "pod";
  run.pod.emplace();
  run.pod->name = "pod";
  run.pod->phase = RunPodPhase::kSucceeded;
  run.pod->report = text;
  (void)DecideRun(run);
}

FUZZ_TARGET(schedules) {
  fuzz::Feed feed(input);
  switch (feed.Below(4)) {
    case 0:
      return Schedule(feed);
    case 1:
      return Zone(feed);
    case 3:
      return Report(feed.Rest());
    default:
      return Values(feed.Rest());
  }
}

}  // namespace
}  // namespace quorate::backup
