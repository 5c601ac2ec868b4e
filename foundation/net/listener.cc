#include "net/listener.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <cstring>

#include "base/log.h"
#include "net/socket_connection.h"

namespace quorate::net {
namespace {

constexpr int kBacklog = 1024;
constexpr int kAcceptsPerTurn = 64;

Error BindError(const Endpoint& endpoint, const char* call, int number) {
  return Error{number == EADDRINUSE ? Code::kAlreadyExists : Code::kUnavailable,
               std::string("listen ") + (endpoint.is_unix() ? "unix " : "tcp ") +
                   ToHostPort(endpoint) + ": " + call + ": " + ErrnoText(number)};
}

Result<std::vector<RawAddress>> AddressesOf(const Endpoint& endpoint) {
  if (endpoint.is_unix()) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (endpoint.unix_path.size() >= sizeof address.sun_path) {
      return BindError(endpoint, "bind", ENAMETOOLONG);
    }
    std::memcpy(address.sun_path, endpoint.unix_path.data(), endpoint.unix_path.size());
    return std::vector<RawAddress>{
        {AF_UNIX, std::string(reinterpret_cast<const char*>(&address), sizeof address)}};
  }
  if (!endpoint.host.empty()) return Resolver::ResolveNow(endpoint.host, endpoint.port, true);
  // Every interface: one v6 socket that takes v4 too, or v4 alone where there is no v6.
  std::vector<RawAddress> both = TRY(Resolver::ResolveNow("::", endpoint.port, true));
  both.push_back(TRY(Resolver::ResolveNow("0.0.0.0", endpoint.port, true)).front());
  return both;
}

Result<int> BindOne(const Endpoint& endpoint, const RawAddress& address) {
  const int descriptor = socket(address.family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return BindError(endpoint, "socket", errno);
  const int on = 1;
  const int off = 0;
  setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (address.family == AF_INET6) {
    setsockopt(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, endpoint.host.empty() ? &off : &on,
               sizeof off);
  }
  if (address.family == AF_UNIX) unlink(endpoint.unix_path.c_str());  // left by a former run
  const char* call = "bind";
  int outcome = bind(descriptor, reinterpret_cast<const sockaddr*>(address.bytes.data()),
                     static_cast<socklen_t>(address.bytes.size()));
  if (outcome == 0) {
    call = "listen";
    outcome = listen(descriptor, kBacklog);
  }
  if (outcome == 0) return descriptor;
  Error error = BindError(endpoint, call, errno);
  close(descriptor);
  return error;
}

std::uint16_t PortOf(int descriptor) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &size);
  if (address.ss_family == AF_INET) {
    return ntohs(reinterpret_cast<const sockaddr_in*>(&address)->sin_port);
  }
  return ntohs(reinterpret_cast<const sockaddr_in6*>(&address)->sin6_port);
}

}  // namespace

struct Listener::Impl final : std::enable_shared_from_this<Listener::Impl>, Watcher {
  Impl(std::vector<EventLoop*> event_loops, ListenOptions listen_options, int descriptor)
      : loops(std::move(event_loops)),
        options(std::move(listen_options)),
        bound(descriptor),
        retry(*loops.front()) {}

  void OnReady(Readiness ready) override;
  void AcceptSome();
  void AcceptLater();
  void Take(int descriptor);
  void Open(EventLoop& loop, int descriptor, std::shared_ptr<void> guard);
  void CheckClient(const std::shared_ptr<SocketConnection>& connection);
  void CheckClientNames(const std::shared_ptr<SocketConnection>& connection,
                        const TlsSession::Names& names);
  void Hand(const std::shared_ptr<SocketConnection>& connection);
  void Reject(const std::shared_ptr<SocketConnection>& connection, const Error& error) const;
  std::shared_ptr<void> MakeGuard();

  const std::vector<EventLoop*> loops;
  const ListenOptions options;
  Endpoint local;
  // First loop. The socket is the acceptor's from Start on.
  int bound;
  std::optional<Descriptor> acceptor;
  Timer retry;
  std::function<void(std::shared_ptr<Connection>)> accept;
  std::size_t next_loop = 0;
  bool accept_posted = false;
  std::atomic<bool> stopped{false};
  std::atomic<std::size_t> open{0};
};

