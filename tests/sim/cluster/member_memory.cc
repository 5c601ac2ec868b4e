// What a member remembers of itself and the others, and what is done to that: as app::Guard and
// app::StateCheck do it, without their threads and connections.
#include <algorithm>

#include "app/ownership.h"
#include "base/bytes.h"
#include "base/check.h"
#include "peer/headers.h"
#include "sim/cluster/cluster.h"
#include "sim/cluster/member.h"
#include "wal/reader.h"

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
    if (!other->speaks_our_words()) return;
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
    if (paused_ || !ours_) return;
    app::NoteProgress(*recollection_, driver_->status());
    const auto roster = machine_->cluster().roster();
    for (const MemberId removed : roster->removed) recollection_->Forget(removed);
    for (const auto& [id, listed] : roster->members) {
      Member* other = cluster_.Find(id);
      if (!leads() || ticks % kTicksBetweenTellings != 0) break;
      if (other == nullptr || other == this || !other->up() || other->paused()) continue;
      if (!other->speaks_our_words() || !cluster_.network().Carries(this->id(), id)) continue;
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
  if (!directory.wrecked) {
    ++cluster_.counts().put_back;
    cluster_.counts().owed += promises_.durable > directory.promises.durable ? 1U : 0U;
  }
  suspect_ = true;
  wrecked_ = directory.wrecked;
  disk_.PutBack(directory.disk);
  *storage_ = directory.storage;
  promises_ = directory.promises;
  log_at_end_ = directory.log;
  cluster_.checks().Forget(id());
  heard_ = heard;
  Boot();
  heard_ = true;
}

// ---- what is not its own ----

void Member::TryDirectoryOf(const Member& other, Time lasts) {
  if (&other == this || !other.up() || !up()) return;
  const auto roster = other.machine_->cluster().roster();
  // Who has no name yet cannot be told apart, nor can a directory that has not heard of it.
  const auto heard_of = [&](MemberId member) {
    const auto named = cluster_.named().find(member);
    return roster->Find(member) != nullptr && named != cluster_.named().end() &&
           named->second <= other.machine_->backend().FlushedIndex();
  };
  if (!heard_of(id()) || !heard_of(other.id())) return;
  TryForeign(*other.CopyDirectory(), lasts);
}

void Member::TryDirectoryOfAnotherCluster(bool told, Time lasts) {
  if (!up()) return;
  Disk disk(1);
  CHECK(disk.MakeDirectories(kSnapshots).ok());
  wal::WriterOptions log;
  log.segment_bytes = cluster_.plan().segment_bytes;
  log.fill_step_bytes = 4096;
  CHECK(wal::Writer::Create(disk, kLog, {id(), ClusterId{cluster_.id().value + 1}}, log).ok());
  Directory foreign;
  foreign.disk = disk.TakeImage();
  told_cluster_ = told;
  TryForeign(foreign, lasts);
}

void Member::TryForeign(const Directory& foreign, Time lasts) {
  Crash(End::kPowerLoss, std::nullopt);
  const auto own = CopyDirectory();
  const auto stored = *storage_;
  disk_.PutBack(foreign.disk);
  *storage_ = foreign.storage;
  foreign_ = true;
  Boot();
  if (up()) cluster_.world().Fail("owner: " + self_.name + " starts with what is not its own");
  cluster_.counts().refused += exit_seen_ == node::Exit::kWrongIdentity ? 1U : 0U;
  foreign_ = false;
  ++life_;
  disk_.PutBack(own->disk);
  *storage_ = stored;
  cluster_.world().After(lasts, [this, life = life_] {
    if (life == life_) Boot();
  });
}

// As app::BootMember: the cluster, then the name. Who is not told its cluster is refused by it.
Status Member::CheckOwner(const app::Replayed& replayed) {
  const ClusterId found = replayed.identity.cluster;
  auto ending = app::OwnerCluster(
      told_cluster_ || !foreign_ ? std::optional(cluster_.id()) : std::nullopt, found, kDirectory);
  peer::Options us;
  us.self = replayed.identity.member;
  us.cluster = found;
  peer::Options them;
  them.cluster = cluster_.id();
  if (!ending && peer::Refusal(them, peer::RequestHeaders(us))) {
    ending = app::Ending{app::ExitCode::kWrongIdentity, "its peers refuse it"};
  }
  if (!ending) {
    ending = app::OwnerOfName(self_.name, *machine_->cluster().roster(), replayed.start,
                              replayed.identity.member, kDirectory);
  }
  if (!ending) return {};
  if (!foreign_) cluster_.world().Fail("owner: an honest member is refused: " + ending->message);
  exit_ = node::Exit::kWrongIdentity;
  return Error{Code::kFailedPrecondition, ending->message};
}

void Member::TrySecondInstance() {
  if (!up()) return;
  const auto lock = app::LockDirectory(disk_, kDirectory);
  if (lock.ok() && *lock != nullptr) {
    return cluster_.world().Fail("lock: two processes use the directory of " + self_.name);
  }
  // And if the lock was lost: its log has one of its own.
  const auto contents = wal::Replay(disk_, kLog, {});
  if (contents.ok() && !contents->torn && wal::Writer::Open(disk_, kLog, *contents).ok()) {
    return cluster_.world().Fail("lock: two processes write the log of " + self_.name);
  }
  ++cluster_.counts().refused;
}

}  // namespace quorate::sim::cluster
