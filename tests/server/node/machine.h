// Machine: a state machine of one page. A request is 8 bytes of id and a text; the state is the
// list of texts.
//
// What is flushed survives Crash(); the rest comes back from the log.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "node/state_machine.h"

namespace quorate::test {

inline std::string MakeRequest(std::uint64_t id, std::string_view text) {
  std::string request;
  AppendBigEndian64(request, id);
  request += text;
  return request;
}

struct MachineState {
  LogIndex applied;
  raft::ConfState conf_state;
  std::vector<std::string> texts;

  std::string Encode() const {
    std::string bytes;
    for (const std::string& text : texts) bytes += text + "\n";
    return bytes;
  }
  static std::vector<std::string> Decode(std::string_view bytes) {
    std::vector<std::string> texts;
    while (!bytes.empty()) {
      const std::size_t end = bytes.find('\n');
      texts.emplace_back(bytes.substr(0, end));
      bytes.remove_prefix(end + 1);
    }
    return texts;
  }
};

class MachineSnapshot final : public node::SnapshotSource {
 public:
  explicit MachineSnapshot(std::string data) : data_(std::move(data)) {}
  std::string data() const override { return data_; }
  std::uint64_t size() const override { return 0; }
  Result<std::size_t> Read(std::span<std::byte> /*out*/) override { return std::size_t{0}; }

 private:
  std::string data_;
};

class Machine final : public node::StateMachine {
 public:
  Machine(MemberId self, MachineState start) : self_(self), state_(std::move(start)) {
    flushed_ = state_;
  }

  node::Outcome Apply(const raft::Entry& entry) override {
    state_.applied = entry.index;
    node::Outcome outcome;
    if (entry.data.empty()) return outcome;
    outcome.request_id = ReadBigEndian64(entry.data.view());
    const std::string text(entry.data.view().substr(8));
    if (text == "poison") outcome.fatal = Error{Code::kDataLoss, "poisoned"};
    state_.texts.push_back(text);
    outcome.answered = true;
    outcome.response = "did " + text;
    uncommitted_ = true;
    return outcome;
  }
  node::ChangeOutcome ApplyConfChange(const raft::Entry& entry, raft::ConfChange change) override {
    state_.applied = entry.index;
    node::ChangeOutcome outcome;
    outcome.request_id = change.id;
    if (change.context == "refuse") {
      outcome.status = Error{Code::kFailedPrecondition, "refused"};
      change.member = MemberId{};
    }
    outcome.removed_self =
        change.type == raft::ConfChangeType::kRemoveNode && change.member == self_;
    outcome.change = std::move(change);
    return outcome;
  }
  void SetConfState(const raft::ConfState& state) override { state_.conf_state = state; }
  quorate::Status Commit() override {
    ++commits;
    uncommitted_ = false;
    return {};
  }
  quorate::Status StartFlush() override {
    flushed_ = state_;
    ++flushes;
    return {};
  }
  LogIndex FlushedIndex() const override { return flushed_.applied; }
  Result<std::shared_ptr<node::SnapshotSource>> OpenSnapshot() override {
    std::shared_ptr<node::SnapshotSource> source =
        std::make_shared<MachineSnapshot>(state_.Encode());
    return source;
  }
  void Install(const raft::Snapshot& snapshot, std::function<void(quorate::Status)> done) override {
    state_.applied = snapshot.metadata.index;
    state_.conf_state = snapshot.metadata.conf_state;
    state_.texts = MachineState::Decode(snapshot.data.view());
    flushed_ = state_;
    ++installs;
    if (!hold_installs) return done({});
    held_install = std::move(done);
  }
  node::PeerUrls Peers() const override {
    node::PeerUrls peers;
    for (MemberId id : state_.conf_state.voters) {
      if (id != self_) peers[id] = {"http://" + ToHex(id.value)};
    }
    for (MemberId id : state_.conf_state.learners) {
      if (id != self_) peers[id] = {"http://" + ToHex(id.value)};
    }
    return peers;
  }
  void Lead(bool leading) override { leads = leading; }
  void Tick() override { ++ticks; }
  Result<bool> Work(std::vector<node::Outcome>& finished) override {
    static_cast<void>(finished);
    return false;
  }

  const MachineState& state() const { return state_; }
  const MachineState& flushed() const { return flushed_; }
  bool all_committed() const { return !uncommitted_; }

  int commits = 0;
  int flushes = 0;
  int installs = 0;
  int ticks = 0;
  bool leads = false;
  bool hold_installs = false;  // an installation ends when held_install is called
  std::function<void(quorate::Status)> held_install;

 private:
  const MemberId self_;
  MachineState state_;
  MachineState flushed_;
  bool uncommitted_ = false;
};

}  // namespace quorate::test
