// StreamWriter: this member's side of a stream that a peer has opened: the endless answer on which
// it is sent messages.
//
// A peer that opens the stream again replaces the old one. What the socket does not take is
// bounded: beyond the limit messages are dropped, and raft repairs.
//
// Thread: the peer loop.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "net/event_loop.h"
#include "net/http_server.h"
#include "peer/frames.h"
#include "peer/options.h"

namespace quorate::peer {

class StreamWriter {
 public:
  StreamWriter(net::EventLoop& loop, StreamKind kind, std::chrono::nanoseconds heartbeat);
  ~StreamWriter();

  void Attach(std::shared_ptr<net::HttpExchange> exchange, net::Headers headers);
  void Close();
  bool attached() const { return exchange_ != nullptr; }

  // False: not attached, or too much is unsent; the message was not taken.
  bool Write(const raft::Message& message);
  // Sends what was written since the last flush as one piece.
  void Flush();

 private:
  void Beat();

  const StreamKind kind_;
  const std::chrono::nanoseconds heartbeat_;
  net::Timer timer_;
  std::shared_ptr<net::HttpExchange> exchange_;
  std::unique_ptr<FrameEncoder> encoder_;
  std::string buffer_;
  bool wrote_ = false;               // since the last beat
  std::shared_ptr<int> generation_;  // tells a closed stream's late cancel from the present one's
};

}  // namespace quorate::peer
