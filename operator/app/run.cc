#include "app/run.h"

#include <pthread.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <csignal>
#include <ctime>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "app/http_endpoint.h"
#include "app/process_facts.h"
#include "app/wiring.h"
#include "base/bytes.h"
#include "base/log.h"
#include "io/real_clock.h"
#include "io/real_disk.h"
#include "io/real_random.h"
#include "kube/config.h"
#include "kube/rest_client.h"

namespace quorate::app {
namespace {

constexpr int kExitCannotWork = 1;
constexpr int kExitLostLease = 3;

// SIGTERM and SIGINT are waited for, never delivered: every thread that starts later inherits this.
sigset_t BlockSignals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  return set;
}

// True when a signal came; false when `done` became true first.
bool AwaitSignal(const sigset_t& set, const std::atomic<bool>& done) {
  const timespec patience{0, 200'000'000};
  while (!done) {
    if (sigtimedwait(&set, nullptr, &patience) > 0) return true;
  }
  return false;
}

bool ConfigureLog(const config::Options& options) {
  log::Options log_options;
  log_options.format = options.log_format == "console" ? log::Format::kConsole : log::Format::kJson;
  return log::ParseLevel(options.log_level, &log_options.level) && log::Configure(log_options);
}

std::string HostName() {
  std::array<char, 256> name{};
  return gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "quorate-operator";
}

int CannotWork(const Error& error) {
  log::Error("the operator cannot work", {{"error", error.message}});
  return kExitCannotWork;
}

// The ports that answer probes and metrics; both may be one.
struct Endpoints {
  std::unique_ptr<HttpEndpoint> health;
  std::unique_ptr<HttpEndpoint> metrics;
};

Result<Endpoints> StartEndpoints(const config::Options& options, net::EventLoop& loop,
                                 const runtime::Health& health) {
  Endpoints out;
  const auto start = [&](const std::string& address,
                         const char* what) -> Result<std::unique_ptr<HttpEndpoint>> {
    if (address.empty() || address == "0") return std::unique_ptr<HttpEndpoint>();
    auto endpoint = HttpEndpoint::Start(loop, address, health);
    if (!endpoint.ok()) return Annotate(endpoint.error(), what);
    log::Info("serving", {{"what", what}, {"address", (*endpoint)->address()}});
    return std::move(endpoint).value();
  };
  out.health = TRY(start(options.health_probe_bind_address, "health probes"));
  if (options.metrics_bind_address != options.health_probe_bind_address) {
    out.metrics = TRY(start(options.metrics_bind_address, "metrics"));
  }
  return out;
}

}  // namespace

int RunOperator(const config::Options& options) {
  const sigset_t signals = BlockSignals();
  if (!ConfigureLog(options)) return kExitCannotWork;
  io::RealClock clock;
  io::RealDisk disk;
  io::RealRandom random;
  const auto connection =
      kube::LoadConfig(disk, kube::ProcessEnvironment(), options.kubeconfig, options.context);
  if (!connection.ok()) return CannotWork(connection.error());
  const auto http = kube::RestClient::Create(*connection, clock, disk);
  if (!http.ok()) return CannotWork(http.error());

  WiringOptions wiring_options;
  wiring_options.options = options;
  if (wiring_options.options.pod_name.empty()) wiring_options.options.pod_name = HostName();
  wiring_options.identity =
      wiring_options.options.pod_name + "_" + ToHex(random.Next()).substr(0, 8);
  wiring_options.lease_namespace = !options.leader_elect_namespace.empty()
                                       ? options.leader_elect_namespace
                                   : !options.pod_namespace.empty() ? options.pod_namespace
                                                                    : connection->ns;
  wiring_options.connect = [](std::vector<std::string> endpoints) {
    etcdclient::Options client;
    client.endpoints = std::move(endpoints);
    return etcdclient::MakeClient(std::move(client));
  };
  Wiring wiring(**http, clock, disk, random, std::move(wiring_options));
  wiring.metrics().AboutProgram(QUORATE_VERSION, ReadProcessFacts);

  net::EventLoop loop("http");
  loop.Start();
  auto endpoints = StartEndpoints(options, loop, wiring.health());
  if (!endpoints.ok()) return CannotWork(endpoints.error());
  log::Info("quorate-operator starts", {{"server", connection->server},
                                        {"inCluster", connection->in_cluster},
                                        {"leaderElection", options.leader_elect}});
  std::atomic<bool> done{false};
  Status ended;
  std::thread runner([&] {
    ended = wiring.manager().Run();
    done = true;
  });
  if (AwaitSignal(signals, done)) {
    log::Info("stopping: a signal came");
    wiring.manager().Stop();
  }
  runner.join();
  if (ended.ok()) return 0;
  log::Error("the operator ends", {{"error", ended.error().message}});
  return kExitLostLease;
}

}  // namespace quorate::app
