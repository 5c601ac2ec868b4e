#include "app/machine.h"

#include <utility>

#include "base/log.h"
#include "base/site.h"
#include "snapshot/conf_state.h"

namespace quorate::app {
namespace {

// etcd looks for expired leases twice a second and revokes up to 500 a time.
constexpr auto kExpiryInterval = std::chrono::milliseconds(500);
constexpr std::size_t kExpiredMax = 500;
// A revocation that got lost is asked for again after this.
constexpr auto kRevokeRetry = std::chrono::seconds(3);
// How often an installation looks whether everybody has let go of the old state.
constexpr auto kIdlePoll = std::chrono::milliseconds(20);
// History rows that one turn reads for watchers that catch up.
constexpr std::size_t kCatchUpRows = 1000;
// Keys that one turn writes of an index checkpoint: a fraction of a millisecond.
constexpr std::size_t kCheckpointKeys = 2000;
// A store that nobody has changed for so long is idle.
constexpr auto kIdle = std::chrono::seconds(2);

void LogRestored(const mvcc::Restored& restored) {
  if (!restored.refused.empty()) {
    log::Warn("cannot use the checkpoint of the key index; reading the whole history instead",
              {{"error", restored.refused}});
  }
  log::Info("restored the key index", {{"keys", restored.index->key_count()},
                                       {"revision", restored.revision},
                                       {"checkpoint", restored.checkpoint.has_value()},
                                       {"rows-read", restored.rows}});
}

node::Outcome ToNode(apply::Outcome outcome) {
  return {.request_id = outcome.request_id,
          .answered = outcome.answered,
          .response = std::move(outcome.response),
          .fatal = std::move(outcome.fatal)};
}

}  // namespace

Result<std::unique_ptr<Machine>> Machine::Open(const MachineOptions& options,
                                               std::unique_ptr<storage::Backend> backend,
                                               const io::Clock& clock, MachineServices& services) {
  std::unique_ptr<Machine> machine(new Machine(options, std::move(backend), clock, services));
  TRY(machine->OpenParts());
  return machine;
}

Machine::Machine(const MachineOptions& options, std::unique_ptr<storage::Backend> backend,
                 const io::Clock& clock, MachineServices& services)
    : options_(options),
      clock_(clock),
      services_(services),
      backend_(std::move(backend)),
      lessor_(lease::Options{.ttl_min = options.lease_ttl_min}, clock),
      cluster_(options.cluster, options.max_learners) {}

Machine::~Machine() = default;

Status Machine::OpenParts() {
  TRY(lessor_.Load(*backend_));
  TRY(cluster_.Load(*backend_));
  mvcc::Restored restored = TRY(mvcc::Restore(*backend_));
  LogRestored(restored);
  store_ = mvcc::Store::Open({.backend = backend_.get(), .batch = &batch_, .leases = &lessor_},
                             std::move(restored));
  hub_ = std::make_unique<watch::Hub>(*store_);
  store_->SetListener(hub_.get());
  applier_ = TRY(apply::Applier::Open(
      {.backend = backend_.get(),
       .batch = &batch_,
       .store = store_.get(),
       .lessor = &lessor_,
       .cluster = &cluster_,
       .waiters = &waiters_},
      {.cluster = options_.cluster, .member = options_.self, .quota_bytes = options_.quota_bytes}));
  return {};
}

node::Outcome Machine::Apply(const raft::Entry& entry) {
  return ToNode(applier_->ApplyEntry(entry));
}

node::ChangeOutcome Machine::ApplyConfChange(const raft::Entry& entry, raft::ConfChange change) {
  apply::ConfOutcome outcome = applier_->ApplyConfChange(entry, std::move(change));
  return {.request_id = outcome.request_id,
          .status = std::move(outcome.status),
          .change = std::move(outcome.change),
          .removed_self = outcome.removed_self};
}

void Machine::SetConfState(const raft::ConfState& state) {
  applier_->SetConfState(snapshot::ToJson(state));
}

Status Machine::Commit() {
  return applier_->Commit();
}

Status Machine::StartFlush() {
  QUORATE_CRASH_SITE("app.before_flush");
  return backend_->Flush(storage::Backend::Wait::kNo);
}

LogIndex Machine::FlushedIndex() const {
  return backend_->FlushedIndex();
}

Result<std::shared_ptr<node::SnapshotSource>> Machine::OpenSnapshot() {
  return services_.MakeSnapshot(NewView());
}

std::shared_ptr<storage::Reader> Machine::NewView() {
  ++*views_;
  return {backend_->NewView().release(), [views = views_](storage::Reader* view) {
            delete view;
            --*views;
          }};
}

void Machine::Install(const raft::Snapshot& snapshot, std::function<void(Status)> done) {
  log::Info("applying snapshot", {{"index", snapshot.metadata.index}});
  services_.ReadSnapshot(
      snapshot.metadata, *backend_,
      [this, metadata = snapshot.metadata, done = std::move(done)](Result<Incoming> incoming) {
        if (!incoming.ok()) return done(incoming.error());
        applier_->AbandonWork();
        installing_ = true;
        InstallWhenIdle(metadata, std::make_shared<Incoming>(std::move(*incoming)), done);
      });
}

// Views and long reads must end before the store under them is replaced; nothing new begins
// meanwhile.
void Machine::InstallWhenIdle(const raft::SnapshotMetadata& snapshot,
                              std::shared_ptr<Incoming> incoming,
                              std::function<void(Status)> done) {
  if (*views_ > 0 || !store_->idle() || QUORATE_SITE("app.install_later")) {
    services_.After(kIdlePoll,
                    [this, snapshot, incoming = std::move(incoming), done = std::move(done)] {
                      InstallWhenIdle(snapshot, incoming, done);
                    });
    return;
  }
  Status installed = Swap(snapshot, *incoming);
  installing_ = false;
  if (installed.ok()) {
    log::Info("applied snapshot",
              {{"index", backend_->position().index}, {"revision", store_->revision()}});
  }
  done(std::move(installed));
}

Status Machine::Swap(const raft::SnapshotMetadata& snapshot, Incoming& incoming) {
  const bool was_primary = lessor_.primary();
  QUORATE_CRASH_SITE("app.before_adopt");
  TRY(backend_->Adopt(std::move(incoming.backend)));
  QUORATE_CRASH_SITE("app.before_reload");
  TRY(lessor_.Load(*backend_));
  TRY(cluster_.Load(*backend_));
  LogRestored(incoming.restored);
  std::shared_ptr<void> former = store_->Reload(std::move(incoming.restored));
  TRY(applier_->Reload());
  hub_->Reloaded();
  if (was_primary) lessor_.Promote(options_.lease_extension);
  services_.ForgetSnapshot(snapshot, std::move(former));
  return {};
}

Status Machine::Close() {
  // A member that stops because applying failed has changes that nobody will commit.
  const bool wanted = store_->checkpointing() || store_->checkpoint_worthwhile();
  if (wanted && store_->settled()) {
    while (!TRY(applier_->CheckpointStep(kCheckpointKeys))) {
    }
  }
  return backend_->Flush(storage::Backend::Wait::kYes);
}

node::PeerUrls Machine::Peers() const {
  node::PeerUrls peers;
  for (const auto& [id, member] : cluster_.roster()->members) {
    if (id != options_.self) peers[id] = member.peer_urls;
  }
  return peers;
}

void Machine::Lead(bool leading) {
  if (leading) {
    lessor_.Promote(options_.lease_extension);
  } else {
    lessor_.Demote();
  }
}

void Machine::Tick() {
  ExpireLeases();
}

void Machine::ExpireLeases() {
  const auto now = clock_.Now();
  if (!lessor_.primary() || now < next_expiry_check_) return;
  next_expiry_check_ = now + kExpiryInterval;
  QUORATE_CRASH_SITE("app.before_expiry");
  for (const LeaseId lease : lessor_.TakeExpired(kExpiredMax, kRevokeRetry)) {
    services_.RevokeLease(lease);
  }
}

Result<bool> Machine::Work(std::vector<node::Outcome>& finished) {
  if (hub_->lagging()) {
    TRY(hub_->CatchUp(QUORATE_SITE("app.catch_up_one_row") ? 1 : kCatchUpRows));
  }
  if (applier_->maintenance_due()) {
    const auto now = clock_.Now();
    if (now >= next_compaction_step_) {
      const std::size_t rows = QUORATE_SITE("app.compact_one_row") ? 1 : options_.compaction_rows;
      QUORATE_CRASH_SITE("app.before_compaction_step");
      for (apply::Outcome& outcome : TRY(applier_->Maintain(rows))) {
        finished.push_back(ToNode(std::move(outcome)));
      }
      next_compaction_step_ = now + options_.compaction_pause;
      if (applier_->maintenance_due()) services_.After(options_.compaction_pause, [] {});
    }
  }
  TRY(Checkpoint(clock_.Now()));
  return hub_->lagging() || store_->checkpointing();
}

// One slice of the index checkpoint that is under way or should begin.
Status Machine::Checkpoint(io::Clock::Instant now) {
  if (!store_->checkpointing()) {
    if (store_->revision() != revision_seen_) {
      revision_seen_ = store_->revision();
      changed_at_ = now;
    }
    const bool idle = now - changed_at_ >= kIdle;
    const bool wanted = store_->checkpoint_due() || (idle && store_->checkpoint_worthwhile()) ||
                        QUORATE_SITE("app.checkpoint_now");
    if (!wanted) return {};
  }
  QUORATE_CRASH_SITE("app.before_checkpoint_step");
  const std::size_t keys = QUORATE_SITE("app.checkpoint_one_key") ? 1 : kCheckpointKeys;
  const bool complete = TRY(applier_->CheckpointStep(keys));
  QUORATE_CRASH_SITE("app.after_checkpoint_step");
  if (!complete) return {};
  return backend_->Flush(storage::Backend::Wait::kNo);
}

}  // namespace quorate::app
