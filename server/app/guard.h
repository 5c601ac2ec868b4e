// Guard: what a member does so that neither an old directory nor a diverged state goes unnoticed.
//
//   Greet             at the start: is this directory as new as the others remember? (greeting.h)
//   StateCheck        each thousand entries: did they do the same everywhere? (state_check.h)
//   CorruptionCheck   HashKV: is the history the same everywhere? (corruption_check.h)
//
// Its paths on the peer port are ours alone; a real etcd answers them with 404, which counts as
// unknown, and never asks them:
//
//   POST /quorate/hello     {"member","incarnation","nonce","last","term"} -> what is known of it
//   POST /quorate/state     {"from","acknowledged":{id:{"index","term"}}}
//                           -> {"applied","windows":{index:hash}}
//   POST /quorate/verdict   {"kind","at","hash","majority"} -> 200: that is so, and it stops
//
// Numbers are JSON numbers, ids and hashes hex texts.
//
// Ownership: borrows everything but its checks. Thread: Greet blocks, before Start; Start and Stop
// on the peer loop; Serve on the connection's loop.
#pragma once

#include <memory>
#include <optional>

#include "app/background.h"
#include "app/condemnation.h"
#include "app/corruption_check.h"
#include "app/greeting.h"
#include "app/state_check.h"
#include "io/random.h"
#include "net/http_server.h"

namespace quorate::app {

class Guard {
 public:
  struct Parts {
    net::EventLoop* loop;
    PeerClient* peers;
    const api::Context* context;
    Recollection* recollection;
    Background* background;
    api::Counters* counters;
    std::function<void(Ending)> end;
  };
  Guard(const Parts& parts, const CorruptionCheckOptions& options);

  // Begins a life and asks the others, at most for `patience`. Set: the member must not start.
  std::optional<Ending> Begin(std::uint64_t nonce,
                              const std::map<MemberId, std::vector<std::string>>& others,
                              std::chrono::nanoseconds patience);

  void Start();
  void Stop();
  // Paths under /quorate/.
  void Serve(const std::shared_ptr<net::HttpExchange>& exchange);

 private:
  void Answer(const std::string& path, const std::string& body,
              std::function<void(Result<std::string>)> done);

  const Parts parts_;
  Condemnation condemnation_;
  StateCheck state_check_;
  CorruptionCheck corruption_check_;
};

}  // namespace quorate::app
