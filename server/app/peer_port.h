// PeerPort: the HTTP/1.1 paths of the peer listener: rafthttp under /raft, and what members ask
// each other beside it.
//
// Source: knowledge/etcd.md 6.1.
#pragma once

#include <memory>

#include "api/context.h"
#include "app/guard.h"
#include "net/http_server.h"
#include "peer/transport.h"

namespace quorate::app {

// The handler borrows them all.
net::HttpServer::Handler MakePeerHandler(const api::Context& context, peer::Transport& transport,
                                         Guard& guard);

}  // namespace quorate::app
