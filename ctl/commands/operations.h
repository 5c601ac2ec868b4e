// Operations: the flags of get, put and del, and the requests they mean. Used by those commands and
// by txn.
//
// Errors of the builders are the caller's own mistakes: kInvalidArgument (exit 128) or
// kUnimplemented (exit 4).
#pragma once

#include <istream>
#include <string>
#include <vector>

#include "base/result.h"
#include "commands/session.h"
#include "proto/rpc.pb.h"

namespace quorate::commands {

struct GetFlags {
  std::vector<std::string> words{};
  std::string consistency = "l";
  std::string order{};
  std::string sort_by{};
  std::int64_t limit = 0;
  std::int64_t rev = 0;
  bool prefix = false;
  bool from_key = false;
  bool keys_only = false;
  bool count_only = false;
  bool print_value_only = false;
  std::int64_t min_create_rev = 0;
  std::int64_t max_create_rev = 0;
  std::int64_t min_mod_rev = 0;
  std::int64_t max_mod_rev = 0;
};

struct PutFlags {
  std::vector<std::string> words{};
  std::string lease = "0";
  bool prev_kv = false;
  bool ignore_value = false;
  bool ignore_lease = false;
};

struct DeleteFlags {
  std::vector<std::string> words{};
  bool prefix = false;
  bool from_key = false;
  bool range = false;
  bool prev_kv = false;
};

Result<etcdserverpb::RangeRequest> BuildRange(const GetFlags& flags);
// in: where the value comes from when it is not a word; null: it must be a word.
Result<etcdserverpb::PutRequest> BuildPut(const PutFlags& flags, std::istream* in);
Result<etcdserverpb::DeleteRangeRequest> BuildDelete(const DeleteFlags& flags);

Exit ExitOfBuild(const Error& error);

// "foo" -> "fop": the end of the range of all keys that begin with prefix; one zero byte when there
// is no such end.
std::string PrefixEnd(std::string prefix);

// Makes a request be about all keys that begin with prefix; about all keys when it is empty.
template <typename Request>
void CoverPrefix(Request& request, const std::string& prefix) {
  request.set_key(prefix.empty() ? std::string(1, '\0') : prefix);
  request.set_range_end(PrefixEnd(prefix));
}

}  // namespace quorate::commands
