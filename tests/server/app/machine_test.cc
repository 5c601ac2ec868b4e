// The machine's own work between entries: checkpoints of the index when they are worth it, and
// received snapshots that take the place of the state without holding up the loop.
#include "app/machine.h"

#include <deque>

#include "apply/request.h"
#include "mvcc/record.h"
#include "mvcc/revision_id.h"
#include "sim/clock.h"
#include "storage/memory_backend.h"

namespace quorate::app {
namespace {

using storage::Family;

class FakeServices final : public MachineServices {
 public:
  std::shared_ptr<node::SnapshotSource> MakeSnapshot(std::shared_ptr<storage::Reader>) override {
    return nullptr;
  }
  void ReadSnapshot(const raft::SnapshotMetadata&, storage::Backend&,
                    std::function<void(Result<Incoming>)> done) override {
    read = std::move(done);
  }
  void ForgetSnapshot(const raft::SnapshotMetadata& snapshot, std::shared_ptr<void>) override {
    forgotten = snapshot.index;
  }
  void RevokeLease(LeaseId) override {}
  void After(std::chrono::nanoseconds, std::function<void()> task) override {
    later.push_back(std::move(task));
  }

  std::function<void(Result<Incoming>)> read;
  std::deque<std::function<void()>> later;
  LogIndex forgotten;
};

class MachineTest : public testing::Test {
 protected:
  MachineTest() { Open(); }
  void Open() {
    auto opened =
        Machine::Open({.cluster = ClusterId{1}, .self = MemberId{2}},
                      std::make_unique<storage::MemoryBackend>(storage_), clock_, services_);
    ASSERT_TRUE(opened.ok()) << opened.error().message;
    machine_ = std::move(*opened);
  }
  void Put(const std::string& key) {
    Apply(key);
    ASSERT_TRUE(machine_->Commit().ok());
  }
  void Apply(const std::string& key) {
    etcdserverpb::PutRequest put;
    put.set_key(key);
    Apply(apply::RequestField::kPut, put.SerializeAsString());
  }
  void Delete(const std::string& key) {
    etcdserverpb::DeleteRangeRequest request;
    request.set_key(key);
    Apply(apply::RequestField::kDeleteRange, request.SerializeAsString());
    ASSERT_TRUE(machine_->Commit().ok());
  }
  void Apply(apply::RequestField field, const std::string& request) {
    raft::Entry entry;
    entry.term = Term{1};
    entry.index = LogIndex{++index_};
    entry.data = raft::Payload(apply::MakeRequest(field, request, index_));
    ASSERT_TRUE(machine_->Apply(entry).fatal.ok());
  }
  static void AddMember(membership::Cluster& cluster, std::uint64_t id, const std::string& url,
                        storage::Batch& batch) {
    const raft::ConfChange change = {
        .id = 1, .type = raft::ConfChangeType::kAddNode, .member = MemberId{id}, .context = {}};
    cluster.Apply(change, {.member = {.id = MemberId{id}, .peer_urls = {url}}}, batch);
  }
  void PutMany(int count) {
    for (int i = 0; i < count; ++i) Put("key" + std::to_string(i));
  }
  // Turns until no work is left; how many.
  int WorkAll() {
    std::vector<node::Outcome> finished;
    int turns = 1;
    while (*machine_->Work(finished)) ++turns;
    return turns;
  }
  bool HasCheckpoint() { return mvcc::ReadCheckpointHead(machine_->backend()).value().has_value(); }
  // What the reading of a received snapshot ends with.
  Incoming MakeIncoming(LogIndex index, storage::Batch batch = {}) {
    batch.Put(Family::kRev, mvcc::RowName({Revision{9}}, false).text(),
              mvcc::Encode({"received", Revision{9}, Revision{9}, 1, "v", {}}));
    Incoming incoming;
    incoming.backend = machine_->backend().NewIncoming().value();
    EXPECT_TRUE(incoming.backend->Commit(batch, {index, Term{3}}).ok());
    incoming.restored = mvcc::Restore(*incoming.backend).value();
    return incoming;
  }

