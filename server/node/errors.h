// Errors: what a proposal or a read that did not succeed is told, byte-exact with etcd.
//
// The codes are those that Go's server puts on the wire; where it maps nothing the code is Unknown.
// Source: knowledge/etcd.md 1.14.
#pragma once

#include "base/result.h"

namespace quorate::node::errors {

inline Error RequestTooLarge() {
  return {Code::kInvalidArgument, "etcdserver: request is too large"};
}
inline Error TooManyRequests() {
  return {Code::kUnknown, "etcdserver: too many requests"};
}
inline Error Stopped() {
  return {Code::kUnavailable, "etcdserver: server stopped"};
}
inline Error LeaderChanged() {
  return {Code::kUnavailable, "etcdserver: leader changed"};
}
inline Error TimedOut() {
  return {Code::kUnavailable, "etcdserver: request timed out"};
}
inline Error TimedOutByLeaderFailure() {
  return {Code::kUnavailable,
          "etcdserver: request timed out, possibly due to previous leader failure"};
}
inline Error TimedOutByLostConnection() {
  return {Code::kUnavailable, "etcdserver: request timed out, possibly due to connection lost"};
}
inline Error TimedOutWaitingForApply() {
  return {Code::kUnavailable,
          "etcdserver: request timed out, waiting for the applied index took too long"};
}
inline Error NotLeader() {
  return {Code::kFailedPrecondition, "etcdserver: not leader"};
}
inline Error BadTransferee() {
  return {Code::kFailedPrecondition, "etcdserver: bad leader transferee"};
}
inline Error TransferTookTooLong() {
  return {Code::kUnknown, "etcdserver: request timed out, leader transfer took too long"};
}

}  // namespace quorate::node::errors
