// Plays tests/transcripts/raft/*.txt: comments tell the story, commands act, and under ---- stands
// exactly what follows. QUORATE_REWRITE=1 writes the answers anew; read the diff.
//
//   cluster 1 2 3 [learners 4]   new members, all starting from one snapshot at index 1
//   one-entry                    from the next cluster on, a message carries one entry
//   campaign 1                   an election now
//   tick 1 10                    time passes for one member
//   propose 1 a b                values
//   conf 1 add|learner|remove 4
//   transfer 1 2                 leadership
//   read 1 3                     linearizable reads in one turn
//   deliver 1 2                  what waits from 1 to 2
//   drop 1 2                     and is lost
//   cut 3 / join 3               the network around one member
//   hold 2 / write 2             writes of a member wait / become durable
//   settle                       until nothing moves any more
//   crash 2 / restart 2
//   compact 1 5
//   report 1 3 ok|failed|unreachable|gone
//   status                       one line for each member, and what the leader knows of each
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "server/raft/cluster.h"
#include "support/root.h"

namespace quorate::test {
namespace {

std::string Number(std::uint64_t number) {
  return std::to_string(number);
}

std::string Describe(const raft::Message& m) {
  std::string text = Number(m.from.value) + "->" + Number(m.to.value) + " " +
                     std::string(ToString(m.type)).substr(3);
  if (m.term.value != 0) text += " term=" + Number(m.term.value);
  const bool positioned = m.type == raft::MessageType::kApp || m.type == raft::MessageType::kVote ||
                          m.type == raft::MessageType::kPreVote;
  if (positioned) text += " at " + Number(m.index.value) + "/" + Number(m.log_term.value);
  if (m.type == raft::MessageType::kApp) {
    text += " commit=" + Number(m.commit.value) + " [";
    for (const raft::Entry& entry : m.entries) {
      text += (&entry == m.entries.data() ? "" : " ") + Number(entry.index.value) + "/" +
              Number(entry.term.value);
    }
    text += "]";
  }
  if (m.type == raft::MessageType::kAppResp) text += " index=" + Number(m.index.value);
  if (m.type == raft::MessageType::kHeartbeat) text += " commit=" + Number(m.commit.value);
  if (m.type == raft::MessageType::kReadIndexResp) text += " index=" + Number(m.index.value);
  if (m.snapshot) text += " index=" + Number(m.snapshot->metadata.index.value);
  if (m.reject) text += " REJECT";
  if (m.reject && m.type == raft::MessageType::kAppResp) {
    text += " try " + Number(m.reject_hint.value) + "/" + Number(m.log_term.value);
  }
  if (m.context.size() == 8) text += " round " + Number(ReadBigEndian64(m.context));
  if (m.context.size() > 8) text += " " + m.context;
  return text;
}

class Interpreter {
 public:
  std::string Run(const std::string& command) {
    out_.clear();
    std::istringstream words(command);
    std::string verb;
    words >> verb;
    std::vector<std::string> arguments;
    for (std::string word; words >> word;) arguments.push_back(word);
    Dispatch(verb, arguments);
    return out_;
  }

  std::string Finish() {
    std::string text;
    if (cluster_) {
      cluster_->CheckLogsMatch();
      for (const std::string& violation : cluster_->violations()) text += violation + "\n";
    }
    return text;
  }

 private:
  using Words = std::vector<std::string>;

  static MemberId Id(const std::string& word) { return MemberId{std::stoull(word)}; }
  Member& Of(const Words& words) { return cluster_->at(Id(words.at(0))); }
  void Say(const std::string& line) { out_ += line + "\n"; }

  void Dispatch(const std::string& verb, const Words& words) {
    if (verb == "cluster") return MakeCluster(words);
    if (verb == "one-entry") return static_cast<void>(settings_.message_bytes_max = 1);
    if (verb == "settle") return Settle();
    if (verb == "status") return Status();
    if (verb == "deliver" || verb == "drop") {
      return Move(Id(words.at(0)), Id(words.at(1)), verb == "deliver");
    }
    if (verb == "cut") return static_cast<void>(cut_.insert(Id(words.at(0))));
    if (verb == "join") return static_cast<void>(cut_.erase(Id(words.at(0))));
    if (verb == "hold") return static_cast<void>(held_.insert(Id(words.at(0))));
    if (verb == "add") return Add(Id(words.at(0)));
    Act(verb, words, Of(words));
    PumpAll();
  }

