#include "app/corruption_check.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "app/peer_words.h"
#include "base/log.h"

namespace quorate::app {
namespace {

using Json = nlohmann::ordered_json;

// The others may still be starting, or this member catching up.
constexpr auto kInitialInterval = std::chrono::seconds(2);
constexpr int kInitialAttempts = 15;

}  // namespace

CorruptionCheck::CorruptionCheck(const Parts& parts, const CorruptionCheckOptions& options)
    : parts_(parts),
      options_(options),
      initial_timer_(*parts.loop),
      periodic_timer_(*parts.loop),
      compacted_timer_(*parts.loop) {}

void CorruptionCheck::Start() {
  if (options_.initial) initial_timer_.Set(kInitialInterval, [this] { Initial(); });
  if (options_.periodic.count() > 0) {
    periodic_timer_.Set(options_.periodic, [this] { Periodic(); });
  }
  if (options_.compacted) {
    compacted_timer_.Set(options_.compacted_interval, [this] { Compacted(); });
  }
}

void CorruptionCheck::Stop() {
  for (net::Timer* timer : {&initial_timer_, &periodic_timer_, &compacted_timer_}) timer->Cancel();
  alive_.reset();
}

bool CorruptionCheck::Leads() const {
  return parts_.context->node->leader() == parts_.context->identity.member;
}

void CorruptionCheck::Initial() {
  if (parts_.context->cluster->roster()->members.size() <= 1) return;
  const auto again = [this] {
    if (++initial_attempts_ >= kInitialAttempts) return;
    initial_timer_.Set(kInitialInterval, [this] { Initial(); });
  };
  if (parts_.context->node->leader() == MemberId{}) return again();
  log::Info("starting initial corruption check");
  Run([this, again](bool complete) {
    if (!complete) return again();
    log::Info("initial corruption checking passed; no corruption");
  });
}

void CorruptionCheck::Periodic() {
  periodic_timer_.Set(options_.periodic, [this] { Periodic(); });
  if (!Leads()) return;
  // Reads what every member has, or will have by the time it is asked.
  parts_.context->node->Read(node::Consistency::kLinearizable,
                             [this, alive = std::weak_ptr<int>(alive_)](Status status) {
                               if (alive.expired() || !status.ok()) return;
                               Run([](bool complete) {
                                 if (complete) log::Info("finished peer corruption check");
                               });
                             });
}

void CorruptionCheck::Compacted() {
  compacted_timer_.Set(options_.compacted_interval, [this] { Compacted(); });
  if (!Leads()) return;
  const auto& kept = parts_.context->applier->compaction_hashes().kept();
  if (kept.empty() || kept.back().revision <= compacted_checked_) return;
  const auto& newest = kept.back();
  const api::HashKv own{newest.hash, newest.revision, newest.compact_revision, newest.current};
  AskOthers(own, [this, revision = newest.revision](bool complete) {
    if (!complete) return;
    compacted_checked_ = revision;
    log::Info("successfully checked hash on whole cluster", {{"revision", revision}});
  });
}

void CorruptionCheck::Run(Done done) {
  parts_.context->node->Post([this, done = std::move(done), alive = std::weak_ptr<int>(alive_)] {
    if (alive.expired()) return;
    api::ComputeHashKv(*parts_.context, Revision{},
                       [this, done, alive](const Result<api::HashKv>& own) {
                         if (alive.expired()) return;
                         if (!own.ok()) return done(false);
                         AskOthers(*own, done);
                       });
  });
}

void CorruptionCheck::AskOthers(const api::HashKv& own, Done done) {
  auto round = std::make_shared<Round>();
  round->own = own;
  round->answers[parts_.context->identity.member] = own.hash;
  round->waiting = 1;  // this function
  round->done = std::move(done);
  const Json question = {{"revision", own.revision.value}};
  for (const auto& [id, member] : parts_.context->cluster->roster()->members) {
    if (id == parts_.context->identity.member) continue;
    ++round->waiting;
    parts_.peers->GetFrom(member.peer_urls, "/members/hashkv", question.dump(),
                          [this, round, id = id,
                           alive = std::weak_ptr<int>(alive_)](const Result<std::string>& answer) {
                            if (alive.expired()) return;
                            Take(*round, id, answer);
                            if (--round->waiting == 0) Finish(*round);
                          });
  }
  if (--round->waiting == 0) Finish(*round);
}

void CorruptionCheck::Take(Round& round, MemberId member, const Result<std::string>& answer) {
  const Result<HashKvAnswer> theirs = answer.ok() ? ParseHashKvAnswer(*answer) : answer.error();
  const bool comparable =
      theirs.ok() && theirs->compact_revision == round.own.compact_revision.value &&
      (theirs->hash_revision == 0 || theirs->hash_revision == round.own.revision.value);
  if (comparable) {
    round.answers[member] = theirs->hash;
  } else {
    ++round.unknown;
    ++parts_.counters->hash_checks_unknown;
  }
}

void CorruptionCheck::Finish(Round& round) {
  std::set<MemberId> voters;
  for (const auto& [id, member] : parts_.context->cluster->roster()->members) {
    if (!member.is_learner) voters.insert(id);
  }
  const Judgement judgement = Judge(round.answers, voters);
  const bool complete = round.unknown == 0;
  const bool equal = judgement.kind == Judgement::Kind::kEqual;
  // Without a majority yet, whoever said nothing may decide the next time.
  if (!equal && (complete || judgement.kind == Judgement::Kind::kMinority)) {
    return parts_.condemnation->Execute({Question::Kind::kHashKv, round.own.revision.value},
                                        round.answers, judgement);
  }
  if (equal && complete) ++parts_.counters->hash_checks_equal;
  round.done(equal && complete);
}

}  // namespace quorate::app
