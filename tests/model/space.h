// Space: every state that a scenario can reach, breadth first.
//
// A state is one member each, the set of messages that were ever sent, and what the checkers
// remember of the past (Past). The network never forgets: a message may arrive at any time, any
// number of times, or never; so loss, doubling, delay and reordering need no events of their own.
//
// Members, messages, networks and pasts are kept once each and named by numbers, and what an event
// does to a member is worked out once (raft::Core is the transition function; it runs only for a
// pair of member and event that was not seen before). So a state is a few numbers, compared
// exactly: no two states are ever taken for one.
//
// The first state that breaks a promise ends the search; Transcript() tells the shortest way there.
//
// Ownership: owns all it found. Thread: one at a time.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "model/member.h"

namespace quorate::model {

inline constexpr std::size_t kMembersMax = 4;

// What is tried, and how much of it.
struct Scenario {
  std::string name;
  Settings settings;
  std::size_t voters = 3;   // members 1 to voters begin
  std::size_t members = 3;  // the rest are there, with empty disks, to be added
  MemberId leader;          // not 0: it has been elected when the search begins
  Term term_max{3};         // no election beyond
  std::uint32_t proposals = 1;
  std::vector<raft::ConfChange> changes;  // each may be proposed once, in this order
  std::uint32_t reads = 0;
  std::uint32_t crashes_each = 1;
  std::uint32_t compactions = 0;
  std::uint32_t transfers = 0;
  std::vector<MemberId> quiet;       // never time out by themselves: fewer states of one kind
  std::size_t states_max = 1000000;  // the search ends there, if not by itself before
};

struct Found {
  std::size_t states = 0;
  std::size_t depth = 0;     // events on the way to the last one
  std::size_t members = 0;   // distinct members
  std::size_t messages = 0;  // distinct messages
  std::size_t steps = 0;     // transitions looked at
  bool complete = false;     // nothing is left to visit within the scenario's limits
  std::string violation;     // empty: none
  std::string transcript;    // of the way to the violation
};

// What the checkers remember beside the members.
struct Past {
  std::vector<std::uint8_t> truth;    // term of each committed entry, by index
  std::vector<std::uint8_t> leaders;  // by term; 0: none yet
  std::vector<std::uint8_t> reads;    // what each read must at least see
  std::array<std::uint8_t, kMembersMax> crashes{};
  std::uint8_t proposals = 0;
  std::uint8_t changes = 0;
  std::uint8_t compactions = 0;
  std::uint8_t transfers = 0;

  std::string Bytes() const;
};

class Space {
 public:
  explicit Space(Scenario scenario);
  Found Search();

 private:
  using Id = std::uint32_t;
  static constexpr Id kNone = ~Id{0};

  struct State {
    std::array<Id, kMembersMax> members;
    Id network;
    Id past;
    bool operator==(const State&) const = default;
  };
  // What an event does to one member.
  struct Step {
    Id member;
    Id sent;  // a network: the messages it sends
    std::vector<raft::ReadState> reads;
    std::string violation;
  };
  struct Origin {
    Id state;
    Event event;
    std::uint8_t member;
  };

  // space.cc
  void Begin();
  bool Visit(Id from);
  bool Try(Id from, std::size_t at, Event event);
  bool Enter(const State& state, Origin origin);
  const Step& StepOf(Id member, Event event, const std::string& payload);
  Step MakeStep(Id member, Event event, const std::string& payload);
  Id Join(Id network, Id more);
  Id NetworkId(std::vector<Id> messages);
  Id MessageId(const raft::Message& message);
  Id PastId(Past past);
  Id KeepMember(Member member);
  void Grow();

  // events.cc: what may happen in a state, and what it counts.
  bool Allowed(const Past& past, std::size_t at, const Member& member, Event& event,
               std::string& payload) const;
  static void Count(Past& past, std::size_t at, const Event& event);

  // promises.cc: what must hold of every step. The text of what does not, or empty.
  std::string Check(const State& before, const State& after, std::size_t at, const Event& event,
                    const Step& step, Past& past) const;
  std::string CheckLeader(const Member& before, const Member& after, Past& past) const;
  std::string CheckCommit(const State& state, const Member& before, const Member& after,
                          const Event& event, Past& past) const;
  std::string CheckLogs(const State& state, std::size_t at) const;
  std::string CheckSurvivor(const State& state) const;
  static std::string CheckChange(const Member& before, const Member& after);

  // transcript.cc
  std::string Transcript(Origin last);
  std::string Describe(Origin origin, std::size_t number);

  const Member& MemberOf(const State& state, std::size_t at) const {
    return members_[state.members[at]];
  }

  const Scenario scenario_;
  std::deque<Member> members_;
  std::unordered_map<std::string, Id> member_ids_;
  std::vector<raft::Message> messages_;
  std::unordered_map<std::string, Id> message_ids_;
  std::vector<std::vector<Id>> networks_;  // sorted
  std::unordered_map<std::string, Id> network_ids_;
  std::unordered_map<std::uint64_t, Id> joined_;
  std::vector<Past> pasts_;
  std::unordered_map<std::string, Id> past_ids_;
  std::deque<Step> steps_;
  std::unordered_map<std::uint64_t, Id> step_ids_;

  std::vector<State> states_;  // also the queue: breadth first
  std::vector<Origin> origins_;
  std::vector<Id> buckets_;  // open addressing; kNone: free
  std::size_t steps_tried_ = 0;
  std::string violation_;
  Origin violating_{};
};

}  // namespace quorate::model
