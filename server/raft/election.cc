// Elections: becoming follower, candidate or leader, and voting.
#include <algorithm>
#include <string>
#include <utility>

#include "base/bytes.h"
#include "base/site.h"
#include "raft/core.h"
#include "raft/quorum.h"

namespace quorate::raft {

void Core::BecomeFollower(Term term, MemberId leader) {
  const bool was_leader = role_ == Role::kLeader;
  Reset(term);
  role_ = Role::kFollower;
  leader_ = leader;
  if (was_leader) {
    AddNote(Note::Level::kInfo, "stepped down as leader at term " + std::to_string(term_.value));
  }
}

// Asks without promising anything: neither term nor vote change, so that a member that was cut off
// disturbs nobody.
void Core::BecomePreCandidate() {
  role_ = Role::kPreCandidate;
  leader_ = MemberId{};
  votes_.clear();
  leading_.reset();
  DrawElectionTimeout();
}

void Core::BecomeCandidate() {
  QUORATE_CRASH_SITE("raft.becomes_candidate");
  Reset(term_ + 1);
  role_ = Role::kCandidate;
  vote_ = id();
}

void Core::BecomeLeader() {
  Reset(term_);
  role_ = Role::kLeader;
  leader_ = id();
  leading_.emplace(Leading{});  // clang refuses emplace() of a nested class with initializers
  for (const auto* members : {&config_.voters(), &config_.learners()}) {
    for (MemberId member : *members) {
      leading_->progress.emplace(member, Progress(LogIndex{0}, log_.last_index() + 1));
    }
  }
  Progress& own = leading_->progress.at(id());
  own.Acknowledge(log_.durable());
  own.BecomeReplicate();
  // No change before an entry of this term is committed and applied (Ongaro's single-server bug,
  // 2015), nor before any that we inherited.
  leading_->pending_conf_index = log_.last_index() + 1;
  if (QUORATE_PLANTED("raft.change_before_first_commit")) leading_->pending_conf_index = {};
  Entry first;  // what lets the entries of earlier terms commit
  Append({&first, 1});
  const LogIndex change = log_.LastConfChange(log_.applied(), log_.last_index(), 1);
  if (change.value != 0 && LeavesOne(log_.At(change))) leading_->last_of_two = change;
  QUORATE_CRASH_SITE("raft.became_leader");
  AddNote(Note::Level::kInfo, "became leader at term " + std::to_string(term_.value));
}

// What every change of role forgets.
void Core::Reset(Term term) {
  if (term_ != term) {
    term_ = term;
    vote_ = MemberId{};
  }
  leader_ = MemberId{};
  told_ = LogIndex{0};
  election_elapsed_ = 0;
  DrawElectionTimeout();
  votes_.clear();
  self_vote_.reset();
  leading_.reset();
}

void Core::DrawElectionTimeout() {
  election_timeout_ = options_.election_ticks;
  if (QUORATE_SITE("raft.equal_timeouts")) return;
  election_timeout_ = options_.election_ticks +
                      static_cast<std::uint32_t>(options_.random() % options_.election_ticks);
}

void Core::Hup(bool transfer) {
  if (!MayCampaign()) return;
  RunElection(options_.pre_vote && !transfer ? Role::kPreCandidate : Role::kCandidate, transfer);
}

bool Core::MayCampaign() {
  if (role_ == Role::kLeader || !config_.IsVoter(id())) return false;
  if (pending_install_.value != 0) {
    AddNote(Note::Level::kInfo, "no campaign: a snapshot is being installed");
    return false;
  }
  if (QUORATE_PLANTED("raft.campaign_with_unapplied_change")) return true;
  if (log_.LastConfChange(log_.applied(), log_.committed(), 1).value != 0) {
    AddNote(Note::Level::kInfo, "no campaign: a committed configuration change is not applied");
    return false;
  }
  return true;
}

void Core::RunElection(Role candidacy, bool transfer) {
  Message ask;
  if (candidacy == Role::kPreCandidate) {
    BecomePreCandidate();
    ask.type = MessageType::kPreVote;
    ask.term = term_ + 1;
    AddNote(Note::Level::kInfo, "asks for pre-votes for term " + std::to_string(ask.term.value));
    CountVote(id(), true);
  } else {
    BecomeCandidate();
    ask.type = MessageType::kVote;
    ask.term = term_;
    AddNote(Note::Level::kInfo, "asks for votes for term " + std::to_string(term_.value));
    self_vote_ = SelfVote{0, term_};  // counts once it is durable
    if (QUORATE_PLANTED("raft.self_vote_before_durable")) CountVote(id(), true);
  }
  if (role_ != candidacy) return;  // our own pre-vote sufficed
  const Position last = log_.last();
  ask.index = last.index;
  ask.log_term = last.term;
  if (transfer) ask.context = kTransferContext;
  // Votes are for this term and this log: a crash must take back neither, or the same term could
  // be asked for again with less.
  bool waits = candidacy == Role::kCandidate;
  if (QUORATE_PLANTED("raft.vote_request_before_durable")) waits = false;
  for (MemberId voter : config_.voters()) {
    if (voter == id()) continue;
    ask.to = voter;
    waits ? Hold(ask) : Send(ask);
  }
}

// Learners answer too: one that was promoted may not know it yet.
void Core::AnswerVote(const Message& message) {
  const bool pre = message.type == MessageType::kPreVote;
  bool free_to_vote = vote_ == message.from || (vote_.value == 0 && leader_.value == 0) ||
                      (pre && message.term > term_);
  bool up_to_date = log_.IsUpToDate({message.index, message.log_term});
  if (QUORATE_PLANTED("raft.vote_twice")) free_to_vote = true;
  if (QUORATE_PLANTED("raft.vote_for_shorter_log")) up_to_date = true;
  Message answer;
  answer.type = pre ? MessageType::kPreVoteResp : MessageType::kVoteResp;
  answer.to = message.from;
  if (free_to_vote && !QUORATE_SITE("raft.withhold_vote") && up_to_date) {
    answer.term = message.term;
    if (!pre) {
      election_elapsed_ = 0;
      vote_ = message.from;
      QUORATE_CRASH_SITE("raft.voted");
      if (QUORATE_PLANTED("raft.vote_forgotten")) vote_ = MemberId{};
    }
  } else {
    answer.term = term_;
    answer.reject = true;
  }
  if (QUORATE_PLANTED("raft.vote_before_durable")) return Send(std::move(answer));
  Hold(std::move(answer));
}

void Core::CountVote(MemberId from, bool granted) {
  if (!config_.IsVoter(from)) return;
  votes_.emplace(from, granted);
  std::size_t yes = 0;
  std::size_t no = 0;
  for (const auto& [voter, vote] : votes_) {
    if (!config_.IsVoter(voter)) continue;
    ++(vote ? yes : no);
  }
  switch (CountVotes(config_.voters().size(), yes, no)) {
    case Vote::kPending:
      return;
    case Vote::kLost:
      return BecomeFollower(term_, MemberId{});
    case Vote::kWon:
      if (role_ == Role::kPreCandidate) return RunElection(Role::kCandidate, false);
      return BecomeLeader();
  }
}

void Core::ReportGone(MemberId member) {
  if (role_ != Role::kFollower || leader_.value == 0 || leader_ != member) return;
  if (!options_.pre_vote) return;  // a mistake would depose it
  touched_ = true;
  AddNote(Note::Level::kInfo, "lost its leader " + ToHex(member.value));
  leader_ = MemberId{};  // proposals wait for the next one, and others get our vote
  // One after the other, with a tick between two turns, so that they do not split the votes: their
  // clocks do not tick together.
  const auto earlier = static_cast<std::uint32_t>(
      std::count_if(config_.voters().begin(), config_.voters().end(),
                    [&](MemberId voter) { return voter < id() && voter != member; }));
  election_elapsed_ = options_.election_ticks;
  election_timeout_ = options_.election_ticks + 1 + 2 * earlier;
}

// A leader was heard within the election timeout, so a majority may rely on it.
bool Core::InLease() const {
  if (QUORATE_PLANTED("raft.no_lease")) return false;
  return options_.check_quorum && leader_.value != 0 && election_elapsed_ < options_.election_ticks;
}

}  // namespace quorate::raft
