#include "app/condemnation.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "api/maintenance_service.h"
#include "app/peer_words.h"
#include "apply/request.h"
#include "base/bytes.h"
#include "base/log.h"
#include "proto/rpc.pb.h"

namespace quorate::app {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kStateHashName = "stateHash";
constexpr std::string_view kHashKvName = "hashKV";

std::string TextOf(const Question& question) {
  return question.kind == Question::Kind::kStateHash
             ? "the effects of the " + std::to_string(apply::StateHash::kWindow) +
                   " entries up to index " + std::to_string(question.at)
             : "HashKV at revision " + std::to_string(question.at);
}

}  // namespace

void Condemnation::Execute(const Question& question,
                           const std::map<MemberId, std::uint64_t>& answers,
                           const Judgement& judgement) {
  if (judgement.kind == Judgement::Kind::kEqual) return;
  ++parts_.counters->divergences;
  if (judgement.kind == Judgement::Kind::kUndecided) {
    log::Error("found hash mismatch, and no majority agrees", {{"question", TextOf(question)}});
    return RaiseCorrupt(MemberId{});
  }
  for (const MemberId member : judgement.wrong) {
    const std::uint64_t value = answers.at(member);
    log::Error("found hash mismatch", {{"question", TextOf(question)},
                                       {"member", ToHex(member.value)},
                                       {"hash", ToHex(value)},
                                       {"majority", ToHex(judgement.right)}});
    if (member == parts_.context->identity.member) {
      EndSelf(question, value, judgement.right);
    } else {
      Blame(member, question, value, judgement.right);
    }
  }
}

void Condemnation::Blame(MemberId member, const Question& question, std::uint64_t value,
                         std::uint64_t right) {
  const auto roster = parts_.context->cluster->roster();
  const membership::Member* found = roster->Find(member);
  if (found == nullptr) return;
  const Json body = {
      {"kind",
       std::string(question.kind == Question::Kind::kStateHash ? kStateHashName : kHashKvName)},
      {"at", question.at},
      {"hash", ToHex(value)},
      {"majority", ToHex(right)}};
  parts_.peers->PostTo(
      found->peer_urls, "/quorate/verdict", body.dump(),
      [this, id = member, alive = std::weak_ptr<int>(alive_)](const Result<std::string>& done) {
        if (alive.expired()) return;
        // A member that ends at once may not answer any more. One that does not know the path is a
        // real etcd.
        log::Info(
            "told a member that it has diverged",
            {{"member", ToHex(id.value)}, {"answer", done.ok() ? *done : done.error().message}});
        if (!done.ok() && done.error().code == Code::kNotFound) RaiseCorrupt(id);
      });
}

void Condemnation::RaiseCorrupt(MemberId member) {
  const apply::Alarms::Alarm alarm(member, apply::AlarmKind::kCorrupt);
  for (const auto& raised : parts_.context->applier->alarms().List(apply::AlarmKind::kCorrupt)) {
    if (raised == alarm) return;
  }
  etcdserverpb::AlarmRequest request;
  request.set_action(etcdserverpb::AlarmRequest::ACTIVATE);
  request.set_memberid(member.value);
  request.set_alarm(etcdserverpb::CORRUPT);
  const std::uint64_t id = parts_.context->node->NextRequestId();
  parts_.context->node->Propose(
      id, apply::MakeRequest(apply::RequestField::kAlarm, request.SerializeAsString(), id),
      [](const Result<std::string>& done) {
        if (!done.ok()) log::Warn("failed to raise an alarm", {{"error", done.error().message}});
      });
}

void Condemnation::EndSelf(const Question& question, std::uint64_t value, std::uint64_t right) {
  const Ending ending{ExitCode::kDataUnusable,
                      "this member has diverged: " + TextOf(question) + " gives " + ToHex(value) +
                          " here, but " + ToHex(right) +
                          " on a majority; its data is kept as it is. Remove this member and add "
                          "it anew with an empty data directory"};
  const Status written = parts_.recollection->Condemn(ending);
  if (!written.ok()) {
    log::Error("failed to write the verdict down", {{"error", written.error().message}});
  }
  parts_.end(ending);
}

Status Condemnation::Examine(const Question& question, std::uint64_t own, std::uint64_t value,
                             std::uint64_t right) {
  if (own != value || own == right) {
    return Error{Code::kFailedPrecondition, "it holds " + ToHex(own) + " here"};
  }
  ++parts_.counters->divergences;
  EndSelf(question, own, right);
  return {};
}

void Condemnation::Answer(std::string_view body, std::function<void(Status)> done) {
  const auto accusation = ParseAccusation(body);
  if (!accusation.ok()) return done(accusation.error());
  const std::uint64_t value = accusation->hash;
  const std::uint64_t right = accusation->majority;
  Question question{Question::Kind::kStateHash, accusation->at};
  if (accusation->hash_kv) {
    question.kind = Question::Kind::kHashKv;
    return api::ComputeHashKv(
        *parts_.context, Revision{question.at},
        [this, question, value, right, done = std::move(done)](const Result<api::HashKv>& hash) {
          if (!hash.ok()) return done(hash.error());
          done(Examine(question, hash->hash, value, right));
        });
  }
  for (const auto& window : parts_.context->applier->state_hash().windows()) {
    if (window.end.value != static_cast<std::uint64_t>(question.at)) continue;
    return done(Examine(question, window.hash, value, right));
  }
  done(Error{Code::kFailedPrecondition, "that window is not known here"});
}

}  // namespace quorate::app
