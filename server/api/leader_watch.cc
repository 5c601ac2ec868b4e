#include "api/leader_watch.h"

#include <utility>

namespace quorate::api {

void LeaderWatch::Register(const std::shared_ptr<rpc::Stream>& stream, std::function<void()> end) {
  if (stream->metadata("hasleader") != "true") return;
  MutexLock lock(mutex_);
  std::erase_if(streams_, [](const Watched& watched) { return watched.stream.expired(); });
  streams_.push_back({stream, std::move(end)});
}

void LeaderWatch::Poll() {
  std::vector<Watched> ended;
  {
    MutexLock lock(mutex_);
    if (context_.node->leader() != MemberId{}) {
      polls_without_leader_ = 0;
      return;
    }
    if (++polls_without_leader_ < kPollsWithoutLeaderMax) return;
    ended.swap(streams_);
  }
  for (const Watched& watched : ended) watched.end();
}

}  // namespace quorate::api
