// FetchSnapshot: streams one member's whole store to a sink.
//
// The bytes are a bbolt file followed by 32 bytes of SHA-256 over it, as `etcdctl snapshot save`
// writes them: the sink gets all of them, and the digest has been compared when the call returns
// ok.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "etcdclient/client.h"

namespace quorate::etcdclient {

struct SnapshotSummary {
  std::uint64_t bytes = 0;  // with the digest
  std::string version;      // storage version, "3.6.0"; empty from servers before 3.6
  std::string sha256;       // of the bbolt file, 32 raw bytes
};

// remaining: bytes still to come, as the server says. An Error from the sink ends the stream and is
// returned.
using SnapshotSink = std::function<Status(std::string_view chunk, std::uint64_t remaining)>;

// No timeout unless options names one for the connecting. kDataLoss: the stream ended early or its
// digest is wrong.
Result<SnapshotSummary> FetchSnapshot(Client& client, const std::string& endpoint,
                                      const SnapshotSink& sink, CallOptions options = {});

}  // namespace quorate::etcdclient
