// Handles: what handlers hold of an HTTP/2 stream: UnaryCall, Stream and HttpExchange over an
// H2Stream.
//
// The last handle to go without an answer answers for its handler.
//
// Thread: as call.h and net/http_server.h say.
#pragma once

#include <memory>

#include "net/http_server.h"
#include "rpc/call.h"
#include "rpc/h2_stream.h"

namespace quorate::rpc {

std::shared_ptr<UnaryCall> MakeUnaryHandle(std::shared_ptr<H2Stream> stream);
std::shared_ptr<Stream> MakeStreamHandle(std::shared_ptr<H2Stream> stream);
std::shared_ptr<net::HttpExchange> MakeHttpHandle(std::shared_ptr<H2Stream> stream);

}  // namespace quorate::rpc
