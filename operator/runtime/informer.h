// Informer: keeps a copy of a collection true, by list and watch. A pure state machine.
//
// It says what to do next (list a page, watch from a version, wait) and is told what came of it;
// out come changes. A list that was needed again is compared with what was known, so that deletions
// missed meanwhile are told too. A watch that ends goes on from its last version; a version that is
// too old (410) means listing again; a server that is gone is asked again after a wait.
//
// Invariants: changes applied in order to an empty store give the collection; no object is told
//   twice in the same version; synced() never goes back to false.
// Thread: one at a time (its reflector).
// Source: client-go's reflector, kube-rs' watcher (behaviour).
#pragma once

#include <map>
#include <string>
#include <vector>

#include "io/clock.h"
#include "io/random.h"
#include "kube/client.h"
#include "runtime/backoff.h"

namespace quorate::runtime {

// One change of a collection. Added: no before. Deleted: no after.
struct Change {
  kube::ObjectPtr before;
  kube::ObjectPtr after;

  const kube::Json& object() const { return after ? *after : *before; }
};

class Informer {
 public:
  struct Options {
    kube::Resource resource;
    std::string ns;  // "": all namespaces
    std::string label_selector;
    std::chrono::minutes relist_after{480};  // insurance against watches that miss something
    std::chrono::seconds watch_timeout_min{300};
    std::chrono::seconds watch_timeout_max{600};
  };

  Informer(Options options, io::Random& random);

  const Options& options() const { return options_; }

  struct Next {
    enum class What { kList, kWatch, kWait };
    What what = What::kList;
    kube::ListOptions list;           // kList
    kube::WatchOptions watch;         // kWatch
    io::Clock::Instant not_before{};  // kWait
  };
  // What to do now. kWatch as long as a watch should be open.
  Next next(io::Clock::Instant now);

  void OnPage(kube::ObjectPage page, io::Clock::Instant now);
  void OnListFailed(const Error& error, io::Clock::Instant now);
  // kAdded, kModified, kDeleted, kBookmark.
  void OnEvent(kube::WatchEvent event);
  void OnWatchEnded(io::Clock::Instant now);
  void OnWatchFailed(const Error& error, io::Clock::Instant now);

  // What changed since the last call, oldest first.
  std::vector<Change> TakeChanges();

  bool synced() const { return synced_; }
  // The last failure, for the log and readiness; empty after a success.
  const std::string& trouble() const { return trouble_; }

 private:
  using Objects = std::map<kube::ObjectRef, kube::ObjectPtr>;

  void Upsert(Objects& into, kube::Json object);
  void Tell(kube::ObjectPtr before, kube::ObjectPtr after);
  void ReplaceAll();

  const Options options_;
  io::Random& random_;
  Objects known_;
  Objects listing_;             // pages so far
  std::string continue_token_;  // of the listing
  std::string version_;         // where the watch goes on; "": list first
  io::Clock::Instant listed_at_{};
  io::Clock::Instant not_before_{};
  Backoff backoff_;
  std::vector<Change> changes_;
  bool synced_ = false;
  std::string trouble_;
};

}  // namespace quorate::runtime
