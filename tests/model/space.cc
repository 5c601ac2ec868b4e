#include "model/space.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "wire/raftpb.h"

namespace quorate::model {
namespace {

constexpr std::size_t kBucketsFirst = 1U << 16U;

std::uint64_t Mix(std::uint64_t hash, std::uint64_t value) {
  hash = (hash ^ value) * 0x9e3779b97f4a7c15ULL;
  return hash ^ (hash >> 29U);
}

std::string BytesOf(const std::vector<std::uint32_t>& ids) {
  return {reinterpret_cast<const char*>(ids.data()), ids.size() * sizeof(ids[0])};
}

}  // namespace

Space::Space(Scenario scenario) : scenario_(std::move(scenario)), buckets_(kBucketsFirst, kNone) {
  CHECK(scenario_.members <= kMembersMax && scenario_.voters <= scenario_.members);
}

Found Space::Search() {
  Begin();
  Found found;
  Id from = 0;
  while (from < states_.size() && states_.size() < scenario_.states_max) {
    if (!Visit(from++)) break;
  }
  found.complete = violation_.empty() && from == states_.size();
  found.states = states_.size();
  found.members = members_.size();
  found.messages = messages_.size();
  found.steps = steps_tried_;
  for (Id at = from - 1; at != 0; at = origins_[at].state) ++found.depth;
  found.violation = violation_;
  if (!violation_.empty()) found.transcript = Transcript(violating_);
  return found;
}

// One committed entry, written nowhere else than in everybody's snapshot; then an election without
// faults if the scenario wishes.
void Space::Begin() {
  Disk disk;
  disk.hard_state = {Term{1}, MemberId{}, LogIndex{1}};
  disk.compacted = {LogIndex{1}, Term{1}};
  for (std::size_t i = 1; i <= scenario_.voters; ++i) {
    disk.conf_state.voters.push_back(MemberId{i});
  }
  State state{};
  for (std::size_t i = 0; i < scenario_.members; ++i) {
    state.members[i] = KeepMember(
        Member(scenario_.settings, MemberId{i + 1}, i < scenario_.voters ? disk : Disk{}));
  }
  state.network = NetworkId({});
  Past past;
  past.truth = {1};
  past.leaders.resize(scenario_.term_max.value + 1);
  state.past = PastId(past);
  Enter(state, {kNone, {}, 0});
  if (scenario_.leader.value == 0) return;
  // Everything arrives, in order, and every write completes, until nothing happens any more.
  std::vector<std::pair<std::size_t, Event>> todo;
  const auto run = [&](std::size_t at, Event event) {
    const Step& step = StepOf(state.members[at], event, "");
    state.members[at] = step.member;
    for (Id message : networks_[step.sent]) {
      todo.push_back({messages_[message].to.value - 1, {Event::Kind::kDeliver, message}});
    }
  };
  run(scenario_.leader.value - 1, {Event::Kind::kTimeout, 0});
  for (bool more = true; more;) {
    more = !todo.empty();
    for (const auto& [at, event] : std::exchange(todo, {})) run(at, event);
    for (std::size_t at = 0; at < scenario_.members; ++at) {
      for (const Event::Kind kind : {Event::Kind::kWritten, Event::Kind::kApply}) {
        if (!members_[state.members[at]].Can(kind)) continue;
        run(at, {kind, 0});
        more = true;
      }
    }
  }
  const Member& leader = MemberOf(state, scenario_.leader.value - 1);
  CHECK(leader.core().role() == raft::Role::kLeader);
  past.leaders[leader.core().term().value] = static_cast<std::uint8_t>(scenario_.leader.value);
  past.truth.resize(leader.core().committed().value,
                    static_cast<std::uint8_t>(leader.core().term().value));
  state.past = PastId(past);
  states_.clear();
  origins_.clear();
  buckets_.assign(kBucketsFirst, kNone);
  Enter(state, {kNone, {}, 0});
}

// Everything that may happen in this state. False: a promise was broken.
bool Space::Visit(Id from) {
  static constexpr Event::Kind kKinds[] = {
      Event::Kind::kTimeout, Event::Kind::kLeaseEnds, Event::Kind::kBeat,    Event::Kind::kPropose,
      Event::Kind::kChange,  Event::Kind::kRead,      Event::Kind::kWritten, Event::Kind::kApply,
      Event::Kind::kCrash,   Event::Kind::kCompact};
  const State state = states_[from];
  const std::vector<Id> network = networks_[state.network];
  for (Id message : network) {
    const std::size_t at = messages_[message].to.value - 1;
    if (at < scenario_.members && !Try(from, at, {Event::Kind::kDeliver, message})) return false;
  }
  for (std::size_t at = 0; at < scenario_.members; ++at) {
    for (Event::Kind kind : kKinds) {
      if (!Try(from, at, {kind, 0})) return false;
    }
    for (std::uint32_t to = 1; scenario_.transfers > 0 && to <= scenario_.members; ++to) {
      if (!Try(from, at, {Event::Kind::kTransfer, to})) return false;
    }
  }
  return true;
}

bool Space::Try(Id from, std::size_t at, Event event) {
  const State& state = states_[from];
  std::string payload;
  if (event.kind != Event::Kind::kDeliver &&
      !Allowed(pasts_[state.past], at, MemberOf(state, at), event, payload)) {
    return true;
  }
  ++steps_tried_;
  const Step& step = StepOf(state.members[at], event, payload);
  if (step.member == state.members[at] && event.kind == Event::Kind::kDeliver &&
      step.reads.empty() && step.violation.empty() &&
      Join(state.network, step.sent) == state.network) {
    return true;
  }
  if (members_[step.member].core().term() > scenario_.term_max) return true;
  State next = state;
  next.members[at] = step.member;
  next.network = Join(state.network, step.sent);
  Past past = pasts_[state.past];
  Count(past, at, event);
  violation_ = Check(state, next, at, event, step, past);
  const Origin origin{from, event, static_cast<std::uint8_t>(at)};
  if (!violation_.empty()) {
    violating_ = origin;
    return false;
  }
  next.past = PastId(std::move(past));
  Enter(next, origin);
  return true;
}

// Keeps the state unless it is known.
bool Space::Enter(const State& state, Origin origin) {
  std::uint64_t hash = Mix(state.network, state.past);
  for (Id member : state.members) hash = Mix(hash, member);
  std::size_t slot = hash & (buckets_.size() - 1);
  for (; buckets_[slot] != kNone; slot = (slot + 1) & (buckets_.size() - 1)) {
    if (states_[buckets_[slot]] == state) return false;
  }
  buckets_[slot] = static_cast<Id>(states_.size());
  states_.push_back(state);
  origins_.push_back(origin);
  if (states_.size() * 2 > buckets_.size()) Grow();
  return true;
}

void Space::Grow() {
  buckets_.assign(buckets_.size() * 2, kNone);
  for (std::size_t id = 0; id < states_.size(); ++id) {
    std::uint64_t hash = Mix(states_[id].network, states_[id].past);
    for (Id member : states_[id].members) hash = Mix(hash, member);
    std::size_t slot = hash & (buckets_.size() - 1);
    while (buckets_[slot] != kNone) slot = (slot + 1) & (buckets_.size() - 1);
    buckets_[slot] = static_cast<Id>(id);
  }
}

// ---- what an event does to a member ----

const Space::Step& Space::StepOf(Id member, Event event, const std::string& payload) {
  // A member, the kind (4 bits) and the argument (24 bits) name a step; kPropose and kRead carry
  // their number in the argument, so the payload needs no place.
  CHECK(event.argument < (1U << 24U));
  const std::uint64_t key = (std::uint64_t{member} << 28U) |
                            (static_cast<std::uint64_t>(event.kind) << 24U) | event.argument;
  const auto [known, is_new] = step_ids_.try_emplace(key, kNone);
  if (is_new) {
    steps_.push_back(MakeStep(member, event, payload));
    known->second = static_cast<Id>(steps_.size() - 1);
  }
  return steps_[known->second];
}

Space::Step Space::MakeStep(Id member, Event event, const std::string& payload) {
  Member after = members_[member];
  const raft::Message* message =
      event.kind == Event::Kind::kDeliver ? &messages_[event.argument] : nullptr;
  Outcome outcome = after.Do(scenario_.settings, event, message, payload);
  std::vector<Id> sent;
  for (const raft::Message& out : outcome.sent) sent.push_back(MessageId(out));
  return {KeepMember(std::move(after)), NetworkId(std::move(sent)), std::move(outcome.reads),
          std::move(outcome.violation)};
}

Space::Id Space::KeepMember(Member member) {
  const auto [known, is_new] =
      member_ids_.try_emplace(member.StateBytes(), static_cast<Id>(members_.size()));
  if (is_new) members_.push_back(std::move(member));
  return known->second;
}

Space::Id Space::MessageId(const raft::Message& message) {
  const auto [known, is_new] =
      message_ids_.try_emplace(wire::EncodeMessage(message), static_cast<Id>(messages_.size()));
  if (is_new) messages_.push_back(message);
  return known->second;
}

Space::Id Space::NetworkId(std::vector<Id> messages) {
  std::sort(messages.begin(), messages.end());
  messages.erase(std::unique(messages.begin(), messages.end()), messages.end());
  const auto [known, is_new] =
      network_ids_.try_emplace(BytesOf(messages), static_cast<Id>(networks_.size()));
  if (is_new) networks_.push_back(std::move(messages));
  return known->second;
}

Space::Id Space::Join(Id network, Id more) {
  if (networks_[more].empty() || network == more) return network;
  const std::uint64_t key = (std::uint64_t{network} << 32U) | more;
  const auto known = joined_.find(key);
  if (known != joined_.end()) return known->second;
  std::vector<Id> all = networks_[network];
  all.insert(all.end(), networks_[more].begin(), networks_[more].end());
  const Id joined = NetworkId(std::move(all));
  joined_.emplace(key, joined);
  return joined;
}

Space::Id Space::PastId(Past past) {
  const auto [known, is_new] = past_ids_.try_emplace(past.Bytes(), static_cast<Id>(pasts_.size()));
  if (is_new) pasts_.push_back(std::move(past));
  return known->second;
}

std::string Past::Bytes() const {
  std::string bytes;
  for (const auto* list : {&truth, &leaders, &reads}) {
    bytes.push_back(static_cast<char>(list->size()));
    bytes.append(list->begin(), list->end());
  }
  bytes.append(crashes.begin(), crashes.end());
  for (std::uint8_t count : {proposals, changes, compactions, transfers}) {
    bytes.push_back(static_cast<char>(count));
  }
  return bytes;
}

}  // namespace quorate::model
