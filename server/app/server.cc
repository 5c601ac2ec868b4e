#include "app/server.h"

#include <sys/eventfd.h>
#include <sys/poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <thread>
#include <utility>

#include "api/auth_service.h"
#include "api/cluster_service.h"
#include "api/health.h"
#include "api/info.h"
#include "api/kv_service.h"
#include "api/leader_watch.h"
#include "api/lease_service.h"
#include "api/maintenance_service.h"
#include "api/metrics.h"
#include "api/watch_service.h"
#include "app/background.h"
#include "app/boot.h"
#include "app/client_snapshots.h"
#include "app/cluster_version.h"
#include "app/guard.h"
#include "app/incoming.h"
#include "app/machine.h"
#include "app/node_loop.h"
#include "app/ownership.h"
#include "app/peer_client.h"
#include "app/peer_port.h"
#include "app/publication.h"
#include "app/replay.h"
#include "app/room_options.h"
#include "app/snapshot_file.h"
#include "app/wiring.h"
#include "base/log.h"
#include "base/mutex.h"
#include "io/real_clock.h"
#include "io/real_disk.h"
#include "io/real_random.h"
#include "membership/v2_store.h"
#include "net/listener.h"
#include "node/driver.h"
#include "peer/snapshot_receiver.h"
#include "peer/transport.h"
#include "rpc/server.h"

namespace quorate::app {
namespace {

constexpr auto kDrainPatience = std::chrono::seconds(3);

ExitCode ToExitCode(node::Exit exit) {
  return static_cast<ExitCode>(static_cast<int>(exit));
}

}  // namespace

struct Server::Impl final : MachineServices {
  explicit Impl(config::Options given) : options(std::move(given)) {
    wake = eventfd(0, EFD_CLOEXEC);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    signals = signalfd(-1, &set, SFD_CLOEXEC);
  }
  ~Impl() {
    Stop();
    close(wake);
    close(signals);
  }

  std::optional<Ending> Start();
  std::optional<Ending> BindListeners();
  std::optional<Ending> OpenMember();
  std::optional<Ending> Greet();
  void MakeTransport(const Boot& boot);
  std::optional<Ending> MakeDriver(Boot boot);
  void MakeApi(const Boot& boot);
  void ServePeersAndMetrics();
  void ServeClients();
  void PollLeader();
  Ending Wait();
  void Stop();
  void End(Ending ending);

  // MachineServices, on the peer loop, which is also the raft+apply loop.
  std::shared_ptr<node::SnapshotSource> MakeSnapshot(
      std::shared_ptr<storage::Reader> view) override;
  void ReadSnapshot(const raft::SnapshotMetadata& snapshot, storage::Backend& backend,
                    std::function<void(Result<Incoming>)> done) override;
  void ForgetSnapshot(const raft::SnapshotMetadata& snapshot,
                      std::shared_ptr<void> former) override;
  void RevokeLease(LeaseId lease) override;
  void After(std::chrono::nanoseconds delay, std::function<void()> task) override;

  const config::Options options;
  int wake = -1;
  int signals = -1;
  int ended_by_signal = 0;
  Mutex mutex;
  std::optional<Ending> ending QUORATE_GUARDED_BY(mutex);

