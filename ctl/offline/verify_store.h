// VerifyStore: the rows of one store, each against the others.
//
// Memory holds every key once.
//
// Thread: any.
// Source: knowledge/etcd.md 5.5, reliability.md 3.1 (what the rows must tell).
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/ids.h"
#include "membership/member.h"
#include "raft/types.h"
#include "storage/backend.h"

namespace quorate::offline {

// What is wrong, where, and what a person can do about it.
struct Problem {
  std::string place;  // "log", "snapshot", "index", "history", "key index", "leases", "members"
  std::string text;
  std::string advice;
};

// Bytes that were read so far.
using VerifyProgress = std::function<void(std::uint64_t bytes)>;

struct StoreFacts {
  bool present = false;
  storage::LogPosition position;
  std::int64_t revision = 1;
  std::int64_t compact_revision = -1;  // -1: never compacted
  std::uint64_t rows = 0;
  std::uint64_t keys = 0;  // that live
  std::uint64_t leases = 0;
  std::vector<membership::Member> members;  // by id
  std::vector<MemberId> removed;
  bool has_conf_state = false;
  raft::ConfState conf_state;
};

// At most so many problems of one place are told; what follows is counted in the last one.
inline constexpr std::size_t kProblemsOfAPlaceMax = 10;

// Adds to problems. An Error: the store itself could not be read, and why.
Result<StoreFacts> VerifyStore(const storage::Reader& store, const VerifyProgress& progress,
                               std::vector<Problem>& problems);

}  // namespace quorate::offline
