#include "membership/ids.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/digest.h"

namespace quorate::membership {

MemberId MakeMemberId(std::vector<std::string> peer_urls, const std::string& token,
                      std::optional<std::int64_t> unix_seconds) {
  std::sort(peer_urls.begin(), peer_urls.end());
  std::string text;
  for (const std::string& url : peer_urls) text += url;
  text += token;
  if (unix_seconds) text += std::to_string(*unix_seconds);
  return MemberId{ReadBigEndian64(Sha1(text))};
}

ClusterId MakeClusterId(std::vector<MemberId> members) {
  std::sort(members.begin(), members.end());
  std::string text;
  for (const MemberId member : members) AppendBigEndian64(text, member.value);
  return ClusterId{ReadBigEndian64(Sha1(text))};
}

}  // namespace quorate::membership
