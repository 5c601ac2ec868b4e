// Three drivers with their real threads, real clocks and real files: what one thread at a time
// cannot show.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "io/real_clock.h"
#include "io/real_disk.h"
#include "io/real_random.h"
#include "node/errors.h"
#include "server/node/machine.h"
#include "server/node/runner.h"
#include "support/wait.h"
#include "wire/raftpb.h"

namespace quorate::test {
namespace {

class DirectNetwork final : public node::Network {
 public:
  struct Place {
    node::Driver* driver = nullptr;
    std::atomic<bool> up{true};
  };
  using Drivers = std::map<MemberId, Place>;

  explicit DirectNetwork(const Drivers& drivers) : drivers_(drivers) {}

  void Send(std::vector<raft::Message>& messages) override {
    for (raft::Message& message : messages) {
      const auto found = drivers_.find(message.to);
      if (found == drivers_.end()) continue;
      one_.push_back(std::move(message));
      found->second.driver->Deliver(one_);
    }
  }
  void SendSnapshot(raft::Message message, std::shared_ptr<node::SnapshotSource> /*source*/,
                    std::function<void(bool)> done) override {
    std::vector<raft::Message> one;
    one.push_back(std::move(message));
    Send(one);
    done(true);
  }
  void UpdatePeers(const node::PeerUrls& /*peers*/) override {}
  std::optional<io::Clock::Instant> ConnectedSince(MemberId member) const override {
    if (!drivers_.at(member).up) return std::nullopt;
    return io::Clock::Instant{};
  }

 private:
  const Drivers& drivers_;
  std::vector<raft::Message> one_;
};

struct RealMember {
  std::unique_ptr<DirectNetwork> network;
  std::unique_ptr<Machine> machine;
  std::unique_ptr<node::Driver> driver;
  std::unique_ptr<Runner> runner;
};

class ThreadsTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "quorate-node-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override {
    for (auto& [id, member] : members_) Stop(id);
    members_.clear();
    std::filesystem::remove_all(folder_);
  }

  void Start(std::uint64_t size) {
    for (std::uint64_t id = 1; id <= size; ++id) Make(MemberId{id}, size);
    for (auto& [id, member] : members_) drivers_[id].driver = member.driver.get();
    for (auto& [id, member] : members_) member.runner->Start();
    members_.begin()->second.driver->Campaign();
    ASSERT_TRUE(WaitFor([&] { return Leader() != nullptr; }));
  }

  void Stop(MemberId id) {
    members_.at(id).runner->Stop();
    drivers_.at(id).up = false;
  }

  void Make(MemberId id, std::uint64_t size) {
    RealMember& member = members_[id];
    const std::string directory = folder_ + "/" + std::to_string(id.value);
    ASSERT_TRUE(disk_.MakeDirectories(directory).ok());
    auto writer = wal::Writer::Create(disk_, directory + "/wal", {id, ClusterId{7}});
    ASSERT_TRUE(writer.ok()) << writer.error().message;
    member.network = std::make_unique<DirectNetwork>(drivers_);
    member.machine = std::make_unique<Machine>(id, MachineState{});
    node::Driver::Parts parts;
    parts.self = id;
    for (std::uint64_t other = 1; other <= size; ++other) {
      raft::ConfChange change;
      change.member = MemberId{other};
      parts.start.entries.push_back({raft::EntryType::kConfChange, Term{1}, LogIndex{other},
                                     raft::Payload(wire::EncodeConfChange(change))});
    }
    parts.start.hard_state = {Term{1}, MemberId{}, LogIndex{size}};
    (*writer)->Append(parts.start.entries, &parts.start.hard_state);
    ASSERT_TRUE((*writer)->Sync().ok());
    parts.log.writer = std::move(*writer);
    parts.log.disk = &disk_;
    parts.log.directory = directory + "/wal";
    parts.state_machine = member.machine.get();
    parts.network = member.network.get();
    parts.clock = &clock_;
    parts.random = &random_;
    parts.on_exit = [](node::Exit, const std::string& text) { ADD_FAILURE() << text; };
    auto driver = node::Driver::Open(std::move(parts), {});
    ASSERT_TRUE(driver.ok()) << driver.error().message;
    member.driver = std::move(*driver);
    member.runner = std::make_unique<Runner>(*member.driver);
  }

