#include "rpc/server.h"

#include <algorithm>
#include <unordered_map>
#include <vector>

#include "base/mutex.h"
#include "rpc/h2_connection.h"

namespace quorate::rpc {
namespace {

constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

enum class Protocol { kHttp1, kHttp2, kClosed };

// What a new connection speaks is told by its first bytes; until then this listens.
class Detector final : public net::ConnectionHandler,
                       public std::enable_shared_from_this<Detector> {
 public:
  using Decided = std::function<void(Protocol protocol, std::string_view already_read)>;

  Detector(std::shared_ptr<net::Connection> connection, std::chrono::milliseconds patience,
           Decided decided)
      : connection_(std::move(connection)),
        decided_(std::move(decided)),
        timer_(connection_->loop()) {
    timer_.Set(patience, [this] { connection_->Close(); });
  }

  void Begin() { connection_->Start(this); }
  void Close() { connection_->Close(); }
  net::EventLoop& loop() { return connection_->loop(); }

  void OnData(std::string_view bytes) override {
    read_.append(bytes);
    const std::size_t size = std::min(read_.size(), kPreface.size());
    const bool like_http2 = std::string_view(read_).substr(0, size) == kPreface.substr(0, size);
    if (like_http2 && size < kPreface.size()) return;
    timer_.Cancel();
    connection_->Detach();
    const auto self = shared_from_this();
    decided_(like_http2 ? Protocol::kHttp2 : Protocol::kHttp1, read_);
  }

  void OnClosed(const Error&) override {
    timer_.Cancel();
    const auto self = shared_from_this();
    decided_(Protocol::kClosed, {});
  }

 private:
  const std::shared_ptr<net::Connection> connection_;
  const Decided decided_;
  net::Timer timer_;
  std::string read_;
};

}  // namespace

struct Server::Impl : std::enable_shared_from_this<Server::Impl> {
  Impl(const ServerOptions& server_options, std::shared_ptr<const Router> server_router)
      : options(server_options),
        router(std::move(server_router)),
        counters(std::make_shared<ServerCounters>()),
        budget(std::make_shared<AnswerBudget>(options.answers_bytes_max)),
        http(options.http, [this](std::shared_ptr<net::HttpExchange> exchange) {
          ServeHttp(std::move(exchange));
        }) {}

  void ServeHttp(std::shared_ptr<net::HttpExchange> exchange) const {
    const HttpHandler* handler = router->FindHttp(exchange->request().path());
    if (handler != nullptr) {
      (*handler)(std::move(exchange));
    } else {
      exchange->Respond(net::HttpResponse::Text(404, "404 page not found"));
    }
  }

  std::shared_ptr<LoopContext> ContextOf(net::EventLoop& loop) {
    MutexLock lock(mutex);
    std::shared_ptr<LoopContext>& context = contexts[&loop];
    if (context == nullptr) context = std::make_shared<LoopContext>(loop);
    return context;
  }

  void Detect(const std::shared_ptr<net::Connection>& connection) {
    const void* key = connection.get();
    auto detector = std::make_shared<Detector>(
        connection, options.preface_timeout,
        [weak = weak_from_this(), key, connection](Protocol protocol, std::string_view read) {
          const std::shared_ptr<Impl> impl = weak.lock();
          if (impl == nullptr) return;
          {
            MutexLock lock(impl->mutex);
            impl->detectors.erase(key);
          }
          if (protocol != Protocol::kClosed) {
            impl->Take(connection, protocol == Protocol::kHttp2, read);
          }
        });
    {
      MutexLock lock(mutex);
      detectors.emplace(key, detector);
    }
    detector->Begin();
  }

  void Take(const std::shared_ptr<net::Connection>& connection, bool http2,
            std::string_view already_read) {
    if (!http2) {
      if (options.serve_http) {
        http.Serve(connection, already_read);
      } else {
        connection->Close();
      }
      return;
    }
    const void* key = connection.get();
    auto session = std::make_shared<H2Connection>(
        options, router, counters, budget, ContextOf(connection->loop()), connection,
        [weak = weak_from_this(), key] {
          if (const std::shared_ptr<Impl> impl = weak.lock()) impl->Forget(key);
        });
    {
      MutexLock lock(mutex);
      if (draining) {
        connection->Close();
        return;
      }
      connections.emplace(key, session);
    }
    session->Begin(already_read);
  }

