// PeerWords: what members ask and answer each other in JSON, read without trust.
//
// Whoever reaches the peer port can send anything, and a member's answer may come from something in
// its place. So: text that nests deeper than these messages ever do is refused before anybody
// copies or prints it, which recurses; a field of another type is an error, not an exception; what
// is missing is 0.
//
// Errors: kInvalidArgument.
// Thread: any; pure functions.
#pragma once

#include <cstdint>
#include <map>
#include <string_view>

#include "app/recollection.h"
#include "base/ids.h"
#include "base/result.h"

namespace quorate::app {

// Refuses what nests deeper than 32.
Status CheckNesting(std::string_view json);

// GET /members/hashkv: the question's revision.
Result<Revision> ParseHashKvQuestion(std::string_view json);

struct HashKvAnswer {
  std::uint64_t hash = 0;
  std::int64_t compact_revision = 0;
  std::int64_t hash_revision = 0;  // 0: it did not say
};
Result<HashKvAnswer> ParseHashKvAnswer(std::string_view json);

// POST /quorate/state: what the leader says everybody has acknowledged.
Result<std::map<MemberId, Known>> ParseStateQuestion(std::string_view json);

struct StateAnswer {
  LogIndex applied;
  std::map<LogIndex, std::uint64_t> windows;  // hash by the window's last index
};
Result<StateAnswer> ParseStateAnswer(std::string_view json);

// POST /quorate/verdict: somebody holds something else than the majority.
struct Accusation {
  bool hash_kv = false;  // else the hash of what entries did
  std::int64_t at = 0;   // a revision; else an index
  std::uint64_t hash = 0;
  std::uint64_t majority = 0;
};
Result<Accusation> ParseAccusation(std::string_view json);

}  // namespace quorate::app