Result<std::unique_ptr<Listener>> Listener::Bind(std::vector<EventLoop*> loops,
                                                 ListenOptions options) {
  if (options.endpoint.tls && options.tls == nullptr) {
    return Error{Code::kInvalidArgument,
                 "TLS key/cert (--cert-file, --key-file) must be provided for client url " +
                     ToUrl(options.endpoint) + " with HTTPS scheme"};
  }
  Result<std::vector<RawAddress>> addresses = AddressesOf(options.endpoint);
  if (!addresses.ok()) return Annotate(addresses.error(), "listen tcp");
  Result<int> descriptor = Error{Code::kUnavailable, "listen: no address"};
  for (const RawAddress& address : *addresses) {
    descriptor = BindOne(options.endpoint, address);
    if (descriptor.ok() || descriptor.error().code == Code::kAlreadyExists) break;
  }
  if (!descriptor.ok()) return descriptor.error();
  auto impl = std::make_shared<Impl>(std::move(loops), std::move(options), *descriptor);
  impl->local = impl->options.endpoint;
  if (!impl->local.is_unix()) impl->local.port = PortOf(*descriptor);
  return std::unique_ptr<Listener>(new Listener(std::move(impl)));
}

Listener::Listener(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

Listener::~Listener() {
  Stop();
}

const Endpoint& Listener::local() const {
  return impl_->local;
}

void Listener::Start(std::function<void(std::shared_ptr<Connection>)> accept) {
  impl_->loops.front()->Post([impl = impl_, accept = std::move(accept)] {
    if (impl->stopped) return;
    impl->accept = accept;
    impl->acceptor.emplace(impl->loops.front()->impl(), std::exchange(impl->bound, -1), impl.get());
  });
}

void Listener::Stop() {
  if (impl_->stopped.exchange(true)) return;
  impl_->loops.front()->RunSync([impl = impl_] {
    impl->acceptor.reset();
    if (const int bound = std::exchange(impl->bound, -1); bound >= 0) close(bound);
    impl->retry.Cancel();
    if (impl->local.is_unix()) unlink(impl->local.unix_path.c_str());
  });
  for (EventLoop* loop : impl_->loops) loop->RunSync([] {});
}

void Listener::Impl::OnReady(Readiness) {
  const auto self = shared_from_this();
  AcceptSome();
}

// Those who come to a full listener wait in the kernel; when somebody leaves, it is called again.
void Listener::Impl::AcceptSome() {
  for (int i = 0; i < kAcceptsPerTurn; ++i) {
    if (!acceptor.has_value()) return;
    if (options.connections_max > 0 && open >= options.connections_max) return;
    const int descriptor =
        accept4(acceptor->socket(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (descriptor >= 0) {
      Take(descriptor);
      continue;
    }
    if (errno == EAGAIN) return;
    if (errno == ECONNABORTED || errno == EINTR) continue;
    log::Warn("cannot accept connections", {{"error", ErrnoText(errno)}});
    retry.Set(std::chrono::milliseconds(100), [this] { AcceptSome(); });
    return;
  }
  AcceptLater();
}

void Listener::Impl::AcceptLater() {
  if (std::exchange(accept_posted, true)) return;
  loops.front()->Post([self = shared_from_this()] {
    self->accept_posted = false;
    self->AcceptSome();
  });
}

// Counts an open connection; when it goes, a listener that was full accepts again.
std::shared_ptr<void> Listener::Impl::MakeGuard() {
  ++open;
  return {static_cast<void*>(this), [weak = weak_from_this()](void*) {
            const std::shared_ptr<Impl> self = weak.lock();
            if (self == nullptr) return;
            --self->open;
            if (self->options.connections_max == 0) return;
            self->loops.front()->Post([self] { self->AcceptSome(); });
          }};
}

void Listener::Impl::Take(int descriptor) {
  EventLoop* loop = loops[next_loop++ % loops.size()];
  loop->Dispatch([self = shared_from_this(), loop, descriptor, guard = MakeGuard()] {
    if (self->stopped) {
      close(descriptor);
    } else {
      self->Open(*loop, descriptor, guard);
    }
  });
}

void Listener::Impl::Open(EventLoop& loop, int descriptor, std::shared_ptr<void> guard) {
  std::unique_ptr<TlsSession> session;
  if (options.endpoint.tls) {
    auto made = TlsSession::ForServer(*options.tls);
    if (!made.ok()) {
      close(descriptor);
      return;
    }
    session = std::move(made).value();
  }
  auto connection =
      std::make_shared<SocketConnection>(loop, descriptor, std::move(session), std::move(guard));
  connection->Handshake(options.handshake_timeout,
                        [self = shared_from_this(), connection](const Status& status) {
                          if (!status.ok()) {
                            self->Reject(connection, status.error());
                          } else {
                            self->CheckClient(connection);
                          }
                        });
}

// etcd's rule for peers: a certificate with names must name the address it comes from.
void Listener::Impl::CheckClient(const std::shared_ptr<SocketConnection>& connection) {
  if (!options.endpoint.tls || !options.tls->options().verify_client_address) {
    Hand(connection);
    return;
  }
  const TlsSession::Names names = connection->session()->peer_names();
  const std::string& remote = connection->remote_address();
  std::string host = remote.substr(0, remote.rfind(':'));
  if (host.starts_with('[')) host = host.substr(1, host.size() - 2);
  for (const std::string& address : names.addresses) {
    if (address == host) {
      Hand(connection);
      return;
    }
  }
  if (!names.present) {
    Hand(connection);
    return;
  }
  if (names.dns.empty()) {
    Reject(connection, {Code::kUnauthenticated,
                        "tls: \"" + host + "\" does not match any of the certificate's addresses"});
    connection->Close();
    return;
  }
  CheckClientNames(connection, names);
}

void Listener::Impl::CheckClientNames(const std::shared_ptr<SocketConnection>& connection,
                                      const TlsSession::Names& names) {
  const std::string& remote = connection->remote_address();
  std::string host = remote.substr(0, remote.rfind(':'));
  if (host.starts_with('[')) host = host.substr(1, host.size() - 2);
  // By the loop's parts: a lookup may end after the loop. Its thread keeps nothing of the
  // connection behind the answer, or it might be the one that ends it.
  const auto loop = connection->loop().impl();
  loop->resolver.Reverse(host, [self = shared_from_this(), connection = connection, names, host,
                                loop](const std::string& name) mutable {
    // On a resolver thread: the forward lookups may wait here too.
    bool matches = false;
    for (const std::string& pattern : names.dns) {
      matches = matches || (!name.empty() && HostMatches(pattern, name));
      if (matches || pattern.starts_with('*')) continue;
      const auto addresses = Resolver::ResolveNow(pattern, 0, false);
      if (!addresses.ok()) continue;
      for (const RawAddress& address : *addresses)
        matches = matches || AddressHost(address) == host;
    }
    loop->Post([self = std::move(self), connection = std::move(connection), names, host, matches] {
      if (matches) {
        self->Hand(connection);
        return;
      }
      std::string listed;
      for (const std::string& dns : names.dns)
        listed += (listed.empty() ? "\"" : " \"") + dns + "\"";
      self->Reject(connection,
                   {Code::kUnauthenticated,
                    "tls: \"" + host + "\" does not match any of DNSNames [" + listed + "]"});
      connection->Close();
    });
  });
}

void Listener::Impl::Hand(const std::shared_ptr<SocketConnection>& connection) {
  if (stopped) {
    connection->Close();
  } else {
    accept(connection);
  }
}

void Listener::Impl::Reject(const std::shared_ptr<SocketConnection>& connection,
                            const Error& error) const {
  const std::string name =
      connection->session() == nullptr ? "" : connection->session()->server_name();
  if (options.on_rejected) {
    options.on_rejected(connection->remote_address(), name, error);
    return;
  }
  const log::Level level = error.message == "EOF" ? log::Level::kDebug : log::Level::kWarn;
  log::Write(level, "rejected connection",
             {{"remote-addr", connection->remote_address()},
              {"server-name", name},
              {"error", error.message}});
}

}  // namespace quorate::net