  void Act(const std::string& verb, const Words& words, Member& member) {
    raft::Core* core = member.core.get();
    if (verb == "campaign") return core->Campaign();
    if (verb == "tick") {
      for (int i = std::stoi(words.at(1)); i > 0; --i) {
        core->Tick();
        PumpAll();
      }
    } else if (verb == "propose") {
      std::vector<raft::Payload> batch;
      for (auto word = words.begin() + 1; word != words.end(); ++word) batch.emplace_back(*word);
      SayUnlessDone(core->Propose(batch));
    } else if (verb == "conf") {
      const auto type = words.at(1) == "add"       ? raft::ConfChangeType::kAddNode
                        : words.at(1) == "learner" ? raft::ConfChangeType::kAddLearnerNode
                                                   : raft::ConfChangeType::kRemoveNode;
      SayUnlessDone(core->ProposeConfChange(raft::Payload(EncodeChange(type, Id(words.at(2))))));
    } else if (verb == "transfer") {
      core->TransferLeader(Id(words.at(1)));
    } else if (verb == "read") {
      for (int i = words.size() > 1 ? std::stoi(words.at(1)) : 1; i > 0; --i) {
        if (!cluster_->Read(member)) Say("no leader");
      }
    } else if (verb == "write") {
      held_.erase(member.id);
    } else if (verb == "crash") {
      cluster_->Crash(member);
    } else if (verb == "restart") {
      cluster_->Restart(member);
    } else if (verb == "compact") {
      cluster_->Compact(member, LogIndex{std::stoull(words.at(1))});
    } else if (verb == "report") {
      if (words.at(2) == "unreachable") return core->ReportUnreachable(Id(words.at(1)));
      if (words.at(2) == "gone") return core->ReportGone(Id(words.at(1)));
      core->ReportSnapshot(Id(words.at(1)), words.at(2) == "ok");
    } else {
      Say("unknown command " + verb);
    }
  }

  void SayUnlessDone(raft::Proposed outcome) {
    if (outcome == raft::Proposed::kNoLeader) Say("not proposed: no leader");
    if (outcome == raft::Proposed::kTransferring) Say("not proposed: transferring");
    if (outcome == raft::Proposed::kTooMuchPending) Say("not proposed: too much pending");
    if (outcome == raft::Proposed::kNotMember) Say("not proposed: leaving");
    if (outcome == raft::Proposed::kForwarded) Say("forwarded");
  }

  void MakeCluster(const Words& words) {
    Disk disk;
    bool learners = false;
    std::vector<MemberId> ids;
    for (const std::string& word : words) {
      if (word == "learners") {
        learners = true;
        continue;
      }
      ids.push_back(Id(word));
      auto& state = disk.machine.conf_state;
      (learners ? state.learners : state.voters).push_back(ids.back());
    }
    disk.compacted = {LogIndex{1}, Term{1}};
    disk.machine.applied = LogIndex{1};
    disk.hard_state = {Term{1}, MemberId{}, LogIndex{1}};
    cluster_ = std::make_unique<Cluster>(settings_, 1);
    cluster_->trace = [this](const std::string& line) { Say(line); };
    for (MemberId id : ids) cluster_->Add(id, disk);
    PumpAll();
  }

  void Add(MemberId id) {
    cluster_->Add(id, {});
    PumpAll();
  }

  bool PumpAll() {
    bool moved = false;
    for (const auto& [id, member] : cluster_->members()) {
      while (cluster_->Pump(*member) || (!held_.contains(id) && cluster_->CompleteWrite(*member))) {
        moved = true;
      }
    }
    return moved;
  }

