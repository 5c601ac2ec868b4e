#include "server/node/runner.h"

#include <chrono>

namespace quorate::test {
namespace {

constexpr std::chrono::seconds kPatience{1};

}  // namespace

void Runner::Start() {
  wal_ = std::thread([this] {
    while (driver_.log_writer().RunOnce(kPatience)) {
    }
  });
  loop_ = std::thread([this] {
    while (driver_.Turn(kPatience)) {
    }
  });
}

void Runner::Stop() {
  if (!loop_.joinable()) return;
  driver_.Stop([] {});
  loop_.join();
  driver_.log_writer().Close();
  wal_.join();
}

}  // namespace quorate::test
