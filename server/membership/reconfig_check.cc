#include "membership/reconfig_check.h"

#include <algorithm>

namespace quorate::membership {
namespace {

Error NotEnoughStarted() {
  return Error{Code::kUnknown,
               "etcdserver: re-configuration failed due to not enough started members"};
}
Error Unhealthy() {
  return Error{Code::kUnavailable, "etcdserver: unhealthy cluster"};
}

std::size_t QuorumOf(std::size_t voters) {
  return voters / 2 + 1;
}

struct Counts {
  std::size_t voters = 0;
  std::size_t started = 0;
  std::size_t active = 0;  // connected long enough, self included
};

Counts Count(const std::vector<Member>& members, const Liveness& liveness) {
  Counts counts;
  for (const Member& member : members) {
    if (member.is_learner) continue;
    ++counts.voters;
    if (member.started()) ++counts.started;
    if (member.id == liveness.self || liveness.long_connected.contains(member.id)) {
      ++counts.active;
    }
  }
  return counts;
}

}  // namespace

Status CheckAddVoter(const std::vector<Member>& members, const Liveness& liveness) {
  const Counts counts = Count(members, liveness);
  if (counts.voters == 1 && counts.started == 1) return {};  // a single member may always grow
  if (counts.started < QuorumOf(counts.voters + 1)) return NotEnoughStarted();
  if (counts.active < QuorumOf(counts.voters + 1)) return Unhealthy();
  return {};
}

Status CheckPromote(const std::vector<Member>& members) {
  const Counts counts = Count(members, {});
  if (counts.started + 1 < QuorumOf(counts.voters + 1)) return NotEnoughStarted();
  return {};
}

Status CheckRemove(const std::vector<Member>& members, MemberId target, const Liveness& liveness) {
  const auto found = std::find_if(members.begin(), members.end(),
                                  [target](const Member& m) { return m.id == target; });
  if (found == members.end() || found->is_learner) return {};
  const Counts counts = Count(members, liveness);
  const std::size_t started = counts.started - (found->started() ? 1U : 0U);
  if (started < QuorumOf(counts.voters - 1)) return NotEnoughStarted();
  if (target != liveness.self && !liveness.connected.contains(target)) return {};
  if (counts.active < 1 + 1 + (counts.voters - 1) / 2) return Unhealthy();
  return {};
}

}  // namespace quorate::membership
