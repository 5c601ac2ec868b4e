// ReconfigCheck: --strict-reconfig-check, the refusal of a membership change that would endanger
// the quorum.
//
// Pure: who has started and who has been connected for at least five seconds comes in, a refusal or
// ok goes out. The texts are etcd's.
#pragma once

#include <set>
#include <vector>

#include "base/result.h"
#include "membership/member.h"

namespace quorate::membership {

struct Liveness {
  MemberId self;
  std::set<MemberId> connected;       // reachable now, without self
  std::set<MemberId> long_connected;  // reachable for five seconds or more, without self
};

Status CheckAddVoter(const std::vector<Member>& members, const Liveness& liveness);
Status CheckPromote(const std::vector<Member>& members);
// A learner may always go; a voter that is not connected may go when the started rest keeps its
// quorum.
Status CheckRemove(const std::vector<Member>& members, MemberId target, const Liveness& liveness);

}  // namespace quorate::membership
