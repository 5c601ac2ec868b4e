// Manager: runs informers, leader election and controllers together.
//
// Run() gives each reflector a thread and each controller its workers, and returns when it was
// stopped or the lease was lost. Pump() does the same work in the caller's thread until nothing is
// left to do: the way tests and the simulator drive the operator.
//
// Informers run on every replica, so that a standby is ready; controllers only while leading.
//
// Ownership: borrows everything it is made of; owns reflectors and controllers.
// Thread: Add* and Watch before Run or Pump; Stop() from any thread.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/mutex.h"
#include "runtime/controller.h"
#include "runtime/health.h"
#include "runtime/leader.h"
#include "runtime/reflector.h"

namespace quorate::runtime {

class Manager {
 public:
  struct Options {
    std::vector<std::string> namespaces;  // watched; empty: all
    int workers = 4;                      // a controller
    std::chrono::seconds drain_max{30};   // how long a stop waits for running reconciles
  };
  // Which objects of a controller a change concerns.
  using Map = std::function<std::vector<kube::ObjectRef>(const kube::Json& object)>;

  // election: nullptr when this process always leads.
  Manager(kube::Client& client, io::Clock& clock, io::Random& random, Metrics& metrics,
          LeaderElection* election, Options options);
  ~Manager();
  Manager(const Manager&) = delete;
  Manager& operator=(const Manager&) = delete;

  Controller& AddController(std::string name, Reconciler& reconciler);
  // Every change of the kind queues what `map` names. The first call for a kind makes its informer;
  // later ones must have the same selector.
  void Watch(const kube::Resource& resource, const std::string& label_selector,
             Controller& controller, Map map);

  Caches& caches() { return caches_; }
  void AddChecks(Health& health);

  // Ok after Stop(); kFailedPrecondition when the lease was lost: exit then.
  Status Run();
  void Stop();

  // Everything there is to do now, in this thread. False when it gave up after `rounds_max`.
  bool Pump(int rounds_max = 10'000);
  bool synced() const;

 private:
  struct Source;

  void RunReflector(Reflector& reflector);
  void RunWorker(Controller& controller);
  bool Lead();
  bool WaitForTurn(std::chrono::milliseconds patience);

  kube::Client& client_;
  io::Clock& clock_;
  io::Random& random_;
  Metrics& metrics_;
  LeaderElection* const election_;
  const Options options_;
  Caches caches_;
  std::vector<std::unique_ptr<Source>> sources_;
  std::vector<std::unique_ptr<Controller>> controllers_;
  Mutex mutex_;
  Condition stopping_;
  bool stopped_ QUORATE_GUARDED_BY(mutex_) = false;
};

}  // namespace quorate::runtime
