// StreamReader: opens a peer's stream, hands on what comes, and opens it again whenever it ends.
//
// The peer's URLs are tried in turn, each name resolved anew; at once after a stream that stood for
// a while has ended, since the answer tells whether the peer is still there. A stream that is
// silent for the read timeout is dropped: a living peer sends heartbeats.
//
// Thread: the peer loop.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "net/event_loop.h"
#include "net/http_client.h"
#include "peer/frames.h"
#include "peer/options.h"

namespace quorate::peer {

class StreamReader {
 public:
  enum class Change {
    kConnected,
    kEnded,
    kNobodyThere,  // after it ended, the next attempt found nobody
  };

  StreamReader(net::EventLoop& loop, net::HttpClient& client, const Options& options,
               StreamKind kind, MemberId peer, Events& events,
               std::function<void(Change)> connection_changed);
  ~StreamReader();

  // Starts, or goes on with other URLs.
  void Start(std::vector<std::string> urls);
  bool connected() const { return connected_; }

 private:
  void Dial();
  void OnHead(const net::HttpResponse& head);
  void OnData(std::string_view bytes);
  void OnEnd(const Status& status);
  void Retry(std::chrono::milliseconds delay);

  const Options& options_;
  const StreamKind kind_;
  const MemberId peer_;
  net::HttpClient& client_;
  Events& events_;
  const std::function<void(Change)> connection_changed_;
  net::Timer timer_;
  std::vector<std::string> urls_;
  std::size_t next_url_ = 0;
  std::shared_ptr<net::HttpCall> call_;
  std::shared_ptr<int> generation_;  // of the present call; callbacks of earlier ones are ignored
  std::unique_ptr<FrameDecoder> decoder_;
  std::vector<raft::Message> messages_;
  std::string refusal_;  // body of an answer that is not 200
  int status_ = 0;
  bool connected_ = false;
  bool ended_ = false;  // was connected before this attempt
  std::chrono::steady_clock::time_point connected_at_;
  std::string last_complaint_;  // logged once, not at each attempt
};

}  // namespace quorate::peer
