// Wiring: every part of the operator, connected; the same for the program and for the simulator.
//
// What differs comes in: the API server's Http, the clock, the disk, chance, and how members of an
// etcd cluster are reached.
//
// Ownership: owns all parts; borrows what it is given.
// Thread: made and destroyed in one thread; manager() says the rest.
#pragma once

#include <memory>
#include <string>

#include "config/options.h"
#include "io/clock.h"
#include "io/disk.h"
#include "io/random.h"
#include "kube/http.h"
#include "observe/observer.h"
#include "runtime/health.h"
#include "runtime/manager.h"

namespace quorate::app {

struct WiringOptions {
  config::Options options;
  std::string identity;         // of this process, as holder of the lease
  std::string lease_namespace;  // where the lease is
  observe::Connector connect;
  bool members_by_pod_ip = true;
};

class Wiring {
 public:
  Wiring(kube::Http& http, io::Clock& clock, io::Disk& disk, io::Random& random,
         WiringOptions options);
  ~Wiring();
  Wiring(const Wiring&) = delete;
  Wiring& operator=(const Wiring&) = delete;

  runtime::Manager& manager();
  runtime::Metrics& metrics();
  const runtime::Health& health() const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace quorate::app
