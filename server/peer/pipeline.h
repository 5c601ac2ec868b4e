// Pipeline: messages as single requests, POST /raft, for as long as a peer's streams are not up.
//
// Thread: the peer loop.
#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "net/http_client.h"
#include "peer/options.h"

namespace quorate::peer {

class Pipeline {
 public:
  Pipeline(net::HttpClient& client, const Options& options, MemberId peer, Events& events);

  void SetUrls(std::vector<std::string> urls);
  // False: too many are waiting; the message was not taken.
  bool Post(const raft::Message& message);

 private:
  static constexpr std::size_t kInFlightMax = 4;
  static constexpr std::size_t kWaitingMax = 64;

  struct State;
  static void Pump(const std::shared_ptr<State>& state);
  static void Finish(const std::shared_ptr<State>& state, Result<net::HttpResponse> answer);

  std::shared_ptr<State> state_;
};

}  // namespace quorate::peer
