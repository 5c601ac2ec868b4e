// WaitingChanges: configuration changes that reached the leader while another was not applied yet.
//
// Changes are made one at a time. A member may apply one and answer its client before the leader
// has applied it, so the client's next change can be early; it waits here instead of being ignored.
// Not for long: who proposed it gives up, and must not be surprised by it later, as when a lost
// majority returns.
//
// Source: knowledge/reliability.md 2 (points 35-40).
#pragma once

#include <cstddef>
#include <deque>
#include <string>

#include "raft/types.h"

namespace quorate::raft {

class WaitingChanges {
 public:
  static constexpr std::size_t kMax = 16;

  // False: too many wait.
  bool Add(Entry change);
  bool empty() const { return changes_.empty(); }
  Entry& first() { return changes_.front().entry; }  // REQUIRES: !empty()
  void RemoveFirst() { changes_.pop_front(); }
  // Once in each election timeout. How many had waited for a whole one and are forgotten.
  std::size_t Age();
  void AppendState(std::string& out) const;  // see Core::AppendState

 private:
  struct Change {
    Entry entry;
    bool old = false;  // has been through an Age
  };
  std::deque<Change> changes_;
};

}  // namespace quorate::raft
