// LeaderWatch: ends the streams of callers that asked for a leader (metadata `hasleader`) when
// there is none for long.
//
// Thread: any.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "api/context.h"
#include "base/mutex.h"
#include "rpc/call.h"

namespace quorate::api {

class LeaderWatch {
 public:
  explicit LeaderWatch(const Context& context) : context_(context) {}

  // Remembers the stream when its caller asked for a leader. `end` has to finish it with
  // errors::NoLeader(): only its owner knows what else ends with it. It must not keep it alive.
  void Register(const std::shared_ptr<rpc::Stream>& stream, std::function<void()> end);

  // Call once each election timeout: after three without a leader the streams end with "etcdserver:
  // no leader".
  void Poll();

 private:
  static constexpr int kPollsWithoutLeaderMax = 3;

  struct Watched {
    std::weak_ptr<rpc::Stream> stream;
    std::function<void()> end;
  };

  const Context& context_;
  Mutex mutex_;
  int polls_without_leader_ QUORATE_GUARDED_BY(mutex_) = 0;
  std::vector<Watched> streams_ QUORATE_GUARDED_BY(mutex_);
};

}  // namespace quorate::api
