#include "base/wake_batch.h"

#include <algorithm>
#include <utility>

namespace quorate {
namespace {

thread_local WakeBatch* open_batch = nullptr;

}  // namespace

WakeBatch::WakeBatch(std::function<void()> on_first)
    : outermost_(open_batch == nullptr), on_first_(std::move(on_first)) {
  if (outermost_) open_batch = this;
}

WakeBatch::~WakeBatch() {
  if (!outermost_) return;
  open_batch = nullptr;
  Flush();
}

void WakeBatch::Flush() {
  waking_.swap(sleepers_);
  for (const auto& sleeper : waking_) sleeper->Wake();
  waking_.clear();
}

void WakeBatch::WakeLater(const std::shared_ptr<Wakeable>& sleeper) {
  WakeBatch* batch = open_batch;
  if (batch == nullptr) {
    sleeper->Wake();
    return;
  }
  auto& sleepers = batch->sleepers_;
  if (std::find(sleepers.begin(), sleepers.end(), sleeper) != sleepers.end()) return;
  sleepers.push_back(sleeper);
  if (sleepers.size() == 1 && batch->on_first_) batch->on_first_();
}

}  // namespace quorate
