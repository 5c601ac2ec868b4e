#include "app/auto_compaction.h"

#include <algorithm>
#include <utility>

#include "apply/request.h"
#include "base/log.h"
#include "proto/rpc.pb.h"

namespace quorate::app {
namespace {

constexpr std::chrono::nanoseconds kHour = std::chrono::hours(1);
constexpr std::chrono::nanoseconds kRevisionInterval = std::chrono::minutes(5);
constexpr int kSamplesPerInterval = 10;

}  // namespace

CompactionClock::CompactionClock(const AutoCompactionOptions& options, Instant now)
    : options_(options),
      interval_(options.revisions > 0 ? kRevisionInterval
                                      : std::min(options.period, kHour) / kSamplesPerInterval),
      wait_(options.period),
      last_(now) {}

std::optional<Revision> CompactionClock::Tick(Instant now, Revision current, bool leading) {
  Revision at{current.value - options_.revisions};
  if (options_.revisions == 0) {
    samples_.push_back(current);
    const auto kept = static_cast<std::size_t>(options_.period / interval_) + 1;
    if (samples_.size() > kept) samples_.pop_front();
    at = samples_.front();
    if (now - last_ < wait_) return std::nullopt;
  }
  if (!leading || at <= Revision{0} || at == last_revision_) return std::nullopt;
  return at;
}

void CompactionClock::Compacted(Instant now, Revision at) {
  last_ = now;
  last_revision_ = at;
  wait_ = std::min(options_.period, kHour);
}

AutoCompaction::AutoCompaction(net::EventLoop& loop, const io::Clock& clock,
                               const api::Context& context, const AutoCompactionOptions& options)
    : clock_(clock),
      context_(context),
      options_(options),
      decide_(options, clock.Now()),
      timer_(loop) {}

void AutoCompaction::Start() {
  if (options_.period.count() == 0 && options_.revisions == 0) return;
  timer_.Set(decide_.interval(), [this] { Tick(); });
}

void AutoCompaction::Stop() {
  timer_.Cancel();
  alive_.reset();
}

void AutoCompaction::Tick() {
  timer_.Set(decide_.interval(), [this] { Tick(); });
  const bool leading = context_.node->leader() == context_.identity.member;
  const auto at = decide_.Tick(clock_.Now(), context_.store->revision(), leading);
  if (!at) return;
  log::Info("starting auto compaction", {{"revision", *at}});
  etcdserverpb::CompactionRequest request;
  request.set_revision(at->value);
  const std::uint64_t id = context_.node->NextRequestId();
  context_.node->Propose(
      id, apply::MakeRequest(apply::RequestField::kCompaction, request.SerializeAsString(), id),
      [this, at = *at, alive = std::weak_ptr<int>(alive_)](const Result<std::string>& done) {
        if (alive.expired()) return;
        // Somebody else compacted further: as good.
        if (done.ok() || done.error().code == Code::kOutOfRange) {
          decide_.Compacted(clock_.Now(), at);
          log::Info("completed auto compaction", {{"revision", at}});
        } else {
          log::Warn("failed auto compaction", {{"revision", at}, {"error", done.error().message}});
        }
      });
}

}  // namespace quorate::app
