// CheckedMachine and CheckedBackend: the shipped machine and store, with somebody looking on.
//
// They hand everything through and tell Checks what was applied and stored. Every few entries the
// whole state is hashed, right after an entry, so that members can be compared.
//
// Ownership: CheckedMachine borrows the machine; CheckedBackend owns its backend.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "app/machine.h"
#include "node/state_machine.h"
#include "sim/cluster/checks.h"
#include "storage/memory_backend.h"

namespace quorate::sim::cluster {

class CheckedBackend final : public storage::Backend {
 public:
  // dead: set while a member that has crashed in the middle of a turn goes on without effect.
  CheckedBackend(std::unique_ptr<storage::Backend> inner, MemberId member, Checks& checks,
                 const bool& dead)
      : inner_(std::move(inner)), member_(member), checks_(checks), dead_(dead) {}

  Result<bool> Get(storage::Family family, std::string_view key,
                   std::string* value) const override {
    return inner_->Get(family, key, value);
  }
  std::unique_ptr<storage::Cursor> Scan(storage::Family family, std::string_view begin,
                                        std::string_view end) const override {
    return inner_->Scan(family, begin, end);
  }
  Result<storage::Extent> AtMost(storage::Family family) const override {
    return inner_->AtMost(family);
  }
  Status GetMany(storage::Family family, std::span<const std::string> keys,
                 std::vector<std::string>* values) const override {
    return inner_->GetMany(family, keys, values);
  }
  Status Commit(const storage::Batch& batch, storage::LogPosition position) override {
    if (!dead_) checks_.StoreMoved(member_, batch);
    return inner_->Commit(batch, position);
  }
  storage::LogPosition position() const override { return inner_->position(); }
  LogIndex FlushedIndex() const override { return inner_->FlushedIndex(); }
  Status Flush(Wait wait) override { return dead_ ? Status() : inner_->Flush(wait); }
  std::unique_ptr<storage::Reader> NewView() const override { return inner_->NewView(); }
  Status Checkpoint(const std::string& path) override { return inner_->Checkpoint(path); }
  Result<std::unique_ptr<Backend>> NewIncoming() override { return inner_->NewIncoming(); }
  Status Adopt(std::unique_ptr<Backend> incoming) override {
    if (dead_) return {};
    checks_.StoreReplaced(member_, *incoming);
    return inner_->Adopt(std::move(incoming));
  }
  storage::Sizes sizes() const override { return inner_->sizes(); }
  Status health() const override { return inner_->health(); }

 private:
  const std::unique_ptr<storage::Backend> inner_;
  const MemberId member_;
  Checks& checks_;
  const bool& dead_;
};

class CheckedMachine final : public node::StateMachine {
 public:
  // hash_every: entries between two comparisons of the whole state.
  CheckedMachine(app::Machine& inner, MemberId member, Checks& checks, std::uint64_t hash_every,
                 const bool& dead)
      : inner_(inner), member_(member), checks_(checks), hash_every_(hash_every), dead_(dead) {}

  node::Outcome Apply(const raft::Entry& entry) override;
  node::ChangeOutcome ApplyConfChange(const raft::Entry& entry, raft::ConfChange change) override;
  void SetConfState(const raft::ConfState& state) override;
  Status Commit() override { return inner_.Commit(); }
  Status StartFlush() override { return inner_.StartFlush(); }
  LogIndex FlushedIndex() const override { return inner_.FlushedIndex(); }
  Result<std::shared_ptr<node::SnapshotSource>> OpenSnapshot() override {
    return inner_.OpenSnapshot();
  }
  void Install(const raft::Snapshot& snapshot, std::function<void(Status)> done) override {
    inner_.Install(snapshot, std::move(done));
  }
  node::PeerUrls Peers() const override { return inner_.Peers(); }
  void Lead(bool leading) override;
  void Tick() override { inner_.Tick(); }
  Result<bool> Work(std::vector<node::Outcome>& finished) override { return inner_.Work(finished); }

  // Called when this member begins to lead, and when it applies a lease's grant.
  std::function<void()> on_lead;
  std::function<void(const raft::Entry&)> on_entry;

 private:
  void CompareState(LogIndex index);

  app::Machine& inner_;
  const MemberId member_;
  Checks& checks_;
  const std::uint64_t hash_every_;
  const bool& dead_;
  LogIndex change_;
};

// Everything that members must agree on; what compaction has or has not removed yet is left out.
std::uint64_t HashState(app::Machine& machine);

}  // namespace quorate::sim::cluster
