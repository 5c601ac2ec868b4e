#include "app/wiring.h"

#include <utility>

#include "act/actor.h"
#include "app/live_world.h"
#include "controllers/register.h"
#include "kube/client.h"
#include "runtime/events.h"
#include "runtime/leader.h"
#include "runtime/metrics.h"

namespace quorate::app {
namespace {

// Renewing must fail well before the renew deadline, so that there is time for another attempt.
constexpr std::chrono::milliseconds kLeaseQuietMax{4'000};

runtime::LeaderElection::Options ElectionOptions(const WiringOptions& wiring) {
  runtime::LeaderElection::Options out;
  out.ns = wiring.lease_namespace;
  out.name = wiring.options.leader_elect_name;
  out.identity = wiring.identity;
  out.lease_duration =
      std::chrono::duration_cast<std::chrono::seconds>(wiring.options.leader_elect_lease_duration);
  out.renew_deadline = wiring.options.leader_elect_renew_deadline;
  out.retry = wiring.options.leader_elect_retry_period;
  return out;
}

kube::Client::Options LeaseClientOptions() {
  kube::Client::Options out;
  out.request_quiet_max = kLeaseQuietMax;
  return out;
}

}  // namespace

// In the order of construction: each borrows from those above it.
struct Wiring::Parts {
  Parts(kube::Http& http, io::Clock& clock, io::Disk& disk, io::Random& random,
        WiringOptions wiring);

  kube::Client::Options ClientOptions();

  runtime::Metrics metrics;
  kube::Client lease_client;
  std::unique_ptr<runtime::LeaderElection> election;  // nullptr: always leads
  kube::Client client;
  runtime::EventRecorder events;
  runtime::Manager manager;
  observe::Observer observer;
  act::Actor actor;
  LiveWorld world;
  controllers::ClusterController cluster;
  controllers::BackupController backup;
  controllers::ScheduleController schedule;
  controllers::StoreController store;
  runtime::Health health;
};

Wiring::Parts::Parts(kube::Http& http, io::Clock& clock, io::Disk& disk, io::Random& random,
                     WiringOptions wiring)
    : lease_client(http, clock, LeaseClientOptions()),
      election(wiring.options.leader_elect
                   ? std::make_unique<runtime::LeaderElection>(lease_client, clock, random,
                                                               ElectionOptions(wiring))
                   : nullptr),
      client(http, clock, ClientOptions()),
      events(client, clock, {.instance = wiring.options.pod_name}),
      manager(client, clock, random, metrics, election.get(),
              {.namespaces = wiring.options.namespaces, .workers = wiring.options.workers}),
      observer(wiring.connect, random, {.by_pod_ip = wiring.members_by_pod_ip}),
      actor(client, wiring.connect, clock, {}),
      world(observer, actor),
      cluster(client, manager.caches(), world, clock, events, metrics,
              {.default_repository = wiring.options.server_image_repository,
               .poll_period = wiring.options.poll_period}),
      backup(client, manager.caches(), clock, events, wiring.options.server_image_repository),
      schedule(client, manager.caches(), clock, disk, events),
      store(client, manager.caches(), clock, events),
      health(metrics) {
  controllers::Register(manager, {cluster, backup, schedule, store});
  manager.AddChecks(health);
}

kube::Client::Options Wiring::Parts::ClientOptions() {
  kube::Client::Options out;
  if (election) out.may_write = [raw = election.get()] { return raw->leading(); };
  out.on_answer = [this](std::string_view method, int status) {
    metrics.RestRequest(method, status);
  };
  return out;
}

Wiring::Wiring(kube::Http& http, io::Clock& clock, io::Disk& disk, io::Random& random,
               WiringOptions options)
    : parts_(std::make_unique<Parts>(http, clock, disk, random, std::move(options))) {}

Wiring::~Wiring() = default;

runtime::Manager& Wiring::manager() {
  return parts_->manager;
}
runtime::Metrics& Wiring::metrics() {
  return parts_->metrics;
}
const runtime::Health& Wiring::health() const {
  return parts_->health;
}

}  // namespace quorate::app