  io::RealClock clock;
  io::RealRandom random;
  io::RealDisk disk;
  std::unique_ptr<net::EventLoop> peer_loop;
  std::vector<std::unique_ptr<net::EventLoop>> client_loops;
  std::vector<std::unique_ptr<net::Listener>> peer_listeners;
  std::vector<std::unique_ptr<net::Listener>> client_listeners;
  std::vector<std::unique_ptr<net::Listener>> metrics_listeners;
  std::unique_ptr<PeerClient> peers;
  std::unique_ptr<Background> background;
  std::unique_ptr<Background> log_chores;
  std::unique_ptr<ClientSnapshots> client_snapshots;
  std::unique_ptr<io::File> lock;
  std::unique_ptr<Recollection> recollection;
  node::PeerUrls known;  // of a fresh member: whom to talk to before the log says so
  std::unique_ptr<Machine> machine;
  std::unique_ptr<PeerEvents> events;
  std::unique_ptr<peer::Transport> transport;
  std::unique_ptr<NodeNetwork> network;
  std::unique_ptr<node::Driver> driver;
  std::unique_ptr<DriverWaiters> waiters;
  std::unique_ptr<ServerEnvironment> environment;
  std::unique_ptr<api::Context> context;
  api::Counters counters;
  CountingObserver observer{counters};
  std::unique_ptr<api::LeaderWatch> leader_watch;
  std::unique_ptr<Guard> guard;
  std::unique_ptr<AutoCompaction> auto_compaction;
  std::unique_ptr<Publication> publication;
  std::shared_ptr<rpc::Router> router;
  std::shared_ptr<rpc::Router> metrics_router;
  std::unique_ptr<rpc::Server> client_server;
  std::unique_ptr<rpc::Server> metrics_server;
  std::unique_ptr<net::HttpServer> peer_server;
  std::unique_ptr<ClusterVersion> cluster_version;
  std::unique_ptr<NodeLoop> node_loop;
  std::unique_ptr<net::Timer> leader_timer;
  std::atomic<std::uint64_t> snapshot_files{0};
  bool stopped = false;
};

std::optional<Ending> Server::Impl::Start() {
  peer_loop = std::make_unique<net::EventLoop>("peer");
  const std::size_t loops = std::max(1U, std::thread::hardware_concurrency() / 2);
  for (std::size_t i = 0; i < loops; ++i) {
    client_loops.push_back(std::make_unique<net::EventLoop>("net-" + std::to_string(i)));
  }
  if (auto failed = BindListeners()) return failed;
  peer_loop->Start();
  for (const auto& loop : client_loops) loop->Start();
  peers = std::make_unique<PeerClient>(*peer_loop);
  background = std::make_unique<Background>("background", 2);
  log_chores = std::make_unique<Background>("log-chores", 1);
  if (auto failed = OpenMember()) return failed;
  ServePeersAndMetrics();
  if (auto failed = Greet()) return failed;
  node_loop = std::make_unique<NodeLoop>(*peer_loop, *driver);
  node_loop->Start();
  peer_loop->Post([this] {
    cluster_version->Start();
    guard->Start();
    auto_compaction->Start();
    PollLeader();
  });
  publication =
      std::make_unique<Publication>(Publication::Parts{.loop = peer_loop.get(),
                                                       .driver = driver.get(),
                                                       .cluster = &machine->cluster(),
                                                       .cluster_id = context->identity.cluster,
                                                       .self = context->identity.member,
                                                       .name = options.name,
                                                       .client_urls = options.advertise_client_urls,
                                                       .done = [this] { ServeClients(); }});
  publication->Begin();
  return std::nullopt;
}

std::optional<Ending> Server::Impl::BindListeners() {
  std::vector<net::EventLoop*> clients;
  for (const auto& loop : client_loops) clients.push_back(loop.get());
  const std::size_t connections_max = ConnectionsMax();
  if (connections_max == 0) {
    return Ending{ExitCode::kStartFailed,
                  "file descriptor limit of etcd process is too low, and should be set higher than "
                  "150 (ulimit -n)"};
  }
  const auto bind = [connections_max](const std::vector<std::string>& urls,
                                      const std::vector<net::EventLoop*>& on,
                                      std::vector<std::unique_ptr<net::Listener>>& out) -> Status {
    for (const std::string& url : urls) {
      net::ListenOptions listen;
      listen.connections_max = connections_max;
      listen.endpoint = TRY(net::ParseUrl(url));
      out.push_back(TRY(net::Listener::Bind(on, listen)));
    }
    return {};
  };
  for (const Status& bound : {bind(options.listen_peer_urls, {peer_loop.get()}, peer_listeners),
                              bind(options.listen_client_urls, clients, client_listeners),
                              bind(options.listen_metrics_urls, clients, metrics_listeners)}) {
    if (!bound.ok()) return Ending{ExitCode::kStartFailed, bound.error().message};
  }
  return std::nullopt;
}

std::optional<Ending> Server::Impl::OpenMember() {
  const AskMembers ask = [this](const std::string& url, std::chrono::milliseconds patience) {
    return peers->AskMembers(url, patience);
  };
  auto booted = BootMember(options, disk, ask);
  if (auto* failed = std::get_if<Ending>(&booted)) return *failed;
  Boot& boot = std::get<Boot>(booted);
  lock = std::move(boot.lock);
  recollection = std::move(boot.recollection);
  MachineOptions machine_options;
  machine_options.cluster = boot.cluster;
  machine_options.self = boot.self;
  machine_options.max_learners = options.max_learners;
  machine_options.quota_bytes = options.quota_backend_bytes;
  machine_options.lease_ttl_min = LeaseTtlMin(options);
  machine_options.lease_extension = options.election_timeout;
  machine_options.compaction_rows = options.compaction_batch_limit;
  machine_options.compaction_pause = options.compaction_sleep_interval;
  auto opened = Machine::Open(machine_options, std::move(boot.backend), clock, *this);
  if (!opened.ok()) return ToEnding(opened.error());
  machine = std::move(*opened);
  if (RemovedForGood(*machine->cluster().roster(), boot.self, boot.start.conf_state)) {
    return Ending{ExitCode::kRemoved,
                  "the member has been permanently removed from the cluster; to use this machine "
                  "again, add a new member and start it with an empty data directory"};
  }
  if (auto other = OwnerOfName(options.name, *machine->cluster().roster(), boot.start, boot.self,
                               options.data_dir)) {
    return other;
  }
  peers->SetCluster(boot.cluster, boot.self);
  MakeTransport(boot);
  return MakeDriver(std::move(boot));
}

// Before anything is voted or acknowledged. Who is forced to go on alone asks nobody.
std::optional<Ending> Server::Impl::Greet() {
  node::PeerUrls others = machine->Peers();
  if (others.empty()) others = known;
  if (options.force_new_cluster) others.clear();
  return guard->Begin(random.Next(), others, options.election_timeout);
}

void Server::Impl::MakeTransport(const Boot& boot) {
  events = std::make_unique<PeerEvents>(machine->cluster(), boot.self, [this] {
    End({ExitCode::kRemoved, "the member has been permanently removed from the cluster"});
  });
  peer::Options peer_options;
  peer_options.self = boot.self;
  peer_options.cluster = boot.cluster;
  peer_options.peer_urls = options.initial_advertise_peer_urls;
  peer_options.version = membership::kEtcdVersion.ToString();
  peer_options.min_cluster_version = membership::kMinClusterVersion.ToString();
  peer_options.dial_timeout = std::chrono::seconds(1) + options.election_timeout;
  peer_options.snapshot_directory = SnapshotDirectory(options);
  transport = std::make_unique<peer::Transport>(
      peer_options, peer::Transport::Parts{.loop = peer_loop.get(),
                                           .clock = &clock,
                                           .disk = &disk,
                                           .background =
                                               [this](std::function<void()> task) {
                                                 return background->Run(std::move(task));
                                               },
                                           .events = events.get()});
  for (const membership::Member& member : boot.known_members) {
    if (member.id != boot.self) known[member.id] = member.peer_urls;
  }
  network = std::make_unique<NodeNetwork>(*transport, known);
}

std::optional<Ending> Server::Impl::MakeDriver(Boot boot) {
  node::Driver::Parts parts;
  parts.self = boot.self;
  parts.start = std::move(boot.start);
  parts.mark = boot.mark;
  parts.log.writer = std::move(boot.writer);
  parts.log.disk = &disk;
  parts.log.directory = options.wal_dir;
  parts.log.segments_keep = options.max_wals;
  parts.log.background = [this](std::function<void()> chore) { log_chores->Run(std::move(chore)); };
  parts.state_machine = machine.get();
  parts.network = network.get();
  parts.clock = &clock;
  parts.random = &random;
  parts.observer = &observer;
  parts.on_exit = [this](node::Exit exit, const std::string& text) {
    const Ending reason{ToExitCode(exit), text};
    if (exit == node::Exit::kWentBack) {
      const Status kept = recollection->Condemn(reason);
      if (!kept.ok())
        log::Error("failed to write the verdict down", {{"error", kept.error().message}});
    }
    End(reason);
  };
  auto opened = node::Driver::Open(std::move(parts), NodeOptions(options));
  if (!opened.ok()) return ToEnding(opened.error());
  driver = std::move(*opened);
  waiters = std::make_unique<DriverWaiters>(*driver);
  machine->SetWaiters(waiters.get());
  events->SetDriver(driver.get());
  MakeApi(boot);
  return std::nullopt;
}

void Server::Impl::MakeApi(const Boot& boot) {
  client_snapshots = std::make_unique<ClientSnapshots>(ClientSnapshots::Parts{
      .new_view = [this] { return machine->NewView(); },
      .installing = &machine->installing(),
      .post = [this](std::function<void()> task) { driver->Post(std::move(task)); }});
  environment = std::make_unique<ServerEnvironment>(
      ServerEnvironment::Parts{.self = boot.self,
                               .data_dir = options.data_dir,
                               .clock = &clock,
                               .disk = &disk,
                               .loop = peer_loop.get(),
                               .client_snapshots = client_snapshots.get(),
                               .peers = peers.get(),
                               .transport = transport.get(),
                               .driver = driver.get(),
                               .machine = machine.get()});
  context = std::make_unique<api::Context>();
  context->identity = {boot.cluster, boot.self};
  context->limits.request_bytes_max = options.max_request_bytes;
  context->limits.txn_ops_max = options.max_txn_ops;
  context->limits.strict_reconfig_check = options.strict_reconfig_check;
  context->limits.watch_progress_interval = options.watch_progress_notify_interval;
  context->node = driver.get();
  context->applier = &machine->applier();
  context->store = &machine->store();
  context->lessor = &machine->lessor();
  context->hub = &machine->hub();
  context->cluster = &machine->cluster();
  context->environment = environment.get();
  KeepReserve(*peer_loop, *background, machine->applier().quota(), boot.reserve,
              [this] { driver->Post([this] { api::RaiseNoSpace(*context); }); });
  leader_watch = std::make_unique<api::LeaderWatch>(*context);
  router = std::make_shared<rpc::Router>();
  client_server = std::make_unique<rpc::Server>(RpcOptions(options), router);
  api::RegisterKv(*router, *context);
  api::RegisterLease(*router, *context, *leader_watch);
  api::RegisterCluster(*router, *context);
  api::RegisterMaintenance(*router, *context);
  api::RegisterWatch(*router, *context, *leader_watch);
  api::RegisterAuth(*router, *context);
  metrics_router = std::make_shared<rpc::Router>();
  for (rpc::Router* each : {router.get(), metrics_router.get()}) {
    api::RegisterHealth(*each, *context);
    api::RegisterInfo(*each, *context);
    api::RegisterMetrics(*each, *context, counters, client_server->counters());
  }
  rpc::ServerOptions http_only = RpcOptions(options);
  http_only.serve_grpc = false;
  metrics_server = std::make_unique<rpc::Server>(http_only, metrics_router);
  guard = std::make_unique<Guard>(Guard::Parts{.loop = peer_loop.get(),
                                               .peers = peers.get(),
                                               .context = context.get(),
                                               .recollection = recollection.get(),
                                               .background = background.get(),
                                               .counters = &counters,
                                               .end = [this](Ending reason) { End(reason); }},
                                  CorruptionOptions(options));
  peer_server = std::make_unique<net::HttpServer>(net::HttpServerOptions{},
                                                  MakePeerHandler(*context, *transport, *guard));
  peer_loop->RunSync([this, self = boot.self] {
    cluster_version =
        std::make_unique<ClusterVersion>(*peer_loop, *peers, *driver, machine->cluster(), self);
    leader_timer = std::make_unique<net::Timer>(*peer_loop);
    auto_compaction =
        std::make_unique<AutoCompaction>(*peer_loop, clock, *context, CompactionOptions(options));
  });
}

void Server::Impl::ServePeersAndMetrics() {
  for (const auto& listener : peer_listeners) {
    listener->Start([this](std::shared_ptr<net::Connection> connection) {
      peer_server->Serve(std::move(connection));
    });
  }
  for (const auto& listener : metrics_listeners) {
    listener->Start([this](std::shared_ptr<net::Connection> connection) {
      metrics_server->Accept(std::move(connection));
    });
  }
}

void Server::Impl::ServeClients() {
  log::Info("ready to serve client requests");
  for (const auto& listener : client_listeners) {
    listener->Start([this](std::shared_ptr<net::Connection> connection) {
      client_server->Accept(std::move(connection));
    });
    log::Info("serving client traffic insecurely; this is strongly discouraged!",
              {{"traffic", "grpc+http"}, {"address", net::ToHostPort(listener->local())}});
  }
}

void Server::Impl::PollLeader() {
  leader_watch->Poll();
  leader_timer->Set(options.election_timeout, [this] { PollLeader(); });
}

std::shared_ptr<node::SnapshotSource> Server::Impl::MakeSnapshot(
    std::shared_ptr<storage::Reader> view) {
  const std::string path =
      SnapshotDirectory(options) + "/tmp-send-" + std::to_string(++snapshot_files);
  return std::make_shared<SnapshotFile>(
      std::move(view), membership::ToV2Store(*machine->cluster().roster()), disk, path);
}

void Server::Impl::ReadSnapshot(const raft::SnapshotMetadata& metadata, storage::Backend& backend,
                                std::function<void(Result<Incoming>)> done) {
  const auto read = [this, path = peer::ReceivedPath(transport->options(), metadata.index),
                     metadata, &backend, done = std::move(done)] {
    auto incoming = std::make_shared<Result<Incoming>>(ReadIncoming(disk, path, metadata, backend));
    driver->Post([incoming, done] { done(std::move(*incoming)); });
  };
  if (!background->Run(read)) read();
}

void Server::Impl::ForgetSnapshot(const raft::SnapshotMetadata& metadata,
                                  std::shared_ptr<void> former) {
  auto forget = [this, path = peer::ReceivedPath(transport->options(), metadata.index),
                 former = std::move(former)]() mutable {
    former.reset();
    RemoveReceived(disk, path);
  };
  if (!background->Run(forget)) forget();
}

void Server::Impl::RevokeLease(LeaseId lease) {
  RevokeWhileLeading(*driver, lease);
}

void Server::Impl::After(std::chrono::nanoseconds delay, std::function<void()> task) {
  RunAfter(*peer_loop, delay, [this, task = std::move(task)] { driver->Post(task); });
}

void Server::Impl::End(Ending reason) {
  {
    MutexLock hold(mutex);
    if (!ending) ending = std::move(reason);
  }
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = write(wake, &one, sizeof one);
}

Ending Server::Impl::Wait() {
  while (true) {
    pollfd waited[] = {{wake, POLLIN, 0}, {signals, POLLIN, 0}};
    if (poll(waited, 2, -1) < 0) continue;
    if (waited[1].revents != 0) {
      signalfd_siginfo info{};
      if (read(signals, &info, sizeof info) == sizeof info) {
        ended_by_signal = static_cast<int>(info.ssi_signo);
        log::Info("received signal; shutting down", {{"signal", strsignal(ended_by_signal)}});
        return {};
      }
    }
    MutexLock hold(mutex);
    if (ending) return *ending;
  }
}

void Server::Impl::Stop() {
  if (std::exchange(stopped, true)) return;
  for (auto* listeners : {&client_listeners, &metrics_listeners}) {
    for (const auto& listener : *listeners) listener->Stop();
  }
  if (peer_loop != nullptr) {
    peer_loop->RunSync([this] {
      if (cluster_version != nullptr) cluster_version->Stop();
      if (guard != nullptr) guard->Stop();
      if (auto_compaction != nullptr) auto_compaction->Stop();
      if (leader_timer != nullptr) leader_timer->Cancel();
    });
  }
  if (node_loop != nullptr) node_loop->Stop();
  if (client_server != nullptr) client_server->Drain(kDrainPatience);
  if (metrics_server != nullptr) metrics_server->Drain(std::chrono::milliseconds(100));
  for (const auto& listener : peer_listeners) listener->Stop();
  if (events != nullptr) events->SetDriver(nullptr);
  if (transport != nullptr) transport->Stop();
  if (peer_server != nullptr) peer_server->Drain(std::chrono::milliseconds(100));
  if (client_snapshots != nullptr) client_snapshots->Stop();
  if (background != nullptr) background->Stop();
  if (log_chores != nullptr) log_chores->Stop();
  if (peer_loop != nullptr) {
    peer_loop->RunSync([this] {
      cluster_version.reset();
      leader_timer.reset();
      auto_compaction.reset();
    });
  }
  client_server.reset();
  metrics_server.reset();
  peer_server.reset();
  transport.reset();
  if (peer_loop != nullptr) peer_loop->RunSync([this] { guard.reset(); });
  peers.reset();
  for (const auto& loop : client_loops) loop->Stop();
  if (peer_loop != nullptr) peer_loop->Stop();
  if (machine != nullptr) {
    const Status flushed = machine->Close();
    if (!flushed.ok()) log::Warn("failed to flush the store", {{"error", flushed.error().message}});
  }
  if (recollection != nullptr) {
    const Status saved = recollection->SaveChanges();
    if (!saved.ok())
      log::Warn("failed to save what is known of the members", {{"error", saved.error().message}});
  }
  node_loop.reset();
  client_snapshots.reset();
  driver.reset();
  machine.reset();
  lock.reset();
  log::Info("closed server");
}

Server::Server(config::Options options) : impl_(std::make_unique<Impl>(std::move(options))) {}
Server::~Server() = default;

std::optional<Ending> Server::Start() {
  return impl_->Start();
}
Ending Server::Wait() {
  return impl_->Wait();
}
void Server::Stop() {
  impl_->Stop();
}
int Server::signal() const {
  return impl_->ended_by_signal;
}

}  // namespace quorate::app
