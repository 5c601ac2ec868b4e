// Pipeline: many calls at once over a few connections to one member, for load generators.
//
// No failover, no retries, no tokens: what happens to a call is what is reported. A response is
// parsed only if somebody asks for it.
//
// Thread: one; gRPC's own threads do the rest.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>

#include "base/result.h"
#include "etcdclient/client.h"

namespace quorate::etcdclient {

class Pipeline {
 public:
  virtual ~Pipeline() = default;  // waits for the calls under way

  // Sends now; Next reports `tag` when the answer is there. The connection is tag modulo their
  // number. timeout: of this call; 0: none.
  virtual void Start(const Method& method, const google::protobuf::MessageLite& request,
                     std::uint64_t tag, std::chrono::milliseconds timeout = {}) = 0;

  struct Done {
    std::uint64_t tag = 0;
    Status status;
  };
  // nullopt: none within timeout.
  virtual std::optional<Done> Next(std::chrono::microseconds timeout) = 0;

  // The response of the successful call that Next handed out last. False: not of that type.
  virtual bool Parse(google::protobuf::MessageLite& response) = 0;
};

// options.endpoints has one or more members; connections are spread over them. Returns when all are
// connected.
Result<std::unique_ptr<Pipeline>> MakePipeline(const Options& options, int connections);

}  // namespace quorate::etcdclient
