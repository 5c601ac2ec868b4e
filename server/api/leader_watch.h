// LeaderWatch: ends the streams of callers that asked for a leader (metadata `hasleader`) when
// there is none for long.
//
// Thread: any.
#pragma once

#include <memory>
#include <vector>

#include "api/context.h"
#include "base/mutex.h"
#include "rpc/call.h"

namespace quorate::api {

class LeaderWatch {
 public:
  explicit LeaderWatch(const Context& context) : context_(context) {}

  // Remembers the stream when its caller asked for a leader.
  void Register(const std::shared_ptr<rpc::Stream>& stream);

  // Call once each election timeout: after three without a leader the streams end with "etcdserver:
  // no leader".
  void Poll();

 private:
  static constexpr int kPollsWithoutLeaderMax = 3;

  const Context& context_;
  Mutex mutex_;
  int polls_without_leader_ QUORATE_GUARDED_BY(mutex_) = 0;
  std::vector<std::weak_ptr<rpc::Stream>> streams_ QUORATE_GUARDED_BY(mutex_);
};

}  // namespace quorate::api
