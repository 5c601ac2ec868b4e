// Controller: takes objects from a queue and has them reconciled, one at a time each.
//
// A Reconciler looks at the world and moves it one step towards what is asked; it is told which
// object, never what happened. It must be able to stop anywhere and start again.
//
// Thread: ProcessOne() from any number of workers; a Reconciler is called by several at once, but
//   never for the same object.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "base/result.h"
#include "runtime/metrics.h"
#include "runtime/work_queue.h"

namespace quorate::runtime {

struct Requeue {
  std::optional<std::chrono::milliseconds> after;  // absent: when something changes
};

class Reconciler {
 public:
  virtual ~Reconciler() = default;

  // An Error means: try again soon, later each time.
  virtual Result<Requeue> Reconcile(const kube::ObjectRef& ref) = 0;
};

class Controller {
 public:
  Controller(std::string name, Reconciler& reconciler, io::Clock& clock, Metrics& metrics,
             WorkQueue::Options queue = {});

  const std::string& name() const { return name_; }
  WorkQueue& queue() { return queue_; }

  // Reconciles the next object, waiting for one at most `patience`. False when there was none.
  bool ProcessOne(std::chrono::milliseconds patience);

 private:
  const std::string name_;
  Reconciler& reconciler_;
  io::Clock& clock_;
  Metrics& metrics_;
  WorkQueue queue_;
};

}  // namespace quorate::runtime
