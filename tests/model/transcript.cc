// The way to a broken promise, as a story.
#include <algorithm>
#include <string>
#include <vector>

#include "model/space.h"

namespace quorate::model {
namespace {

std::string Happens(const Event& event, const raft::Message* message, const std::string& payload) {
  switch (event.kind) {
    case Event::Kind::kDeliver:
      return "receives " + Text(*message);
    case Event::Kind::kTimeout:
      return "waits for an election timeout";
    case Event::Kind::kLeaseEnds:
      return "has not heard its leader for a while";
    case Event::Kind::kBeat:
      return "beats";
    case Event::Kind::kPropose:
      return "is asked to put '" + payload + "'";
    case Event::Kind::kChange:
      return "is asked for change '" + payload + "'";
    case Event::Kind::kRead:
      return "is asked for read " + payload;
    case Event::Kind::kWritten:
      return "has its oldest write on disk";
    case Event::Kind::kApply:
      return "applies its oldest committed entry";
    case Event::Kind::kCrash:
      return "crashes and restarts";
    case Event::Kind::kCompact:
      return "forgets the applied part of its log";
    case Event::Kind::kTransfer:
      return "is asked to hand over to " + std::to_string(event.argument);
  }
  return {};
}

}  // namespace

std::string Space::Transcript(Origin last) {
  std::vector<Origin> path = {last};
  while (path.back().state != kNone && origins_[path.back().state].state != kNone) {
    path.push_back(origins_[path.back().state]);
  }
  std::reverse(path.begin(), path.end());
  std::string text = "scenario " + scenario_.name + "\n";
  const State& first = states_[path.front().state];
  for (std::size_t at = 0; at < scenario_.members; ++at) {
    text += "     member " + std::to_string(at + 1) + ": " + MemberOf(first, at).Text() + "\n";
  }
  for (std::size_t i = 0; i < path.size(); ++i) text += Describe(path[i], i + 1);
  return text + "broken: " + violation_ + "\n";
}

std::string Space::Describe(Origin origin, std::size_t number) {
  const State& state = states_[origin.state];
  Event event = origin.event;
  std::string payload;
  const raft::Message* message = nullptr;
  if (event.kind == Event::Kind::kDeliver) {
    message = &messages_[event.argument];
  } else {
    Allowed(pasts_[state.past], origin.member, MemberOf(state, origin.member), event, payload);
  }
  Member member = MemberOf(state, origin.member);
  const Outcome outcome = member.Do(scenario_.settings, event, message, payload);
  std::string text = std::to_string(number);
  text.resize(5, ' ');
  text +=
      "member " + std::to_string(origin.member + 1) + " " + Happens(event, message, payload) + "\n";
  for (const std::string& note : outcome.notes) text += "       " + note + "\n";
  for (const raft::Message& sent : outcome.sent) text += "       sends " + Text(sent) + "\n";
  for (const raft::ReadState& read : outcome.reads) {
    text += "       may serve read " + read.context + " at index " +
            std::to_string(read.index.value) + "\n";
  }
  return text + "       is now " + member.Text() + "\n";
}

}  // namespace quorate::model
