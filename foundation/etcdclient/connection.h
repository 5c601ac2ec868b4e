// Connection: one endpoint's gRPC channel, its own connection shared with nobody.
//
// Thread: any.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "etcdclient/client.h"

namespace grpc {
class Channel;
class CompletionQueue;
class Status;
}  // namespace grpc

namespace quorate::etcdclient {

// kInvalidArgument: an endpoint or TLS text that cannot be used.
Result<std::shared_ptr<grpc::Channel>> MakeChannel(const Options& options,
                                                   const std::string& endpoint);

// Shuts the queue down and waits for the calls that are still on it.
void Drain(grpc::CompletionQueue& queue);

// Nobody reads a connection between calls: handles what came meanwhile, above all its end, without
// waiting. A write sent into an ended connection would fail with an unknown outcome.
void NoticeWhatArrived();

enum class Connected {
  kYes,
  kRefused,  // the last try failed; a call now fails at once and says why
  kPending,  // still trying when the time was up
};
Connected AwaitConnection(grpc::Channel& channel, std::chrono::milliseconds timeout);

// REQUIRES: !status.ok(). gRPC's own texts for a passed deadline and a cancelled call become
// etcd's.
Error ToError(const grpc::Status& status);

// False for a failure that gRPC reports without a connection having been there.
bool MayHaveLeft(const Error& error);

}  // namespace quorate::etcdclient
