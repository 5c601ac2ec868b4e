#include "app/greeting.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "base/bytes.h"
#include "base/log.h"
#include "base/mutex.h"
#include "base/site.h"

namespace quorate::app {
namespace {

// What came back; shared with answers that come too late.
struct Answers {
  Mutex mutex;
  Condition changed;
  std::map<MemberId, Result<std::string>> by_member QUORATE_GUARDED_BY(mutex);
};

Ending WentBack(MemberId self, const std::string& why) {
  return {ExitCode::kWentBack, "the data directory of member " + ToHex(self.value) +
                                   " went back in time: " + why +
                                   "; it is an old copy or a restored volume. Remove this member "
                                   "and add it anew with an empty data directory"};
}

}  // namespace

Greeting Greet(const Claim& claim, const std::map<MemberId, std::vector<std::string>>& others,
               std::chrono::nanoseconds patience, const AskHello& ask) {
  auto answers = std::make_shared<Answers>();
  for (const auto& [member, urls] : others) {
    ask(urls, ToJson(claim), [answers, id = member](Result<std::string> answer) {
      MutexLock lock(answers->mutex);
      answers->by_member.emplace(id, std::move(answer));
      answers->changed.notify_all();
    });
  }
  Greeting greeting;
  MutexLock lock(answers->mutex);
  answers->changed.wait_for(answers->mutex, patience, [&]() QUORATE_REQUIRES(answers->mutex) {
    return answers->by_member.size() == others.size();
  });
  greeting.unknown = others.size() - answers->by_member.size();
  for (const auto& [member, answer] : answers->by_member) {
    const Result<Known> known = answer.ok() ? ParseKnown(*answer) : Result<Known>(answer.error());
    if (!known.ok()) {
      ++greeting.unknown;
      continue;
    }
    const std::string why = WhyWentBack(claim, *known);
    if (why.empty() || greeting.ending) continue;
    greeting.ending = WentBack(claim.member, why + " (says " + ToHex(member.value) + ")");
  }
  return greeting;
}

Result<Greeting> BeginLife(Recollection& recollection, std::uint64_t nonce,
                           const node::Status& status,
                           const std::map<MemberId, std::vector<std::string>>& others,
                           std::chrono::nanoseconds patience, const AskHello& ask) {
  QUORATE_CRASH_SITE("app.before_life");
  TRY(recollection.BeginLife(nonce));
  QUORATE_CRASH_SITE("app.life_begun");
  const Claim claim{status.self, recollection.incarnation(), recollection.nonce(), status.durable,
                    status.term};
  Greeting greeting = Greet(claim, others, patience, ask);
  if (!greeting.ending) return greeting;
  QUORATE_CRASH_SITE("app.old_directory_seen");
  if (const Status kept = recollection.Condemn(*greeting.ending); !kept.ok()) {
    log::Error("failed to write the verdict down", {{"error", kept.error().message}});
  }
  QUORATE_CRASH_SITE("app.old_directory_condemned");
  return greeting;
}

Result<std::string> AnswerHello(Recollection& recollection, const node::Status& status,
                                const membership::Roster& roster, std::string_view text) {
  const Claim claim = TRY(ParseClaim(text));
  NoteProgress(recollection, status);
  const Known known = recollection.Of(claim.member);
  if (const std::string why = WhyWentBack(claim, known); !why.empty()) {
    log::Error("a member's data directory went back in time",
               {{"member", ToHex(claim.member.value)}, {"why", why}});
  } else if (roster.members.contains(claim.member)) {
    recollection.Note(claim.member, {.incarnation = claim.incarnation, .nonce = claim.nonce});
  }
  return ToJson(known);
}

void NoteProgress(Recollection& recollection, const node::Status& status) {
  if (status.heard.leader != MemberId{} && !QUORATE_PLANTED("app.leaders_word_forgotten")) {
    // A leader may have more on its disk than this member knows to be committed.
    recollection.Note(
        status.heard.leader,
        {.index = std::min(status.heard.durable, status.committed), .term = status.heard.term});
  }
  if (status.role != raft::Role::kLeader) return;
  for (const auto& progress : status.progress) {
    if (progress.match == LogIndex{}) continue;
    recollection.Note(progress.member,
                      {.index = std::min(progress.match, status.committed), .term = status.term});
  }
}

}  // namespace quorate::app
