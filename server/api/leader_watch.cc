#include "api/leader_watch.h"

#include <utility>

#include "api/errors.h"

namespace quorate::api {

void LeaderWatch::Register(const std::shared_ptr<rpc::Stream>& stream) {
  if (stream->metadata("hasleader") != "true") return;
  MutexLock lock(mutex_);
  std::erase_if(streams_, [](const auto& weak) { return weak.expired(); });
  streams_.push_back(stream);
}

void LeaderWatch::Poll() {
  std::vector<std::weak_ptr<rpc::Stream>> ended;
  {
    MutexLock lock(mutex_);
    if (context_.node->leader() != MemberId{}) {
      polls_without_leader_ = 0;
      return;
    }
    if (++polls_without_leader_ < kPollsWithoutLeaderMax) return;
    ended.swap(streams_);
  }
  for (const auto& weak : ended) {
    if (const auto stream = weak.lock()) stream->Finish(errors::NoLeader());
  }
}

}  // namespace quorate::api
