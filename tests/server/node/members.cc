#include "server/node/members.h"

#include <gtest/gtest.h>

#include <utility>

#include "wal/reader.h"
#include "wal/repair.h"
#include "wal/segment.h"
#include "wire/raftpb.h"

namespace quorate::test {
namespace {

constexpr const char* kLog = "/d/wal";

// As membership/app makes them: one committed change for each member, in term 1.
void AppendBootstrap(wal::Writer& writer, std::uint64_t size) {
  std::vector<raft::Entry> entries;
  for (std::uint64_t id = 1; id <= size; ++id) {
    raft::ConfChange change;
    change.member = MemberId{id};
    entries.push_back({raft::EntryType::kConfChange, Term{1}, LogIndex{id},
                       raft::Payload(wire::EncodeConfChange(change))});
  }
  const raft::HardState state{Term{1}, MemberId{}, LogIndex{size}};
  writer.Append(entries, &state);
  ASSERT_TRUE(writer.Sync().ok());
}

wal::WriterOptions SmallSegments() {
  wal::WriterOptions options;
  options.segment_bytes = 16384;
  options.fill_step_bytes = 4096;
  return options;
}

}  // namespace

void SimNetwork::Send(std::vector<raft::Message>& messages) {
  for (raft::Message& message : messages) members_.in_flight_.push_back(std::move(message));
}

void SimNetwork::SendSnapshot(raft::Message message,
                              std::shared_ptr<node::SnapshotSource> /*source*/,
                              std::function<void(bool)> done) {
  if (members_.snapshots_held_) {
    members_.held_snapshots_.push_back(
        [this, message = std::move(message), done] { SendSnapshot(message, nullptr, done); });
    return;
  }
  const bool reaches = members_.Reaches(self_, message.to);
  if (reaches) {
    const raft::SnapshotMetadata& metadata = message.snapshot->metadata;
    members_.at(message.to.value).received[metadata.index] = {
        metadata.index, metadata.conf_state, MachineState::Decode(message.snapshot->data.view())};
    members_.in_flight_.push_back(std::move(message));
  }
  done(reaches);
}

void Members::LetSnapshotsGo() {
  snapshots_held_ = false;
  for (const auto& send : std::exchange(held_snapshots_, {})) send();
}

std::optional<io::Clock::Instant> SimNetwork::ConnectedSince(MemberId member) const {
  if (!members_.Reaches(self_, member)) return std::nullopt;
  return io::Clock::Instant{};
}

Members::Members(std::uint64_t size, node::Options options) : options_(options) {
  for (std::uint64_t id = 1; id <= size; ++id) {
    SimMember& member = Make(id);
    auto writer =
        wal::Writer::Create(*member.disk, kLog, {member.id, ClusterId{7}}, SmallSegments());
    EXPECT_TRUE(writer.ok());
    AppendBootstrap(**writer, size);
  }
  for (auto& [id, member] : members_) Start(*member);
}

Members::~Members() = default;

SimMember& Members::Make(std::uint64_t id) {
  auto& member = members_[MemberId{id}] = std::make_unique<SimMember>();
  member->id = MemberId{id};
  member->disk = std::make_unique<sim::Disk>(id);
  member->random = std::make_unique<sim::Prng>(id);
  member->network = std::make_unique<SimNetwork>(*this, member->id);
  EXPECT_TRUE(member->disk->MakeDirectories("/d").ok());
  return *member;
}

void Members::AddEmpty(std::uint64_t id) {
  SimMember& member = Make(id);
  auto writer = wal::Writer::Create(*member.disk, kLog, {member.id, ClusterId{7}}, SmallSegments());
  EXPECT_TRUE(writer.ok());
  writer->reset();
  Start(member);
}

void Members::WipeLog(std::uint64_t id) {
  const std::uint64_t size = members_.size();
  SimMember& member = Make(id);
  auto writer = wal::Writer::Create(*member.disk, kLog, {member.id, ClusterId{7}}, SmallSegments());
  ASSERT_TRUE(writer.ok());
  AppendBootstrap(**writer, size);
  writer->reset();
  Start(member);
}

void Members::Start(SimMember& member) {
  const auto marks = wal::ValidSnapshots(*member.disk, kLog);
  ASSERT_TRUE(marks.ok()) << marks.error().message;
  if (!marks->empty() && marks->back().index > member.flushed.applied) {
    const auto stored = member.received.find(marks->back().index);
    ASSERT_NE(stored, member.received.end()) << "the wal is marked behind a snapshot nobody has";
    member.flushed = stored->second;
  }
  wal::SnapshotMark mark;
  for (const wal::SnapshotMark& candidate : *marks) {
    if (candidate.index <= member.flushed.applied && candidate.index >= mark.index) {
      mark = candidate;
    }
  }
  auto contents = wal::Replay(*member.disk, kLog, mark);
  ASSERT_TRUE(contents.ok()) << contents.error().message;
  if (contents->torn) {
    ASSERT_TRUE(wal::RepairTail(*member.disk, *contents->torn).ok());
    contents = wal::Replay(*member.disk, kLog, mark);
    ASSERT_TRUE(contents.ok());
  }
  auto writer = wal::Writer::Open(*member.disk, kLog, *contents, SmallSegments());
  ASSERT_TRUE(writer.ok()) << writer.error().message;
  member.machine = std::make_unique<Machine>(member.id, member.flushed);
  node::Driver::Parts parts;
  parts.self = member.id;
  parts.start.hard_state = contents->hard_state;
  parts.start.conf_state = member.flushed.conf_state;
  parts.start.applied = member.flushed.applied;
  parts.start.compacted = {mark.index, mark.term};
  parts.start.entries = contents->entries;
  parts.mark = mark;
  parts.log.writer = std::move(*writer);
  parts.log.disk = member.disk.get();
  parts.log.directory = kLog;
  parts.log.segments_keep = 1;
  parts.state_machine = member.machine.get();
  parts.network = member.network.get();
  parts.clock = &clock_;
  parts.random = member.random.get();
  parts.observer = &member.counts;
  parts.on_exit = [&member](node::Exit exit, std::string text) {
    member.exit = exit;
    member.exit_text = std::move(text);
  };
  auto driver = node::Driver::Open(std::move(parts), options_);
  ASSERT_TRUE(driver.ok()) << driver.error().message;
  member.driver = std::move(*driver);
  if (member.loop_writes) member.driver->log_writer().OfferLoop();
}

void Members::Crash(std::uint64_t id) {
  SimMember& member = at(id);
  member.flushed = member.machine->flushed();
  member.driver.reset();
  member.machine.reset();
  member.disk->Crash();
}

void Members::Restart(std::uint64_t id) {
  Start(at(id));
}

bool Members::Reaches(MemberId from, MemberId to) const {
  const auto found = members_.find(to);
  return !cut_.contains(from) && !cut_.contains(to) && found != members_.end() &&
         found->second->driver != nullptr;
}

void Members::Round() {
  for (auto& [id, member] : members_) {
    if (!member->driver) continue;
    member->driver->Turn(std::chrono::nanoseconds(0));
    node::LogWriter& log = member->driver->log_writer();
    if (log.left_to_loop()) log.RunLeft();
    if (!member->wal_held) log.RunOnce(std::chrono::nanoseconds(0));
  }
  for (raft::Message& message : std::exchange(in_flight_, {})) {
    if (!Reaches(message.from, message.to)) continue;
    std::vector<raft::Message> one;
    node::Driver& to = *members_.at(message.to)->driver;
    one.push_back(std::move(message));
    to.Deliver(one);
  }
}

void Members::Settle(int rounds) {
  for (int round = 0; round < rounds; ++round) Round();
}

void Members::Pass(std::chrono::milliseconds time) {
  for (auto passed = std::chrono::milliseconds(0); passed < time;
       passed += options_.heartbeat_interval) {
    clock_.Advance(options_.heartbeat_interval);
    Settle(12);
  }
}

std::uint64_t Members::Elect() {
  for (int i = 0; i < 100; ++i) {
    Pass(options_.heartbeat_interval);
    std::set<MemberId> leaders;
    for (auto& [id, member] : members_) {
      if (member->driver && !cut_.contains(id)) leaders.insert(member->driver->leader());
    }
    if (leaders.size() == 1 && leaders.begin()->value != 0 && !cut_.contains(*leaders.begin())) {
      return leaders.begin()->value;
    }
  }
  return 0;
}

Members::Answer Members::Propose(std::uint64_t member, const std::string& text) {
  auto answer = std::make_shared<std::optional<Result<std::string>>>();
  const std::uint64_t id = driver(member).NextRequestId();
  driver(member).Propose(id, MakeRequest(id, text),
                         [answer](Result<std::string> result) { *answer = std::move(result); });
  return answer;
}

Members::Done Members::Read(std::uint64_t member, node::Consistency consistency) {
  auto done = std::make_shared<std::optional<quorate::Status>>();
  driver(member).Read(consistency, [done](quorate::Status status) { *done = std::move(status); });
  return done;
}

Members::Done Members::Change(std::uint64_t member, raft::ConfChangeType type, std::uint64_t target,
                              const std::string& context) {
  auto done = std::make_shared<std::optional<quorate::Status>>();
  raft::ConfChange change;
  change.type = type;
  change.member = MemberId{target};
  change.context = context;
  driver(member).ProposeConfChange(change,
                                   [done](quorate::Status status) { *done = std::move(status); });
  return done;
}

}  // namespace quorate::test
