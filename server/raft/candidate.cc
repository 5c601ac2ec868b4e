// A candidate's turn: count votes, or give way to a leader of its term.
#include "raft/core.h"

namespace quorate::raft {

void Core::StepCandidate(Message& message) {
  switch (message.type) {
    case MessageType::kApp:
    case MessageType::kHeartbeat:
    case MessageType::kSnap:
      BecomeFollower(message.term, message.from);
      return StepFollower(message);
    case MessageType::kVoteResp:
      if (role_ == Role::kCandidate) CountVote(message.from, !message.reject);
      return;
    case MessageType::kPreVoteResp:
      if (role_ != Role::kPreCandidate) return;
      // A grant names the term asked for; a refusal names the voter's, which is ours by now.
      if (message.reject ? message.term == term_ : message.term == term_ + 1) {
        CountVote(message.from, !message.reject);
      }
      return;
    case MessageType::kProp:
    case MessageType::kReadIndex:
      return Drop(message, "no leader");
    default:
      return;
  }
}

}  // namespace quorate::raft
