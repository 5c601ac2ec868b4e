#include "runtime/events.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/bytes.h"
#include "base/log.h"

namespace quorate::runtime {
namespace {

using kube::Json;

constexpr std::chrono::minutes kSeriesLife{6};
constexpr double kTokensMost = 25;
constexpr std::chrono::minutes kTokenPeriod{5};
constexpr std::size_t kNoteMost = 1024;  // bytes
constexpr std::size_t kObjectsMost = 4096;

// At most `most` bytes, never half a character.
std::string Cut(std::string_view text, std::size_t most) {
  if (text.size() <= most) return std::string(text);
  while (most > 0 && (static_cast<unsigned char>(text[most]) & 0xC0U) == 0x80U) --most;
  return std::string(text.substr(0, most));
}

Json Regarding(const Json& object) {
  Json out{{"apiVersion", kube::Text(object, "/apiVersion")},
           {"kind", kube::Text(object, "/kind")},
           {"name", kube::Name(object)},
           {"uid", kube::Uid(object)},
           {"resourceVersion", kube::ResourceVersion(object)}};
  if (const std::string ns = kube::Namespace(object); !ns.empty()) out["namespace"] = ns;
  return out;
}

}  // namespace

EventRecorder::EventRecorder(kube::Client& client, io::Clock& clock, Options options)
    : client_(client), clock_(clock), options_(std::move(options)) {}

void EventRecorder::Record(const Json& object, EventType type, std::string_view reason,
                           std::string_view action, std::string_view note_in) {
  const std::string note = Cut(note_in, kNoteMost);
  const std::string uid = kube::Uid(object);
  const auto now = clock_.Now();
  const std::string wall = kube::FormatMicroTime(clock_.WallNow());
  const std::string key = uid + '\n' + std::string(reason) + '\n' + note;
  std::optional<Series> repeated;
  kube::ObjectRef ref;
  {
    MutexLock lock(mutex_);
    Forget(now);
    if (const auto it = series_.find(key); it != series_.end()) {
      ++it->second.count;
      it->second.last = now;
      repeated = it->second;
    }
    if (!Spend(uid, now)) return;
    if (!repeated) {
      const std::string ns = kube::Namespace(object);
      const auto stamp = static_cast<std::uint64_t>(clock_.WallNow().time_since_epoch().count());
      ref = {ns.empty() ? "default" : ns,
             Cut(kube::Name(object), 200) + "." + ToHex(stamp + ++serial_)};
      series_[key] = {ref, 1, now};
    }
  }
  if (repeated) {
    const Json patch{{"series", {{"count", repeated->count}, {"lastObservedTime", wall}}}};
    const auto done =
        client_.Patch(kube::resources::kEvents, repeated->ref, kube::PatchType::kMerge, patch, {});
    if (!done.ok()) log::Debug("event dropped", {{"error", done.error().message}});
    return;
  }
  Json event = kube::MakeObject(kube::resources::kEvents, ref);
  event["eventTime"] = wall;
  event["reportingController"] = options_.controller;
  event["reportingInstance"] = Cut(options_.instance, 128);
  event["action"] = Cut(action, 128);
  event["reason"] = Cut(reason, 128);
  event["type"] = type == EventType::kNormal ? "Normal" : "Warning";
  event["note"] = note;
  event["regarding"] = Regarding(object);
  const auto made = client_.Create(kube::resources::kEvents, event);
  if (!made.ok()) log::Debug("event dropped", {{"error", made.error().message}});
}

bool EventRecorder::Spend(const std::string& uid, io::Clock::Instant now) {
  auto [it, fresh] = budgets_.try_emplace(uid);
  Budget& budget = it->second;
  if (fresh) budget.refilled = now;
  const auto passed = now - budget.refilled;
  budget.tokens =
      std::min(kTokensMost, budget.tokens + std::chrono::duration<double>(passed) /
                                                std::chrono::duration<double>(kTokenPeriod));
  budget.refilled = now;
  if (budget.tokens < 1) return false;
  budget.tokens -= 1;
  return true;
}

void EventRecorder::Forget(io::Clock::Instant now) {
  std::erase_if(series_,
                [now](const auto& entry) { return now - entry.second.last > kSeriesLife; });
  if (budgets_.size() > kObjectsMost) budgets_.clear();
}

}  // namespace quorate::runtime