  void Settle() {
    PumpAll();
    while (!cluster_->network().empty()) {
      raft::Message message = std::move(cluster_->network().front());
      cluster_->network().pop_front();
      Transmit(std::move(message), true);
      PumpAll();
    }
  }

  void Move(MemberId from, MemberId to, bool deliver) {
    auto& network = cluster_->network();
    std::deque<raft::Message> waiting;
    waiting.swap(network);
    for (raft::Message& message : waiting) {
      if (message.from == from && message.to == to) {
        Transmit(std::move(message), deliver);
      } else {
        network.push_back(std::move(message));
      }
    }
    PumpAll();
  }

  void Transmit(raft::Message message, bool deliver) {
    const bool lost = !deliver || cut_.contains(message.from) || cut_.contains(message.to);
    const bool snapshot = message.type == raft::MessageType::kSnap;
    const auto [from, to] = std::pair(message.from, message.to);
    Say(Describe(message) + (lost ? "  (lost)" : ""));
    const bool delivered = !lost && cluster_->Deliver(std::move(message));
    if (snapshot && cluster_->at(from).core) {
      cluster_->at(from).core->ReportSnapshot(to, delivered);
    }
  }

  void Status() {
    for (const auto& [id, member] : cluster_->members()) {
      if (!member->core) {
        Say(Number(id.value) + " down");
        continue;
      }
      const raft::Core& core = *member->core;
      std::string line =
          Number(id.value) + " " + std::string(ToString(core.role())) +
          " term=" + Number(core.term().value) + " leader=" + Number(core.leader().value) +
          " log=" + Number(core.first_index().value) + ".." + Number(core.last_index().value) +
          " committed=" + Number(core.committed().value) + " values=";
      for (const std::string& value : member->machine.values) line += value + ",";
      Say(line);
      for (const raft::MemberProgress& progress : core.Members()) {
        static constexpr const char* kStates[] = {"probe", "replicate", "snapshot"};
        Say("    " + Number(progress.id.value) + " " + kStates[static_cast<int>(progress.state)] +
            " match=" + Number(progress.match.value) + " next=" + Number(progress.next.value) +
            (progress.learner ? " learner" : ""));
      }
    }
  }

  Cluster::Settings settings_;
  std::unique_ptr<Cluster> cluster_;
  std::set<MemberId> cut_;
  std::set<MemberId> held_;
  std::string out_;
};

// One file, played: what it should read like.
std::string Play(const std::string& text) {
  Interpreter interpreter;
  std::istringstream lines(text);
  std::string played;
  std::string answer;
  bool answering = false;
  for (std::string line; std::getline(lines, line);) {
    if (answering && !line.empty()) continue;  // the recorded answer
    if (line == "----") {
      played += "----\n" + (answer.empty() ? "ok\n" : answer);
      answer.clear();
      answering = true;
      continue;
    }
    answering = false;
    played += line + "\n";
    if (!line.empty() && line[0] != '#') answer += interpreter.Run(line);
  }
  return played + interpreter.Finish();
}

std::filesystem::path Folder() {
  return std::filesystem::path(SourceRoot()) / "tests/transcripts/raft";
}

std::vector<std::string> Names() {
  std::vector<std::string> names;
  for (const auto& file : std::filesystem::directory_iterator(Folder())) {
    if (file.path().extension() == ".txt") names.push_back(file.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

class TranscriptTest : public testing::TestWithParam<std::string> {};

TEST_P(TranscriptTest, ReadsAsRecorded) {
  const std::filesystem::path path = Folder() / (GetParam() + ".txt");
  std::ostringstream recorded;
  recorded << std::ifstream(path).rdbuf();
  ASSERT_FALSE(recorded.str().empty());
  const std::string played = Play(recorded.str());
  if (std::getenv("QUORATE_REWRITE") != nullptr) {
    std::ofstream(path) << played;
    return;
  }
  EXPECT_EQ(played, recorded.str());
}

INSTANTIATE_TEST_SUITE_P(Raft, TranscriptTest, testing::ValuesIn(Names()),
                         [](const auto& instance) { return instance.param; });

}  // namespace
}  // namespace quorate::test