  node::Driver* Leader() {
    for (auto& [id, member] : members_) {
      if (member.driver->leader() == id) return member.driver.get();
    }
    return nullptr;
  }

  io::RealDisk disk_;
  io::RealClock clock_;
  io::RealRandom random_;
  std::string folder_;
  DirectNetwork::Drivers drivers_;
  std::map<MemberId, RealMember> members_;
};

// Keeps `depth` proposals in flight until `total` are answered or one fails.
class Load {
 public:
  Load(node::Driver& driver, int depth, int total) : driver_(driver), left_(total), waits_(total) {
    for (int i = 0; i < depth; ++i) Next();
  }
  bool Done() const { return waits_ == 0; }
  int failed() const { return failed_; }

 private:
  void Next() {
    if (left_.fetch_sub(1) <= 0) return;
    const std::uint64_t id = driver_.NextRequestId();
    driver_.Propose(id, MakeRequest(id, std::string(256, 'x')),
                    [this](const Result<std::string>& answer) {
                      if (answer.ok()) {
                        Next();
                      } else {
                        ++failed_;
                      }
                      --waits_;
                    });
  }

  node::Driver& driver_;
  std::atomic<int> left_;
  std::atomic<int> waits_;
  std::atomic<int> failed_{0};
};

TEST_F(ThreadsTest, EveryProposalIsAnsweredAndEveryMemberHasThemAll) {
  constexpr int kTotal = 5000;
  Start(3);
  Load load(*Leader(), 64, kTotal);
  ASSERT_TRUE(WaitFor([&] { return load.Done(); }));
  EXPECT_EQ(load.failed(), 0);
  ASSERT_TRUE(WaitFor([&] {
    for (auto& [id, member] : members_) {
      if (member.driver->status().applied < Leader()->status().committed) return false;
    }
    return true;
  }));
  for (auto& [id, member] : members_) Stop(id);
  for (auto& [id, member] : members_) {
    EXPECT_EQ(member.machine->state().texts.size(), static_cast<std::size_t>(kTotal));
  }
}

TEST_F(ThreadsTest, StoppingUnderLoadAnswersEverything) {
  Start(1);
  Load load(*Leader(), 64, 1 << 30);
  std::atomic<int> read{0};
  Leader()->Read(node::Consistency::kLinearizable, [&](const Status&) { ++read; });
  ASSERT_TRUE(WaitFor([&] { return read == 1; }));
  Stop(MemberId{1});
  EXPECT_GT(load.failed(), 0);
}

TEST_F(ThreadsTest, WhenTheLeaderStopsAnotherTakesOverWithinAnElectionTimeout) {
  Start(3);
  node::Driver* first = Leader();
  node::Driver* other = nullptr;
  for (auto& [id, member] : members_) {
    if (member.driver.get() != first) other = member.driver.get();
  }
  ASSERT_TRUE(WaitFor([&] { return other->leader() != MemberId{}; }));
  const MemberId was = other->leader();
  const auto start = clock_.Now();
  Stop(was);
  ASSERT_TRUE(WaitFor([&] { return other->leader() != was && other->leader() != MemberId{}; }));
  EXPECT_LT(clock_.Now() - start, std::chrono::seconds(1));
  std::atomic<int> answered{0};
  const std::uint64_t id = other->NextRequestId();
  other->Propose(id, MakeRequest(id, "on"), [&](const Result<std::string>& answer) {
    if (answer.ok()) ++answered;
  });
  EXPECT_TRUE(WaitFor([&] { return answered == 1; }));
}

}  // namespace
}  // namespace quorate::test
