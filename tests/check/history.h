// History: what clients saw of one cluster: every operation, and every response of every watch.
//
// A harness (simulator, chaos run, conformance test) writes it down while it runs; the checkers
// judge it afterwards. Times are readings of one monotonic clock that all clients share. Values are
// best unique in the whole history: then whoever sees a value knows who wrote it, and an operation
// without an answer is found at once.
//
//   check::History history;
//   ... one Operation per call, one Watching per watch as the server knows it ...
//   const auto kv = check::CheckLinearizable(history);
//   const auto watches = check::CheckWatches(history, kv);
//   const auto leases = check::CheckLeases(history, kv);
//   const auto registers = check::CheckRegisters(history);  // a second opinion
//
// Units: Instant is nanoseconds since any fixed moment.
// Thread: plain data.
// Source: knowledge/reliability.md chapter 3.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <variant>
#include <vector>

#include "proto/rpc.pb.h"

namespace quorate::check {

using Instant = std::int64_t;
inline constexpr Instant kNever = std::numeric_limits<Instant>::max();

enum class Outcome {
  kOk,       // answered with success: `response` is set
  kFailed,   // refused for a reason that proves it had no effect and never will
  kUnknown,  // no answer, or an error that leaves it open: it may take effect at any later time
};

// RequestOp is what a transaction holds as well: a put, a delete, a range or a transaction.
using Request = std::variant<etcdserverpb::RequestOp, etcdserverpb::LeaseGrantRequest,
                             etcdserverpb::LeaseRevokeRequest, etcdserverpb::LeaseKeepAliveRequest,
                             etcdserverpb::LeaseTimeToLiveRequest, etcdserverpb::CompactionRequest>;
using Response =
    std::variant<std::monostate, etcdserverpb::ResponseOp, etcdserverpb::LeaseGrantResponse,
                 etcdserverpb::LeaseRevokeResponse, etcdserverpb::LeaseKeepAliveResponse,
                 etcdserverpb::LeaseTimeToLiveResponse, etcdserverpb::CompactionResponse>;

struct Operation {
  int client = 0;
  // The member's life that answered, so that what a restart may forget is not held against it: the
  // same number for as long as one process ran. 0: not known.
  std::uint64_t life = 0;
  Instant invoked = 0;
  Instant returned = kNever;  // kNever: no answer
  Outcome outcome = Outcome::kUnknown;
  std::string error;  // of kFailed and kUnknown, for reports
  Request request;
  Response response;  // of kOk, of the request's kind
};

struct Arrival {
  Instant at = 0;
  etcdserverpb::WatchResponse response;
};

// One watch of one stream, from its created response to the stream's end. A client that resumes
// after a lost stream makes a new one.
struct Watching {
  std::string name;  // for reports
  etcdserverpb::WatchCreateRequest request;
  std::vector<Arrival> arrivals;
  // Every matching event up to here must have arrived; 0: nothing is claimed about the end.
  std::int64_t complete_until = 0;
};

struct History {
  std::vector<Operation> operations;  // any order
  std::vector<Watching> watches;
};

// A rule that was broken. `rule` is its name in reliability.md chapter 3, "KV-2".
struct Finding {
  std::string rule;
  std::string text;
};

// The response's header; null when the operation has none.
const etcdserverpb::ResponseHeader* HeaderOf(const Operation& operation);
// Header revision of an answered operation; 0 when there is none.
std::int64_t RevisionOf(const Operation& operation);

// One line for a person: who, what, when, the answer.
std::string Describe(const Operation& operation);
std::string Describe(const etcdserverpb::RequestOp& request);
std::string Describe(const etcdserverpb::ResponseOp& response);
std::string Describe(const mvccpb::Event& event);
std::string Describe(const Watching& watching);

}  // namespace quorate::check
