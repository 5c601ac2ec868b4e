// AnswerBudget: the large answers that clients have not taken yet, those of all connections
// together.
//
// One answer always fits when there is no other. What does not fit is refused, and from then on
// clients that leave theirs unread are no longer waited for.
//
// Thread: any.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace quorate::rpc {

class AnswerBudget {
 public:
  // One answer's part of it; given back at its end.
  class Share {
   public:
    Share() = default;
    Share(Share&& other) noexcept { *this = std::move(other); }
    Share& operator=(Share&& other) noexcept {
      std::swap(budget_, other.budget_);
      std::swap(bytes_, other.bytes_);
      return *this;
    }
    ~Share() {
      if (budget_ != nullptr) budget_->taken_ -= bytes_;
    }

   private:
    friend class AnswerBudget;
    AnswerBudget* budget_ = nullptr;
    std::size_t bytes_ = 0;
  };

  explicit AnswerBudget(std::size_t most) : most_(most) {}

  // False: it does not fit.
  bool Take(std::size_t bytes, Share& share) {
    const std::size_t before = taken_.fetch_add(bytes);
    if (before != 0 && before + bytes > most_) {
      taken_ -= bytes;
      ++refusals_;
      return false;
    }
    Share taken;
    taken.budget_ = this;
    taken.bytes_ = bytes;
    share = std::move(taken);
    return true;
  }
  std::uint64_t refusals() const { return refusals_.load(std::memory_order_relaxed); }

 private:
  const std::size_t most_;
  std::atomic<std::size_t> taken_{0};
  std::atomic<std::uint64_t> refusals_{0};
};

}  // namespace quorate::rpc
