// ConfState as text: the JSON that etcd keeps in the row meta/confState.
//
//   {"voters":[10276657743932975437],"auto_leave":false}; learners, voters_outgoing and
//   learners_next when not empty
//
// Errors: kDataLoss for anything else.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "raft/types.h"

namespace quorate::snapshot {

std::string ToJson(const raft::ConfState& state);
Result<raft::ConfState> ParseConfState(std::string_view json);

}  // namespace quorate::snapshot
