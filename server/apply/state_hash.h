// StateHash: what the applied entries did, as one number for each thousand of them.
//
// Every entry is folded in with its index, term and the history rows that it wrote. Members that
// apply the same log hold the same number for the same window, [k * 1000 + 1, (k + 1) * 1000]; one
// that does not has diverged there. Each window begins anew, so that a member that restarted or
// took a snapshot in the middle of one knows the next: nothing is stored, and nothing travels in
// snapshots. History rows alone are folded: their bytes are etcd's and do not differ between
// versions or settings.
//
// Invariants: a window whose entries were not all folded here has no number.
// Thread: the raft+apply loop.
// Source: knowledge/reliability.md 4.11.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>

#include "base/ids.h"
#include "storage/batch.h"

namespace quorate::apply {

class StateHash {
 public:
  static constexpr std::uint64_t kWindow = 1000;  // entries
  static constexpr std::size_t kKept = 64;        // windows

  struct Window {
    LogIndex end;  // its last entry
    std::uint64_t hash = 0;
  };

  // The entry's effects are the batch's operations from `first_op` on. Entries come in order.
  void Fold(LogIndex index, Term term, const storage::Batch& batch, std::size_t first_op);

  const std::deque<Window>& windows() const { return windows_; }  // ascending

 private:
  void Mix(std::uint64_t value);

  LogIndex next_;       // the entry that must come next for the window to be whole
  bool whole_ = false;  // every entry of the present window was folded
  std::uint64_t running_ = 0;
  std::deque<Window> windows_;
};

}  // namespace quorate::apply
