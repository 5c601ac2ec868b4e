// Retry: what a failed attempt allows, as etcd's own client decides it. Pure.
//
// A repeatable call is tried again whenever the member was not available. Any other is tried again
// only if it never left: a put that got lost on the way back may have been applied, and only its
// caller knows whether twice is harmless.
#pragma once

#include "base/result.h"
#include "etcdclient/method.h"

namespace quorate::etcdclient {

enum class AfterFailure {
  kGiveUp,
  kNextEndpoint,  // the same request elsewhere
  kNewToken,      // get a new token, then the same request
};

// sent: a connection was there when the attempt began. has_credentials: a new token can be got.
AfterFailure Decide(const Method& method, const Error& error, bool sent, bool has_credentials);

}  // namespace quorate::etcdclient