  void Forget(const void* key) {
    std::shared_ptr<H2Connection> gone;  // destroyed outside the lock
    MutexLock lock(mutex);
    const auto found = connections.find(key);
    if (found == connections.end()) return;
    gone = std::move(found->second);
    connections.erase(found);
    if (connections.empty()) emptied.notify_all();
  }

  std::vector<std::shared_ptr<H2Connection>> Connections() {
    MutexLock lock(mutex);
    std::vector<std::shared_ptr<H2Connection>> all;
    for (const auto& [key, connection] : connections) all.push_back(connection);
    return all;
  }

  std::vector<std::shared_ptr<Detector>> Detectors() {
    MutexLock lock(mutex);
    std::vector<std::shared_ptr<Detector>> all;
    for (const auto& [key, detector] : detectors) all.push_back(detector);
    return all;
  }

  const ServerOptions options;
  const std::shared_ptr<const Router> router;
  const std::shared_ptr<ServerCounters> counters;
  const std::shared_ptr<AnswerBudget> budget;
  Mutex mutex;
  Condition emptied;
  std::unordered_map<net::EventLoop*, std::shared_ptr<LoopContext>> contexts
      QUORATE_GUARDED_BY(mutex);
  std::unordered_map<const void*, std::shared_ptr<H2Connection>> connections
      QUORATE_GUARDED_BY(mutex);
  std::unordered_map<const void*, std::shared_ptr<Detector>> detectors QUORATE_GUARDED_BY(mutex);
  bool draining QUORATE_GUARDED_BY(mutex) = false;
  net::HttpServer http;
};

Status Validate(const ServerOptions& options) {
  if (options.message_bytes_max == 0 || options.concurrent_streams_max == 0) {
    return Error{Code::kInvalidArgument, "rpc limits must be positive"};
  }
  if (options.keepalive_interval.count() > 0 && options.keepalive_timeout.count() <= 0) {
    return Error{Code::kInvalidArgument, "--grpc-keepalive-timeout must be positive"};
  }
  return {};
}

Server::Server(ServerOptions options, std::shared_ptr<const Router> router)
    : impl_(std::make_shared<Impl>(options, std::move(router))) {}

Server::~Server() {
  Drain(std::chrono::milliseconds(0));
  std::vector<std::shared_ptr<LoopContext>> contexts;
  {
    MutexLock lock(impl_->mutex);
    for (const auto& [loop, context] : impl_->contexts) contexts.push_back(context);
  }
  for (const auto& context : contexts) context->loop.RunSync([&context] { context->Shut(); });
}

void Server::Accept(std::shared_ptr<net::Connection> connection) {
  const auto& tls = connection->tls();
  if (tls.has_value() && tls->alpn == "h2") {
    impl_->Take(connection, true, {});
    return;
  }
  if (tls.has_value() && tls->alpn == "http/1.1") {
    impl_->Take(connection, false, {});
    return;
  }
  impl_->Detect(connection);
}

void Server::Drain(std::chrono::milliseconds patience) {
  {
    MutexLock lock(impl_->mutex);
    impl_->draining = true;
  }
  const auto deadline = net::EventLoop::Now() + patience;
  for (const auto& detector : impl_->Detectors()) {
    detector->loop().RunSync([&detector] { detector->Close(); });
    detector->loop().RunSync([] {});
  }
  if (patience.count() > 0) {
    for (const auto& connection : impl_->Connections()) {
      connection->context()->loop.Post([connection] { connection->Drain(); });
    }
    MutexLock lock(impl_->mutex);
    impl_->emptied.wait_for(impl_->mutex, patience, [this]() QUORATE_REQUIRES(impl_->mutex) {
      return impl_->connections.empty();
    });
  }
  const auto left =
      std::chrono::duration_cast<std::chrono::milliseconds>(deadline - net::EventLoop::Now());
  impl_->http.Drain(std::max(left, std::chrono::milliseconds(0)));
  for (const auto& connection : impl_->Connections()) {
    connection->context()->loop.RunSync([&connection] { connection->Close(); });
    connection->context()->loop.RunSync([] {});  // behind the OnClosed that Close posted
  }
}

const ServerCounters& Server::counters() const {
  return *impl_->counters;
}

std::size_t Server::connection_count() const {
  MutexLock lock(impl_->mutex);
  return impl_->connections.size() + impl_->http.connection_count();
}

}  // namespace quorate::rpc
