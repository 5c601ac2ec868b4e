#include <algorithm>

#include "act/steps.h"
#include "api/names.h"
#include "base/bytes.h"

namespace quorate::act {
namespace {

using etcdserverpb::Member;
using etcdserverpb::MemberListResponse;

const Member* FindByUrl(const MemberListResponse& list, const std::string& url) {
  for (const Member& member : list.members()) {
    const auto& urls = member.peerurls();
    if (std::find(urls.begin(), urls.end(), url) != urls.end()) return &member;
  }
  return nullptr;
}

const Member* FindById(const MemberListResponse& list, MemberId id) {
  for (const Member& member : list.members()) {
    if (member.id() == id.value) return &member;
  }
  return nullptr;
}

// etcd asks for a moment's patience (links younger than five seconds, a learner not quite there):
// no failure, the step is planned again.
Error Refused(const Error& error, const std::string& what) {
  for (const char* text : {"unhealthy cluster", "in sync with leader"}) {
    if (error.message.find(text) == std::string::npos) continue;
    return {Code::kAborted, what + ": " + error.message};
  }
  return Annotate(error, what);
}

}  // namespace

// The intent is read again, and the list: an answer that was lost is found there, by address.
Status Do(const Context& context, const plan::MemberAdd& step) {
  const auto slot = TRY(context.LiveSlot(step.slot));
  if (!slot || slot->spec.leave) return OutOfDate("member " + step.slot + " is not to be");
  const auto etcd = TRY(context.Etcd());
  const MemberListResponse list = TRY(context.LiveMembers(*etcd));
  if (FindByUrl(list, step.peer_url)) return {};
  if (!slot->status.member_id.empty()) {
    return OutOfDate("member " + step.slot + " was in the member list once and is not any more");
  }
  const bool learner = std::any_of(list.members().begin(), list.members().end(),
                                   [](const Member& member) { return member.islearner(); });
  if (learner) return OutOfDate("another learner is in the member list");
  const auto added = etcd->MemberAdd({step.peer_url}, /*learner=*/true, context.Call());
  if (!added.ok()) return Refused(added.error(), "add member " + step.slot);
  return {};
}

Status Do(const Context& context, const plan::MemberRemove& step) {
  const auto slot = TRY(context.LiveSlot(step.slot));
  if (!slot || !slot->spec.leave) return OutOfDate("member " + step.slot + " is not leaving");
  const auto etcd = TRY(context.Etcd());
  const MemberListResponse list = TRY(context.LiveMembers(*etcd));
  const Member* member = FindById(list, step.id);
  if (member == nullptr) return {};
  if (FindByUrl(list, step.peer_url) != member) {
    return OutOfDate("member " + ToHex(step.id.value) + " is not the one at " + step.peer_url);
  }
  const auto removed = etcd->MemberRemove(step.id, context.Call());
  if (removed.ok() || removed.error().code == Code::kNotFound) return {};
  return Refused(removed.error(), "remove member " + step.slot);
}

Status Do(const Context& context, const plan::MemberPromote& step) {
  const auto slot = TRY(context.LiveSlot(step.slot));
  if (!slot || slot->spec.leave) return OutOfDate("member " + step.slot + " is not to be");
  const auto etcd = TRY(context.Etcd());
  const MemberListResponse list = TRY(context.LiveMembers(*etcd));
  const Member* member = FindById(list, step.id);
  if (member == nullptr) return OutOfDate("member " + step.slot + " is not in the member list");
  if (!member->islearner()) return {};
  const auto promoted = etcd->MemberPromote(step.id, context.Call());
  if (!promoted.ok()) return Refused(promoted.error(), "promote member " + step.slot);
  return {};
}

Status Do(const Context& context, const plan::MoveLeader& step) {
  for (const plan::Slot& slot : context.observed.slots) {
    if (slot.object.meta.name != step.from || !slot.pod || slot.pod->endpoint.empty()) continue;
    const auto etcd = TRY(context.Etcd());
    const auto moved = etcd->MoveLeader(slot.pod->endpoint, step.to_id, context.Call());
    if (!moved.ok()) return Annotate(moved.error(), "move leadership to " + step.to);
    return {};
  }
  return OutOfDate("member " + step.from + " does not run");
}

}  // namespace quorate::act
