// Reflector: does what an Informer asks, and keeps its Store.
//
// Ownership: borrows client, clock, random and store. Owns the watch that is open.
// Thread: Step() from one thread (its own in the program, the test's in a test); Stop(), synced()
//   and trouble() from any.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "base/mutex.h"
#include "kube/client.h"
#include "runtime/informer.h"
#include "runtime/store.h"

namespace quorate::runtime {

class Reflector {
 public:
  using OnChange = std::function<void(const Change&)>;

  Reflector(kube::Client& client, io::Clock& clock, io::Random& random, Informer::Options options,
            Store& store, OnChange on_change);

  // One piece of work: a page, an event, or a wait of at most `patience`. True when something
  // happened, so that a test can go on until nothing does.
  bool Step(std::chrono::milliseconds patience);
  // A Step() that waits returns at once; later ones do nothing.
  void Stop();

  bool synced() const { return synced_; }
  std::string trouble() const;
  const kube::Resource& resource() const { return informer_.options().resource; }

 private:
  bool StepList(const kube::ListOptions& options);
  bool StepWatch(const kube::WatchOptions& options, std::chrono::milliseconds patience);
  bool Wait(std::chrono::milliseconds patience);
  void Publish();
  void Note(const Error& error);

  kube::Client& client_;
  io::Clock& clock_;
  Informer informer_;
  Store& store_;
  const OnChange on_change_;
  std::atomic<bool> synced_{false};
  mutable Mutex mutex_;
  Condition stopping_;
  bool stopped_ QUORATE_GUARDED_BY(mutex_) = false;
  std::string trouble_ QUORATE_GUARDED_BY(mutex_);
  std::shared_ptr<kube::WatchStream> watch_ QUORATE_GUARDED_BY(mutex_);
};

}  // namespace quorate::runtime
