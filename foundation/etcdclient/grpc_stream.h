// GrpcStream: a Stream over gRPC.
//
// All operations complete through a queue of the stream's own, which its one thread waits on; so
// Next has a timeout and nothing needs a thread of ours. A read under way when Next gives up stays
// under way and is taken by a later Next.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "base/result.h"
#include "etcdclient/client.h"

namespace grpc {
class Channel;
class CompletionQueue;
}  // namespace grpc

namespace quorate::etcdclient {

using Metadata = std::map<std::string, std::string>;

// Starts the call and waits until the server was reached; its refusal may still come by the first
// Next.
Result<std::unique_ptr<Stream>> OpenStream(std::shared_ptr<grpc::Channel> channel,
                                           const Method& method, const Metadata& metadata);

}  // namespace quorate::etcdclient
