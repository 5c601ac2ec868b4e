#include "net/http_server.h"

#include <unordered_map>

#include "base/mutex.h"
#include "net/http_session.h"

namespace quorate::net {
namespace {

class Exchange final : public HttpExchange, public std::enable_shared_from_this<Exchange> {
 public:
  Exchange(std::shared_ptr<HttpSession> session, std::uint64_t number, HttpRequest request)
      : session_(std::move(session)), number_(number), request_(std::move(request)) {}

  ~Exchange() override {
    if (finished_ || session_->over()) return;
    loop().Post([session = session_, number = number_] { session->Abandon(number); });
  }

  const HttpRequest& request() const override { return request_; }
  const Connection& connection() const override { return *session_->connection(); }
  EventLoop& loop() override { return session_->connection()->loop(); }

  void ReadBody(std::size_t bytes_max, std::function<void(Result<std::string>)> done) override {
    struct Collected {
      std::string body;
      bool too_large = false;
      std::function<void(Result<std::string>)> done;
    };
    auto collected = std::make_shared<Collected>();
    collected->done = std::move(done);
    const auto fail = [](Collected& from) {
      from.too_large = true;
      from.body.clear();
      if (const auto callback = std::exchange(from.done, nullptr)) {
        callback(Error{Code::kResourceExhausted, "http: request body too large"});
      }
    };
    session_->StreamBody(
        number_,
        [collected, bytes_max, fail](std::string_view bytes) {
          if (collected->too_large) return true;
          collected->body.append(bytes);
          if (collected->body.size() > bytes_max) fail(*collected);
          return true;
        },
        [collected](const Status& status) {
          const auto callback = std::exchange(collected->done, nullptr);
          if (!callback) return;
          if (status.ok()) {
            callback(std::move(collected->body));
          } else {
            callback(status.error());
          }
        });
  }

  void StreamBody(std::function<bool(std::string_view)> data,
                  std::function<void(Status)> done) override {
    session_->StreamBody(number_, std::move(data), std::move(done));
  }

  void ResumeBody() override {
    OnLoop([](HttpSession& session, std::uint64_t number) { session.ResumeBody(number); });
  }

  void Respond(HttpResponse response) override {
    const bool bare = response.status == 204 || response.status == 304;
    if (!bare && !response.headers.Has("Content-Length")) {
      response.headers.Set("Content-Length", std::to_string(response.body.size()));
    }
    finished_ = true;
    OnLoop([response = std::move(response)](HttpSession& session, std::uint64_t number) {
      session.StartResponse(number, response.status, response.headers);
      session.Send(number, response.body);
      session.Finish(number);
    });
  }

  void StartResponse(int status, Headers headers) override {
    OnLoop([status, headers = std::move(headers)](HttpSession& session, std::uint64_t number) {
      session.StartResponse(number, status, headers);
    });
  }

  void Send(std::string bytes) override {
    if (session_->over()) return;
    if (loop().InLoop()) {
      session_->Send(number_, std::move(bytes));
      return;
    }
    loop().Post([session = session_, number = number_, bytes = std::move(bytes)]() mutable {
      session->Send(number, std::move(bytes));
    });
  }

  void Finish() override {
    finished_ = true;
    OnLoop([](HttpSession& session, std::uint64_t number) { session.Finish(number); });
  }

  void Abort() override {
    finished_ = true;
    OnLoop([](HttpSession& session, std::uint64_t number) { session.Abort(number); });
  }

  std::size_t buffered_bytes() const override { return session_->connection()->buffered_bytes(); }

  void OnDrained(std::function<void()> drained) override {
    session_->SetDrained(number_, std::move(drained));
  }
  void OnCancel(std::function<void()> cancelled) override {
    session_->SetCancelled(number_, std::move(cancelled));
  }

 private:
  template <typename Step>
  void OnLoop(Step step) {
    if (session_->over()) return;
    loop().Dispatch(
        [session = session_, number = number_, step = std::move(step)] { step(*session, number); });
  }

  const std::shared_ptr<HttpSession> session_;
  const std::uint64_t number_;
  const HttpRequest request_;
  std::atomic<bool> finished_{false};
};

}  // namespace

void HttpSession::Dispatch() {
  timer_.Cancel();
  phase_ = Phase::kAnswering;
  ++exchange_;
  body_wanted_ = false;
  body_paused_ = false;
  head_sent_ = false;
  chunked_ = false;
  no_body_ = false;
  close_after_ = false;
  handler_(std::make_shared<Exchange>(shared_from_this(), exchange_, parser_->request()));
}

struct HttpServer::Impl : std::enable_shared_from_this<HttpServer::Impl> {
  Impl(HttpServerOptions server_options, Handler server_handler)
      : options(server_options), handler(std::move(server_handler)) {}

  std::vector<std::shared_ptr<HttpSession>> Sessions() {
    MutexLock lock(mutex);
    std::vector<std::shared_ptr<HttpSession>> all;
    for (const auto& [key, session] : sessions) all.push_back(session);
    return all;
  }

  const HttpServerOptions options;
  const Handler handler;
  Mutex mutex;
  Condition emptied;
  std::unordered_map<const void*, std::shared_ptr<HttpSession>> sessions QUORATE_GUARDED_BY(mutex);
  bool draining QUORATE_GUARDED_BY(mutex) = false;
};

HttpServer::HttpServer(HttpServerOptions options, Handler handler)
    : impl_(std::make_shared<Impl>(options, std::move(handler))) {}

HttpServer::~HttpServer() {
  Drain(std::chrono::milliseconds(0));
}

void HttpServer::Serve(std::shared_ptr<Connection> connection, std::string_view already_read) {
  const void* key = connection.get();
  auto session = std::make_shared<HttpSession>(
      impl_->options, impl_->handler, connection, [weak = std::weak_ptr<Impl>(impl_), key] {
        const std::shared_ptr<Impl> impl = weak.lock();
        if (impl == nullptr) return;
        std::shared_ptr<HttpSession> gone;  // destroyed outside the lock
        MutexLock lock(impl->mutex);
        const auto found = impl->sessions.find(key);
        if (found == impl->sessions.end()) return;
        gone = std::move(found->second);
        impl->sessions.erase(found);
        if (impl->sessions.empty()) impl->emptied.notify_all();
      });
  {
    MutexLock lock(impl_->mutex);
    if (impl_->draining) {
      connection->Close();
      return;
    }
    impl_->sessions.emplace(key, session);
  }
  session->Begin(already_read);
}

void HttpServer::Drain(std::chrono::milliseconds patience) {
  {
    MutexLock lock(impl_->mutex);
    impl_->draining = true;
  }
  if (patience.count() > 0) {
    for (const auto& session : impl_->Sessions()) {
      session->connection()->loop().Post([session] { session->Drain(); });
    }
    MutexLock lock(impl_->mutex);
    impl_->emptied.wait_for(impl_->mutex, patience, [this]() QUORATE_REQUIRES(impl_->mutex) {
      return impl_->sessions.empty();
    });
  }
  for (const auto& session : impl_->Sessions()) {
    session->connection()->loop().RunSync([&session] { session->connection()->Close(); });
    // OnClosed is posted by Close: behind it, nothing of this server runs any more.
    session->connection()->loop().RunSync([] {});
  }
}

std::size_t HttpServer::connection_count() const {
  MutexLock lock(impl_->mutex);
  return impl_->sessions.size();
}

}  // namespace quorate::net
