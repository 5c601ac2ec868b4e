// LaterEnvironment: gives tasks for later to the test.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>

#include "api/context.h"

namespace quorate::api {

class LaterEnvironment final : public Environment {
 public:
  membership::Liveness liveness() const override { return {}; }
  std::int64_t unix_seconds() const override { return 0; }
  SystemFacts facts() const override { return {}; }
  ProcessFacts process() const override { return {}; }
  storage::Sizes sizes() const override { return {}; }
  void AskLeader(std::string, std::string, Answered) override {}
  void StreamSnapshot(std::shared_ptr<SnapshotReceiver>) override {}
  void After(std::chrono::nanoseconds, std::function<void()> task) override {
    later.push_back(std::move(task));
  }

  std::deque<std::function<void()>> later;
};

}  // namespace quorate::api
