// What a member remembers of itself and the others, and what is done to that: as app::Guard and
// app::StateCheck do it, without their threads and connections.
#include <algorithm>

#include "base/bytes.h"
#include "base/check.h"
#include "sim/cluster/cluster.h"
#include "sim/cluster/member.h"

namespace quorate::sim::cluster {
namespace {

constexpr auto kRememberPause = std::chrono::seconds(1);
constexpr std::uint64_t kTicksBetweenTellings = 5;
constexpr std::uint64_t kTicksBetweenSaves = 10;

}  // namespace

// Before anything is voted or acknowledged, as app::Guard does.
Status Member::Greet() {
  std::map<MemberId, std::vector<std::string>> others;
  const auto peers = machine_->Peers();
  for (const auto& [other, urls] : peers) others[other] = {ToHex(other.value)};
  if (peers.empty()) {
    for (const MemberId other : known_) others[other] = {ToHex(other.value)};
  }
  others.erase(id());
  bool contradicted = false;
  const auto ask = [&](const std::vector<std::string>& urls, const std::string& claim,
                       const std::function<void(Result<std::string>)>& done) {
    Member* other = cluster_.Find(MemberId{ParseHex(urls.front()).value_or(0)});
    if (dying_ || !heard_ || other == nullptr || !other->up() || other->paused()) return;
    if (!cluster_.network().Carries(id(), other->id())) return;
    if (!cluster_.network().Carries(other->id(), id())) return;
    if (random_.Chance(cluster_.network().weather().loss)) return;
    const LogIndex known = other->AcknowledgedBy(id());
    // What is told is as of the last tick, which does not come while a clock stands.
    contradicted |= known > driver_->core().durable() && !other->clock().stands();
    done(app::AnswerHello(*other->recollection_, other->driver().status(),
                          *other->machine().cluster().roster(), claim));
  };
  const app::Greeting greeting = TRY(app::BeginLife(
      *recollection_, random_.Next(), driver_->status(), others, std::chrono::nanoseconds(0), ask));
  if (contradicted && !greeting.ending && !dying_) {
    cluster_.world().Fail("time travel: " + self_.name + " starts with a log that ends at " +
                          std::to_string(driver_->core().durable().value) +
                          ", and the leader has its acknowledgement of more");
  }
  if (!greeting.ending || dying_) return {};
  exit_ = node::Exit::kWentBack;
  return Error{Code::kFailedPrecondition, greeting.ending->message};
}

// What a member that leads has from another one, as far as it is committed.
LogIndex Member::AcknowledgedBy(MemberId other) const {
  LogIndex known;
  for (const raft::MemberProgress& progress : driver_->core().Members()) {
    if (leads() && progress.id == other) {
      known = std::min(progress.match, driver_->core().committed());
    }
  }
  return known;
}

// What members know of each other, as app::StateCheck tells and keeps it.
void Member::Remember(std::uint64_t ticks) {
  Later(kRememberPause, [this, ticks] {
    Remember(ticks + 1);
    if (paused_) return;
    app::NoteProgress(*recollection_, driver_->status());
    const auto roster = machine_->cluster().roster();
    for (const MemberId removed : roster->removed) recollection_->Forget(removed);
    for (const auto& [id, listed] : roster->members) {
      Member* other = cluster_.Find(id);
      if (!leads() || ticks % kTicksBetweenTellings != 0) break;
      if (other == nullptr || other == this || !other->up() || other->paused()) continue;
      if (!cluster_.network().Carries(this->id(), id)) continue;
      for (const auto& [about, unused] : roster->members) {
        const app::Known known = recollection_->Of(about);
        other->recollection_->Note(about, {.index = known.index, .term = known.term});
      }
    }
    if (ticks % kTicksBetweenSaves == 0) static_cast<void>(recollection_->SaveChanges());
    NoticeDisk();
  });
}

// ---- old directories ----

std::shared_ptr<const Directory> Member::CopyDirectory() const {
  auto copy = std::make_shared<Directory>();
  copy->disk = disk_.TakeImage();
  copy->storage = *storage_;
  copy->promises = promises_;
  copy->log = up() ? DurableLog() : log_at_end_;
  if (copy->log.first.value == 0) copy->promises.durable = LogIndex{};
  return copy;
}

void Member::BootFrom(const Directory& directory, bool heard) {
  CHECK(driver_ == nullptr && !running_);
  ++cluster_.counts().put_back;
  cluster_.counts().owed += promises_.durable > directory.promises.durable ? 1U : 0U;
  suspect_ = true;
  disk_.PutBack(directory.disk);
  *storage_ = directory.storage;
  promises_ = directory.promises;
  log_at_end_ = directory.log;
  cluster_.checks().Forget(id());
  heard_ = heard;
  Boot();
  heard_ = true;
}

}  // namespace quorate::sim::cluster