  sim::Clock clock_;
  FakeServices services_;
  std::shared_ptr<storage::MemoryStorage> storage_ = std::make_shared<storage::MemoryStorage>();
  std::unique_ptr<Machine> machine_;
  std::uint64_t index_ = 0;
};

TEST_F(MachineTest, AnIdleMemberCheckpointsItsIndexAfterManyChanges) {
  PutMany(5000);
  WorkAll();
  EXPECT_FALSE(HasCheckpoint());
  clock_.Advance(std::chrono::seconds(3));
  EXPECT_GT(WorkAll(), 2);  // in slices
  EXPECT_TRUE(HasCheckpoint());
  EXPECT_EQ(machine_->FlushedIndex(), LogIndex{5000});
}

TEST_F(MachineTest, FewChangesAreNotWorthACheckpoint) {
  PutMany(1000);
  WorkAll();
  clock_.Advance(std::chrono::seconds(3));
  WorkAll();
  EXPECT_FALSE(HasCheckpoint());
  EXPECT_TRUE(machine_->Close().ok());
  EXPECT_FALSE(HasCheckpoint());
}

TEST_F(MachineTest, AStopLeavesACheckpointBehind) {
  PutMany(5000);
  ASSERT_TRUE(machine_->Close().ok());
  EXPECT_TRUE(HasCheckpoint());
  machine_.reset();
  EXPECT_EQ(mvcc::Restore(storage::MemoryBackend(storage_))->rows, 0U);
  Open();
  EXPECT_EQ(machine_->store().key_count(), 5000);
  Put("another");
  EXPECT_EQ(machine_->store().revision(), Revision{5002});
}

// Applying failed in the middle of a turn: what it has done so far is committed by nobody, and the
// checkpoint of the end found it there and aborted, instead of the typed exit.
TEST_F(MachineTest, AStopInTheMiddleOfATurnTakesNoCheckpoint) {
  PutMany(5000);
  Apply("uncommitted");
  EXPECT_TRUE(machine_->Close().ok());
  EXPECT_FALSE(HasCheckpoint());
}

TEST_F(MachineTest, AReceivedSnapshotIsSwappedInWhenItIsReadAndNobodyReadsTheOldState) {
  PutMany(3);
  bool installed = false;
  raft::Snapshot snapshot;
  snapshot.metadata.index = LogIndex{50};
  machine_->Install(snapshot, [&](Status status) { installed = status.ok(); });
  EXPECT_EQ(machine_->store().key_count(), 3);  // the loop goes on while it is read
  auto view = machine_->NewView();
  services_.read(MakeIncoming(LogIndex{50}));
  ASSERT_EQ(services_.later.size(), 1U);
  std::string value;
  EXPECT_TRUE(*view->Get(Family::kRev, mvcc::RowName({Revision{2}}, false).text(), &value));
  EXPECT_FALSE(installed);
  view.reset();
  services_.later.front()();
  EXPECT_TRUE(installed);
  EXPECT_EQ(services_.forgotten, LogIndex{50});
  EXPECT_EQ(machine_->store().revision(), Revision{9});
  EXPECT_TRUE(machine_->store().Latest("received").has_value());
  EXPECT_FALSE(machine_->store().Latest("key0").has_value());
  EXPECT_EQ(machine_->backend().position().index, LogIndex{50});
}

TEST_F(MachineTest, AReceivedSnapshotWaitsForARangeThatIsUnderWay) {
  PutMany(3);
  auto range = machine_->store().StartRange({.key = "key", .range_end = "kez"});
  ASSERT_TRUE(range.ok());
  bool installed = false;
  raft::Snapshot snapshot;
  snapshot.metadata.index = LogIndex{50};
  machine_->Install(snapshot, [&](Status status) { installed = status.ok(); });
  services_.read(MakeIncoming(LogIndex{50}));
  EXPECT_FALSE(installed);
  range->reset();
  ASSERT_EQ(services_.later.size(), 1U);
  services_.later.front()();
  EXPECT_TRUE(installed);
}

// What was known of the old content is known no more, and what the new one holds counts at once.
TEST_F(MachineTest, LeasesMembersAlarmsAndPositionAreThoseOfTheReceivedSnapshot) {
  storage::Batch old;
  ASSERT_TRUE(machine_->lessor().Grant(LeaseId{1}, 60, old).ok());
  AddMember(machine_->cluster(), 1, "http://old:1", old);
  machine_->Lead(true);

  storage::Batch batch;
  lease::Lessor lessor({}, clock_);
  ASSERT_TRUE(lessor.Grant(LeaseId{2}, 60, batch).ok());
  membership::Cluster cluster(ClusterId{1}, 1);
  AddMember(cluster, 2, "http://self:1", batch);
  AddMember(cluster, 3, "http://new:1", batch);
  cluster.SetVersion({3, 6, 0}, batch);
  apply::Alarms().Raise({MemberId{3}, apply::AlarmKind::kNoSpace}, batch);
  bool installed = false;
  raft::Snapshot snapshot;
  snapshot.metadata.index = LogIndex{50};
  machine_->Install(snapshot, [&](Status status) { installed = status.ok(); });
  services_.read(MakeIncoming(LogIndex{50}, std::move(batch)));
  ASSERT_TRUE(installed);

  EXPECT_FALSE(machine_->lessor().Exists(LeaseId{1}));
  EXPECT_TRUE(machine_->lessor().Exists(LeaseId{2}));
  EXPECT_TRUE(machine_->lessor().primary());
  EXPECT_EQ(machine_->cluster().roster()->List(), cluster.roster()->List());
  EXPECT_EQ(machine_->cluster().roster()->version, (membership::Version{3, 6, 0}));
  EXPECT_TRUE(machine_->Peers().contains(MemberId{3}));
  EXPECT_TRUE(machine_->applier().alarms().Raised(apply::AlarmKind::kNoSpace));
  // An entry that the snapshot holds is skipped, the next one is applied.
  index_ = 49;
  Delete("received");
  EXPECT_TRUE(machine_->store().Latest("received").has_value());
  Delete("received");
  EXPECT_FALSE(machine_->store().Latest("received").has_value());
}

TEST_F(MachineTest, WhoWatchesHearsWhatAReceivedSnapshotBrings) {
  struct Taking final : watch::Sink {
    bool Offer(watch::Response& response) override {
      events += response.events.size();
      return true;
    }
    bool HasRoom() const override { return true; }
    std::size_t events = 0;
  };
  Taking taking;
  PutMany(3);
  machine_->hub().Create(machine_->hub().Open(taking), {.key = "received"});
  raft::Snapshot snapshot;
  snapshot.metadata.index = LogIndex{50};
  machine_->Install(snapshot, [](const Status&) {});
  services_.read(MakeIncoming(LogIndex{50}));
  WorkAll();
  EXPECT_EQ(taking.events, 1U);
}

// The checkpoint belonged to the content that was replaced.
TEST_F(MachineTest, ARestartAfterAnInstallationKnowsNothingOfTheOldCheckpoint) {
  PutMany(5000);
  ASSERT_TRUE(machine_->Close().ok());
  raft::Snapshot snapshot;
  snapshot.metadata.index = LogIndex{6000};
  machine_->Install(snapshot, [](Status status) { EXPECT_TRUE(status.ok()); });
  services_.read(MakeIncoming(LogIndex{6000}));
  EXPECT_FALSE(HasCheckpoint());
  machine_.reset();
  Open();
  EXPECT_EQ(machine_->store().key_count(), 1);
}

TEST_F(MachineTest, ASnapshotThatCannotBeReadLeavesTheOldState) {
  PutMany(3);
  Status installed;
  machine_->Install({}, [&](Status status) { installed = std::move(status); });
  services_.read(Error{Code::kDataLoss, "torn"});
  EXPECT_FALSE(installed.ok());
  EXPECT_EQ(machine_->store().key_count(), 3);
}

}  // namespace
}  // namespace quorate::app
