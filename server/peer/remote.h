// Remote: one other member, as seen from here: two streams each way, and single requests while they
// are down.
//
// Thread: the peer loop, but for connected_since().
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "io/clock.h"
#include "peer/pipeline.h"
#include "peer/stream_reader.h"
#include "peer/stream_writer.h"

namespace quorate::peer {

class Remote {
 public:
  Remote(net::EventLoop& loop, net::HttpClient& client, const io::Clock& clock,
         const Options& options, MemberId id, Events& events);

  void SetUrls(const std::vector<std::string>& urls);
  // One of the URLs, another at each call after a failure.
  const std::vector<std::string>& urls() const { return urls_; }

  // False: the message could not be handed to anything; raft should know.
  bool Send(const raft::Message& message);
  void Flush();
  void Attach(StreamKind kind, std::shared_ptr<net::HttpExchange> exchange, net::Headers headers);

  // Since when it has been reachable without interruption. Any thread.
  std::optional<io::Clock::Instant> connected_since() const;

 private:
  void ConnectionChanged(StreamReader::Change change);

  const io::Clock& clock_;
  const MemberId id_;
  Events& events_;
  std::vector<std::string> urls_;
  StreamWriter append_writer_;
  StreamWriter message_writer_;
  Pipeline pipeline_;
  std::atomic<std::int64_t> since_{0};  // nanoseconds of the clock; 0: not connected
  StreamReader append_reader_;
  StreamReader message_reader_;
};

}  // namespace quorate::peer
