// Clients: the people of a chaos run: they write unique values, read, compare and swap, watch and
// hold leases, each in a thread of its own, and write down everything for the checkers.
//
// Every call goes to one member by its endpoint, so that it is known who answered; a client whose
// call failed turns to the next member. Only an error that proves it is a refusal.
//
// Thread: one each; Stop() and Take() from the owner.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "chaos/cluster.h"
#include "check/history.h"

namespace quorate::chaos {

check::Instant Now();

// When somebody could write.
class Availability {
 public:
  void Wrote(check::Instant at);
  check::Instant last();       // 0: nobody wrote yet
  check::Instant worst_gap();  // the longest time between two writes

 private:
  std::mutex mutex_;
  check::Instant last_ = 0;  // 0: none yet
  check::Instant worst_ = 0;
};

struct Load {
  int writers = 6;
  int watchers = 3;
  int lease_holders = 2;
  int pause_ms = 4;  // of a writer between two calls
  std::uint64_t seed = 1;
};

class Clients {
 public:
  Clients(const Cluster& cluster, const Load& load);
  ~Clients();

  // Nothing is wrong from now on, and nothing will be; the time. A watch that is silent then is a
  // finding.
  check::Instant NoteCalm();
  std::vector<std::string> findings();
  // Leases that were granted and that nobody has seen the end of. REQUIRES: writers have ended.
  std::vector<std::int64_t> OpenLeases();
  // Writers and lease holders end.
  void StopWriting();
  // Watchers end when each has everything until `revision`, or after a while.
  void StopWatching(std::int64_t revision);
  // Everything that was seen. REQUIRES: both stopped.
  check::History Take();

  std::uint64_t calls() const { return calls_; }
  Availability& availability() { return availability_; }
  // A call of somebody else, to be written down as well.
  void Note(check::Operation operation);

 private:
  void NoteSilence(const std::string& watch);

  class Person;
  class Writer;
  class Watcher;
  class LeaseHolder;

  const Cluster& cluster_;
  const Load load_;
  std::atomic<bool> stop_writing_ = false;
  std::atomic<std::int64_t> watch_until_ = 0;  // 0: go on
  std::atomic<check::Instant> watch_deadline_ = 0;
  std::atomic<check::Instant> calm_since_ = 0;  // 0: not yet
  std::atomic<std::uint64_t> calls_ = 0;
  Availability availability_;
  std::mutex mutex_;
  check::History history_;
  std::vector<std::string> findings_;
  std::vector<std::thread> writers_, watchers_;
};

// One call, timed and judged: what belongs into a history.
check::Operation CallAndNote(etcdclient::Client& client, const Cluster& cluster, int slot,
                             check::Request request, std::chrono::milliseconds timeout);

}  // namespace quorate::chaos
