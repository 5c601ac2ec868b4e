#include "runtime/leader.h"

#include <utility>

#include "base/check.h"
#include "base/log.h"

namespace quorate::runtime {

using kube::Json;

LeaderElection::LeaderElection(kube::Client& client, io::Clock& clock, io::Random& random,
                               Options options)
    : client_(client), clock_(clock), random_(random), options_(std::move(options)) {
  CHECK(options_.lease_duration > options_.renew_deadline);
  CHECK(options_.renew_deadline > options_.retry);
  CHECK(!options_.identity.empty());
}

LeaderElection::State LeaderElection::Step() {
  if (state_ == State::kLost) return state_;
  const auto began = clock_.Now();
  if (state_ == State::kLeading && !leading()) {
    log::Error("lost the leader lease: it could not be renewed in time",
               {{"lease", options_.name}});
    state_ = State::kLost;
    return state_;
  }
  if (began < next_step_) return state_;
  if (TryOnce()) {
    if (state_ != State::kLeading) log::Info("became leader", {{"lease", options_.name}});
    state_ = State::kLeading;
    valid_until_ = (began + options_.renew_deadline).time_since_epoch().count();
  } else if (state_ == State::kLeading && holder_ != options_.identity) {
    log::Error("lost the leader lease to another holder", {{"holder", holder_}});
    valid_until_ = 0;
    state_ = State::kLost;
  }
  // Up to a fifth later, so that those who wait do not all come at once.
  const auto jitter = static_cast<std::int64_t>(
      random_.Below(static_cast<std::uint64_t>(options_.retry.count()) / 5 + 1));
  next_step_ = clock_.Now() + options_.retry + std::chrono::milliseconds(jitter);
  return state_;
}

bool LeaderElection::leading() const {
  return clock_.Now().time_since_epoch().count() < valid_until_.load();
}

void LeaderElection::Release() {
  if (!leading()) return;
  valid_until_ = 0;
  state_ = State::kLost;
  auto lease = client_.Get(kube::resources::kLeases, {options_.ns, options_.name});
  if (!lease.ok() || kube::Text(*lease, "/spec/holderIdentity") != options_.identity) return;
  (*lease)["spec"]["holderIdentity"] = "";
  (*lease)["spec"]["leaseDurationSeconds"] = 1;
  (*lease)["spec"]["renewTime"] = kube::FormatMicroTime(clock_.WallNow());
  if (const auto given = client_.Update(kube::resources::kLeases, *lease); !given.ok()) {
    log::Warn("the leader lease could not be released; it expires by itself",
              {{"error", given.error().message}});
  }
}

// True when we hold the lease now.
bool LeaderElection::TryOnce() {
  auto lease = client_.Get(kube::resources::kLeases, {options_.ns, options_.name});
  if (!lease.ok() && kube::IsNotFound(lease.error())) {
    Json fresh = kube::MakeObject(kube::resources::kLeases, {options_.ns, options_.name});
    fresh["spec"] = MakeSpec(nullptr);
    const auto made = client_.Create(kube::resources::kLeases, fresh);
    if (made.ok()) holder_ = options_.identity;
    return made.ok();
  }
  if (!lease.ok()) {
    log::Warn("cannot read the leader lease", {{"error", lease.error().message}});
    return false;
  }
  const std::string record = kube::Dump((*lease)["spec"]);
  if (record != seen_record_) {
    seen_record_ = record;
    seen_at_ = clock_.Now();
  }
  holder_ = kube::Text(*lease, "/spec/holderIdentity");
  if (!holder_.empty() && holder_ != options_.identity) {
    const std::chrono::seconds duration(kube::Number(*lease, "/spec/leaseDurationSeconds"));
    if (clock_.Now() < seen_at_ + duration) return false;
  }
  return Seize(*lease);
}

bool LeaderElection::Seize(const Json& lease) {
  Json mine = lease;
  mine["spec"] = MakeSpec(&lease["spec"]);
  const auto updated = client_.Update(kube::resources::kLeases, mine);
  if (!updated.ok()) {
    log::Warn("cannot write the leader lease", {{"error", updated.error().message}});
    return false;
  }
  holder_ = options_.identity;
  seen_record_ = kube::Dump((*updated)["spec"]);
  seen_at_ = clock_.Now();
  return true;
}

Json LeaderElection::MakeSpec(const Json* old) const {
  const std::string now = kube::FormatMicroTime(clock_.WallNow());
  Json spec{{"holderIdentity", options_.identity},
            {"leaseDurationSeconds", options_.lease_duration.count()},
            {"acquireTime", now},
            {"renewTime", now},
            {"leaseTransitions", 0}};
  if (old == nullptr) return spec;
  const std::int64_t transitions = kube::Number(*old, "/leaseTransitions");
  const bool renewal = kube::Text(*old, "/holderIdentity") == options_.identity;
  spec["leaseTransitions"] = renewal ? transitions : transitions + 1;
  const std::string acquired = kube::Text(*old, "/acquireTime");
  if (renewal && !acquired.empty()) spec["acquireTime"] = acquired;
  return spec;
}

}  // namespace quorate::runtime
