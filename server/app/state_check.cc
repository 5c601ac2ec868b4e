#include "app/state_check.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "app/greeting.h"
#include "app/peer_words.h"
#include "base/bytes.h"
#include "base/log.h"

namespace quorate::app {
namespace {

using Json = nlohmann::ordered_json;

constexpr auto kInterval = std::chrono::seconds(1);
// Acknowledgements are told, and what was noted is saved, once in so many ticks.
constexpr std::uint64_t kTicksBetweenTellings = 5;
constexpr std::uint64_t kTicksBetweenSaves = 10;
// A member without this path is a real etcd, and may become one of ours.
constexpr std::uint64_t kTicksOfSilence = 60;

}  // namespace

StateCheck::StateCheck(const Parts& parts) : parts_(parts), timer_(*parts.loop) {}

void StateCheck::Stop() {
  NoteProgress(*parts_.recollection, parts_.context->node->status());
  timer_.Cancel();
  alive_.reset();
}

void StateCheck::Tick() {
  ++ticks_;
  timer_.Set(kInterval, [this] { Tick(); });
  const node::Status status = parts_.context->node->status();
  NoteProgress(*parts_.recollection, status);
  for (const MemberId removed : parts_.context->cluster->roster()->removed) {
    parts_.recollection->Forget(removed);
  }
  if (status.role == raft::Role::kLeader) {
    Lead(status);
  } else {
    windows_.clear();
  }
  SaveSometimes();
}

void StateCheck::Lead(const node::Status& status) {
  const auto roster = parts_.context->cluster->roster();
  const MemberId self = parts_.context->identity.member;
  for (const auto& window : parts_.context->applier->state_hash().windows()) {
    if (window.end > retired_) windows_[window.end].answers[self] = window.hash;
  }
  const bool tell = ticks_ % kTicksBetweenTellings == 0 && status.committed > told_;
  if (tell) told_ = status.committed;
  for (const auto& [id, member] : roster->members) {
    if (id == self || asked_[id]) continue;
    bool lacks = false;
    for (auto& [end, compared] : windows_) {
      if (compared.answers.contains(id) || compared.unknown.contains(id)) continue;
      lacks = true;
      if (silent_until_[id] > ticks_) compared.unknown.insert(id);
    }
    if (silent_until_[id] <= ticks_ && (tell || lacks)) Ask(id);
  }
  Compare();
}

void StateCheck::Ask(MemberId member) {
  const auto roster = parts_.context->cluster->roster();
  asked_[member] = true;
  parts_.peers->PostTo(
      roster->Find(member)->peer_urls, "/quorate/state", MakeQuestion(),
      [this, member, alive = std::weak_ptr<int>(alive_)](const Result<std::string>& answer) {
        if (alive.expired()) return;
        asked_[member] = false;
        if (answer.ok()) return Take(member, *answer);
        if (answer.error().code == Code::kNotFound)
          silent_until_[member] = ticks_ + kTicksOfSilence;
      });
}

std::string StateCheck::MakeQuestion() const {
  Json acknowledged = Json::object();
  for (const auto& [id, member] : parts_.context->cluster->roster()->members) {
    const Known known = parts_.recollection->Of(id);
    acknowledged[ToHex(id.value)] = {{"index", known.index.value}, {"term", known.term.value}};
  }
  const Json question = {{"from", ToHex(parts_.context->identity.member.value)},
                         {"acknowledged", std::move(acknowledged)}};
  return question.dump();
}

Result<std::string> StateCheck::Answer(std::string_view body) {
  const auto acknowledged = TRY(ParseStateQuestion(body));
  const auto roster = parts_.context->cluster->roster();
  for (const auto& [id, known] : acknowledged) {
    if (roster->members.contains(id)) parts_.recollection->Note(id, known);
  }
  for (const MemberId removed : roster->removed) parts_.recollection->Forget(removed);
  Json windows = Json::object();
  for (const auto& window : parts_.context->applier->state_hash().windows()) {
    windows[std::to_string(window.end.value)] = ToHex(window.hash);
  }
  const Json answer = {{"applied", parts_.context->applier->position().index.value},
                       {"windows", std::move(windows)}};
  return answer.dump();
}

void StateCheck::Take(MemberId member, const std::string& answer) {
  const auto theirs = ParseStateAnswer(answer);
  if (!theirs.ok()) return;
  for (auto& [end, compared] : windows_) {
    const auto found = theirs->windows.find(end);
    if (found != theirs->windows.end()) {
      compared.answers[member] = found->second;
    } else if (theirs->applied >= end) {
      compared.unknown.insert(member);
    }
  }
  Compare();
}

void StateCheck::Compare() {
  const auto roster = parts_.context->cluster->roster();
  for (auto& [end, compared] : windows_) {
    std::erase_if(compared.answers,
                  [&](const auto& item) { return !roster->members.contains(item.first); });
    std::erase_if(compared.unknown, [&](MemberId id) { return !roster->members.contains(id); });
  }
  JudgeWindows();
  Retire();
}

void StateCheck::JudgeWindows() {
  std::set<MemberId> voters;
  const auto roster = parts_.context->cluster->roster();
  for (const auto& [id, member] : roster->members) {
    if (!member.is_learner) voters.insert(id);
  }
  for (auto& [end, compared] : windows_) {
    if (compared.judged) continue;
    const Judgement judgement = Judge(compared.answers, voters);
    if (judgement.kind == Judgement::Kind::kEqual) continue;
    const bool more = compared.answers.size() + compared.unknown.size() < roster->members.size();
    if (judgement.kind == Judgement::Kind::kUndecided && more) continue;
    compared.judged = true;
    parts_.condemnation->Execute({Question::Kind::kStateHash, static_cast<std::int64_t>(end.value)},
                                 compared.answers, judgement);
  }
}

// Lets the oldest windows go: everybody spoke, or this member has forgotten them itself.
void StateCheck::Retire() {
  const std::size_t members = parts_.context->cluster->roster()->members.size();
  const auto& own = parts_.context->applier->state_hash().windows();
  while (!windows_.empty()) {
    const auto& [end, compared] = *windows_.begin();
    const bool complete = compared.answers.size() + compared.unknown.size() >= members;
    if (!complete && !own.empty() && end >= own.front().end) return;
    if (!compared.judged) {
      const bool equal = compared.answers.size() >= members;
      ++(equal ? parts_.counters->state_hashes_equal : parts_.counters->state_hashes_unknown);
    }
    retired_ = end;
    windows_.erase(windows_.begin());
  }
}

void StateCheck::SaveSometimes() {
  if (ticks_ < saved_at_ + kTicksBetweenSaves) return;
  saved_at_ = ticks_;
  parts_.background->Run([recollection = parts_.recollection] {
    const Status saved = recollection->SaveChanges();
    if (!saved.ok()) {
      log::Warn("failed to save what is known of the members", {{"error", saved.error().message}});
    }
  });
}

}  // namespace quorate::app
