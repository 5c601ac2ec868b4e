// SnapshotSender: POST /raft/snapshot: a message and the whole database behind it.
//
// The body is read piece by piece on a background thread and handed to the loop, never more than a
// few pieces ahead of the socket.
//
// Thread: Send on the peer loop; done once, on the peer loop or the background thread.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "net/event_loop.h"
#include "net/http_client.h"
#include "peer/options.h"

namespace quorate::peer {

void SendSnapshot(net::EventLoop& loop, net::HttpClient& client, const Options& options,
                  const Background& background, const std::string& url,
                  const raft::Message& message, std::shared_ptr<SnapshotBody> body,
                  std::function<void(bool delivered)> done);

}  // namespace quorate::peer
