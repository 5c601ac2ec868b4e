// Member: one member of the cluster, and its JSON as etcd writes it.
//
// The JSON stands in three places that others read: the context of a ConfChange entry, the
// `members` bucket of a snapshot, and GET /members on the peer port. Field order and omissions are
// etcd's, byte for byte.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/result.h"

namespace quorate::membership {

struct Member {
  MemberId id;
  std::vector<std::string> peer_urls;  // where its peers reach it; never empty once added
  bool is_learner = false;
  std::string name;                      // empty until it has published itself ("unstarted")
  std::vector<std::string> client_urls;  // empty until it has published itself

  bool started() const { return !name.empty(); }
  bool operator==(const Member&) const = default;
};

// {"id":1,"peerURLs":["http://a:2380"],"isLearner":true,"name":"a","clientURLs":["http://a:2379"]};
// isLearner, name and clientURLs only when set.
std::string ToJson(const Member& member);
Result<Member> ParseMember(std::string_view json);

// GET /members: an array of the above, sorted by id.
std::string ToJson(const std::vector<Member>& members);
Result<std::vector<Member>> ParseMembers(std::string_view json);

// The context of a ConfChange entry: a member, and whether it is a learner's promotion.
struct ChangeContext {
  Member member;
  bool is_promote = false;
};
std::string ToJson(const ChangeContext& context);
Result<ChangeContext> ParseChangeContext(std::string_view json);

}  // namespace quorate::membership
