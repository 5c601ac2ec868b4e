// WaitingNode: a node whose linearizable reads wait until the test says what became of them, and
// which runs what is posted at once or, when the loop is said to be busy, once it is free.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <string>

#include "node/node.h"

namespace quorate::test {

class WaitingNode final : public node::Node {
 public:
  void Propose(std::uint64_t, std::string, Answer) override {}
  void ProposeLeading(std::uint64_t, std::string, Answer) override { ++proposals; }
  void ProposeConfChange(raft::ConfChange, Done) override {}
  void Read(node::Consistency consistency, Done read) override {
    EXPECT_EQ(consistency, node::Consistency::kLinearizable);
    reads.push_back(std::move(read));
  }
  void TransferLeadership(MemberId, Done) override {}
  void Post(std::function<void()> function) override {
    if (busy) return posted.push_back(std::move(function));
    function();
  }
  void Free() {
    busy = false;
    for (; !posted.empty(); posted.pop_front()) posted.front()();
  }
  std::uint64_t NextRequestId() override { return 1; }
  node::Status status() const override { return state; }
  MemberId leader() const override { return state.leader; }
  Term term() const override { return state.term; }
  bool is_learner() const override { return false; }

  node::Status state{
      .self = MemberId{1}, .leader = MemberId{1}, .term = Term{5}, .role = raft::Role::kLeader};
  std::deque<Done> reads;
  int proposals = 0;  // by ProposeLeading
  bool busy = false;
  std::deque<std::function<void()>> posted;
};

}  // namespace quorate::test
