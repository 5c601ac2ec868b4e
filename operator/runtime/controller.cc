#include "runtime/controller.h"

#include <utility>

#include "base/log.h"
#include "kube/api_error.h"

namespace quorate::runtime {

Controller::Controller(std::string name, Reconciler& reconciler, io::Clock& clock, Metrics& metrics,
                       WorkQueue::Options queue)
    : name_(std::move(name)),
      reconciler_(reconciler),
      clock_(clock),
      metrics_(metrics),
      queue_(clock, queue) {}

bool Controller::ProcessOne(std::chrono::milliseconds patience) {
  const auto ref = queue_.Take(patience);
  if (!ref) return false;
  metrics_.QueueWait(name_, queue_.last_wait());
  const auto began = clock_.Now();
  const auto result = reconciler_.Reconcile(*ref);
  const auto took = clock_.Now() - began;
  if (!result.ok()) {
    // A conflict is somebody else's write: ordinary, and the retry sees it.
    if (kube::IsConflict(result.error())) {
      log::Debug("conflict, trying again", {{"controller", name_}, {"object", ToString(*ref)}});
    } else {
      log::Warn(
          "reconcile failed, trying again",
          {{"controller", name_}, {"object", ToString(*ref)}, {"error", result.error().message}});
    }
    queue_.AddAfterFailure(*ref);
    metrics_.ReconcileDone(name_, kube::IsConflict(result.error()) ? "requeue" : "error", took);
  } else {
    queue_.Forget(*ref);
    if (result->after) queue_.AddAfter(*ref, *result->after);
    metrics_.ReconcileDone(name_, result->after ? "requeue_after" : "success", took);
  }
  queue_.Done(*ref);
  metrics_.QueueState(name_, queue_.counts());
  return true;
}

}  // namespace quorate::runtime
