// Committed entries that hold anything: the state machine answers or refuses, on every member
// alike, and its state can be read again from the store.
#include "apply/applier.h"
#include "base/check.h"
#include "fuzz/feed.h"
#include "fuzz/target.h"
#include "membership/member.h"
#include "sim/clock.h"
#include "storage/memory_backend.h"
#include "wire/raftpb.h"

namespace quorate::apply {
namespace {

constexpr RequestField kFields[] = {RequestField::kPut,
                                    RequestField::kDeleteRange,
                                    RequestField::kTxn,
                                    RequestField::kCompaction,
                                    RequestField::kLeaseGrant,
                                    RequestField::kLeaseRevoke,
                                    RequestField::kAlarm,
                                    RequestField::kLeaseCheckpoint,
                                    RequestField::kClusterVersionSet,
                                    RequestField::kClusterMemberAttrSet};

class Machine final : public Waiters {
 public:
  explicit Machine(storage::Backend& backend) : backend_(backend) {
    CHECK(lessor_.Load(backend_).ok() && cluster_.Load(backend_).ok());
    auto store = mvcc::Store::Open({.backend = &backend_, .batch = &batch_, .leases = &lessor_});
    CHECK(store.ok());
    store_ = std::move(*store);
    auto applier = Applier::Open({.backend = &backend_,
                                  .batch = &batch_,
                                  .store = store_.get(),
                                  .lessor = &lessor_,
                                  .cluster = &cluster_,
                                  .waiters = this},
                                 {.cluster = ClusterId{0xc}, .member = MemberId{0xa}});
    CHECK(applier.ok());
    applier_ = std::move(*applier);
  }

  bool Waits(std::uint64_t) const override { return true; }

  // False: the entry cannot be applied, the process would stop. That is right only for bytes that
  // no member has proposed.
  bool Apply(const raft::Entry& entry) {
    if (entry.type == raft::EntryType::kNormal) return applier_->ApplyEntry(entry).fatal.ok();
    auto change = wire::DecodeConfChange(entry.data.view());
    if (change.ok()) (void)applier_->ApplyConfChange(entry, std::move(*change));
    return true;
  }
  void EndTurn() {
    CHECK(applier_->Commit().ok());
    if (applier_->maintenance_due()) CHECK(applier_->Maintain(4).ok());
  }
  std::string Summary() const {
    return std::to_string(store_->revision().value) + " " + std::to_string(store_->key_count()) +
           " " + std::to_string(lessor_.size()) + " " +
           membership::ToJson(cluster_.roster()->List());
  }

 private:
  storage::Backend& backend_;
  storage::Batch batch_;
  sim::Clock clock_;
  lease::Lessor lessor_{lease::Options{}, clock_};
  membership::Cluster cluster_{ClusterId{0xc}, 1};
  std::unique_ptr<mvcc::Store> store_;
  std::unique_ptr<Applier> applier_;
};

raft::Entry NextEntry(fuzz::Feed& feed, std::uint64_t index) {
  raft::Entry entry;
  entry.term = Term{1};
  entry.index = LogIndex{index};
  const std::uint64_t choice = feed.Below(14);
  if (choice < std::size(kFields)) {
    entry.data = raft::Payload(MakeRequest(kFields[choice], feed.Text(), index));
  } else {
    if (choice > 11) entry.type = raft::EntryType::kConfChange;
    entry.data = raft::Payload(std::string(feed.Text()));
  }
  return entry;
}

FUZZ_TARGET(apply) {
  fuzz::Feed feed(input);
  storage::MemoryBackend backend(std::make_shared<storage::MemoryStorage>());
  std::string summary;
  {
    Machine machine(backend);
    for (std::uint64_t index = 1; index <= 24 && !feed.empty(); ++index) {
      if (!machine.Apply(NextEntry(feed, index))) return;
      if (feed.Flag()) machine.EndTurn();
    }
    machine.EndTurn();
    summary = machine.Summary();
  }
  CHECK(Machine(backend).Summary() == summary);
}

}  // namespace
}  // namespace quorate::apply
