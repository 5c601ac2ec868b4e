#include "net/http_client.h"

#include <map>
#include <unordered_set>

#include "net/chunk.h"
#include "net/http_parser.h"

namespace quorate::net {
namespace {

class ClientCall;

// A kept connection: closes when the server does, or after a while.
class Idle final : public ConnectionHandler {
 public:
  Idle(std::shared_ptr<Connection> connection, std::chrono::milliseconds patience)
      : connection_(std::move(connection)), timer_(connection_->loop()) {
    connection_->Start(this);
    timer_.Set(patience, [this] { connection_->Close(); });
  }
  ~Idle() override {
    if (connection_ == nullptr) return;
    connection_->Detach();
    connection_->Close();
  }

  void OnData(std::string_view) override { connection_->Close(); }  // nothing was asked
  void OnClosed(const Error&) override {}

  // Null when it ended meanwhile.
  std::shared_ptr<Connection> Take() {
    timer_.Cancel();
    connection_->Detach();
    connection_->PauseReading();
    std::shared_ptr<Connection> taken = std::move(connection_);
    connection_ = nullptr;
    return taken->closed() ? nullptr : taken;
  }
  bool closed() const { return connection_->closed(); }

 private:
  std::shared_ptr<Connection> connection_;
  Timer timer_;
};

// What the calls of one client share. Loop only.
struct Pool {
  Pool(EventLoop& event_loop, HttpClientOptions client_options)
      : loop(event_loop), options(std::move(client_options)) {}

  std::shared_ptr<Connection> Take(const std::string& key) {
    auto& kept = idle[key];
    while (!kept.empty()) {
      std::shared_ptr<Connection> connection = kept.back()->Take();
      kept.pop_back();
      if (connection != nullptr) return connection;
    }
    return nullptr;
  }
  void Keep(const std::string& key, std::shared_ptr<Connection> connection) {
    auto& kept = idle[key];
    std::erase_if(kept, [](const auto& each) { return each->closed(); });
    if (closed || kept.size() >= options.idle_connections_max) {
      connection->Close();
      return;
    }
    kept.push_back(std::make_unique<Idle>(std::move(connection), options.idle_timeout));
  }

  EventLoop& loop;
  const HttpClientOptions options;
  std::map<std::string, std::vector<std::unique_ptr<Idle>>> idle;
  std::unordered_set<std::shared_ptr<ClientCall>> calls;
  bool closed = false;
};

class ClientCall final : public HttpCall,
                         public ConnectionHandler,
                         public std::enable_shared_from_this<ClientCall> {
 public:
  ClientCall(std::shared_ptr<Pool> pool, Endpoint endpoint, HttpRequest request,
             HttpCallOptions options, HttpCallEvents events)
      : pool_(std::move(pool)),
        endpoint_(std::move(endpoint)),
        request_(std::move(request)),
        options_(options),
        events_(std::move(events)),
        total_timer_(pool_->loop),
        wait_timer_(pool_->loop) {}

  void Begin() {
    if (ended_) return;
    if (pool_->closed) {
      End(Error{Code::kCancelled, "client closed"});
      return;
    }
    pool_->calls.insert(shared_from_this());
    if (options_.total_timeout.has_value()) {
      total_timer_.Set(*options_.total_timeout, [this] {
        End(Error{Code::kDeadlineExceeded, "net/http: request canceled (timeout exceeded)"});
      });
    }
    if (std::shared_ptr<Connection> kept = pool_->Take(ToUrl(endpoint_)); kept != nullptr) {
      reused_ = true;
      Attach(std::move(kept));
    } else {
      DialAnew();
    }
  }

  void Send(std::string bytes) override {
    if (!pool_->loop.InLoop()) {
      pool_->loop.Post([self = shared_from_this(), bytes = std::move(bytes)]() mutable {
        self->Send(std::move(bytes));
      });
      return;
    }
    if (ended_ || body_finished_ || bytes.empty()) return;
    if (connection_ == nullptr) {
      waiting_bytes_ += bytes.size();
      waiting_.push_back(std::move(bytes));
      return;
    }
    WriteBody(std::move(bytes));
  }

  void FinishBody() override {
    pool_->loop.Dispatch([self = shared_from_this()] {
      if (self->ended_ || self->body_finished_) return;
      self->body_finished_ = true;
      if (self->connection_ != nullptr) self->WriteBodyEnd();
    });
  }

  void Cancel() override {
    pool_->loop.Dispatch([self = shared_from_this()] {
      self->End(Error{Code::kCancelled, "cancelled"});
    });
  }

  void PauseReading() override {
    paused_ = true;
    if (connection_ != nullptr) connection_->PauseReading();
  }
  void ResumeReading() override {
    paused_ = false;
    if (connection_ != nullptr) connection_->ResumeReading();
  }

  std::size_t buffered_bytes() const override {
    return waiting_bytes_ + (connection_ == nullptr ? 0 : connection_->buffered_bytes());
  }

  void OnData(std::string_view bytes) override {
    const auto self = shared_from_this();
    got_bytes_ = true;
    last_data_ = EventLoop::Now();
    input_.append(bytes);
    while (!ended_ && !input_.empty() && !parser_->done()) {
      const bool head_before = parser_->head_done();
      const std::size_t before = input_.size();
      if (const Status status = parser_->Parse(input_); !status.ok()) {
        End(status);
        return;
      }
      if (!head_before && parser_->head_done()) OnHead();
      if (input_.size() == before) break;
    }
    if (!ended_ && parser_->done()) Complete();
  }

  void OnDrained() override {
    if (events_.on_drained) events_.on_drained();
  }

  void OnClosed(const Error& reason) override {
    const auto self = shared_from_this();
    connection_ = nullptr;
    if (ended_) return;
    if (reused_ && !got_bytes_ && !options_.stream_body) {
      reused_ = false;  // the server gave up the kept connection at the same moment
      DialAnew();
      return;
    }
    if (parser_->head_done() && parser_->End().ok()) {
      Complete();
      return;
    }
    End(reason.message == "EOF" ? Error{Code::kUnavailable, "unexpected EOF"} : reason);
  }

 private:
  void DialAnew() {
    DialOptions dial;
    dial.endpoint = endpoint_;
    dial.tls = pool_->options.tls;
    dial.timeout = pool_->options.dial_timeout;
    Dial(pool_->loop, dial,
         [self = shared_from_this()](Result<std::shared_ptr<Connection>> connection) {
           if (self->ended_) {
             if (connection.ok()) (*connection)->Close();
           } else if (connection.ok()) {
             self->Attach(std::move(connection).value());
           } else {
             self->End(connection.error());
           }
         });
  }

  void Attach(std::shared_ptr<Connection> connection) {
    connection_ = std::move(connection);
    NewParser();
    WriteRequest();
    connection_->Start(this);
    if (paused_) connection_->PauseReading();
    if (options_.head_timeout.has_value()) {
      wait_timer_.Set(*options_.head_timeout, [this] {
        End(Error{Code::kDeadlineExceeded, "net/http: timeout awaiting response headers"});
      });
    }
  }

  void NewParser() {
    parser_ = HttpResponseParser::Make(pool_->options.header_bytes_max, request_.method == "HEAD");
    parser_->OnBody([this](std::string_view bytes) {
      if (!ended_ && events_.on_data) events_.on_data(bytes);
    });
  }

  void WriteRequest() {
    std::string head = request_.method + " " + request_.target + " HTTP/1.1\r\n";
    if (!request_.headers.Has("Host")) {
      head += "Host: " + (endpoint_.is_unix() ? "localhost" : ToHostPort(endpoint_)) + "\r\n";
    }
    for (const auto& [name, value] : request_.headers.fields()) {
      head += name + ": ";
      for (const char c : value) head += c == '\r' || c == '\n' ? ' ' : c;
      head += "\r\n";
    }
    const bool has_length = request_.headers.Has("Content-Length");
    chunked_ = options_.stream_body && !has_length;
    if (chunked_) {
      head += "Transfer-Encoding: chunked\r\n";
    } else if (!options_.stream_body && !has_length &&
               (!request_.body.empty() || request_.method == "POST" || request_.method == "PUT")) {
      head += "Content-Length: " + std::to_string(request_.body.size()) + "\r\n";
    }
    connection_->Write(head + "\r\n");
    if (!options_.stream_body) {
      connection_->Write(request_.body);
      return;
    }
    for (std::string& bytes : waiting_) WriteBody(std::move(bytes));
    waiting_.clear();
    waiting_bytes_ = 0;
    if (body_finished_) WriteBodyEnd();
  }

  void WriteBody(std::string bytes) {
    if (chunked_) return WriteChunk(*connection_, std::move(bytes));
    connection_->WriteOwned(std::move(bytes));
  }

  void WriteBodyEnd() {
    if (chunked_) WriteLastChunk(*connection_);
  }

  void OnHead() {
    const int status = parser_->response().status;
    if (status >= 100 && status < 200) {
      NewParser();  // an interim answer; the real one follows
      return;
    }
    wait_timer_.Cancel();
    if (options_.read_timeout.has_value()) WatchSilence(*options_.read_timeout);
    if (events_.on_head) events_.on_head(parser_->response());
  }

  // Looks again only when the silence could have lasted long enough: no timer is touched per piece.
  void WatchSilence(std::chrono::nanoseconds delay) {
    wait_timer_.Set(delay, [this] {
      const auto silent = EventLoop::Now() - last_data_;
      if (silent >= *options_.read_timeout) {
        End(Error{Code::kDeadlineExceeded, "i/o timeout"});
      } else {
        WatchSilence(*options_.read_timeout - silent);
      }
    });
  }

  void Complete() {
    const bool sent = !options_.stream_body || body_finished_;
    if (connection_ != nullptr && parser_->keep_alive() && sent && input_.empty() && !paused_) {
      connection_->Detach();
      pool_->Keep(ToUrl(endpoint_), std::exchange(connection_, nullptr));
    }
    End(Status());
  }

  void End(const Status& status) {
    if (ended_) return;
    const auto self = shared_from_this();
    ended_ = true;
    total_timer_.Cancel();
    wait_timer_.Cancel();
    if (connection_ != nullptr) {
      connection_->Detach();
      connection_->Close();
      connection_ = nullptr;
    }
    pool_->calls.erase(self);
    const HttpCallEvents events = std::move(events_);
    events_ = {};
    if (events.on_end) events.on_end(status);
  }

  const std::shared_ptr<Pool> pool_;
  const Endpoint endpoint_;
  const HttpRequest request_;
  const HttpCallOptions options_;
  HttpCallEvents events_;
  Timer total_timer_;
  Timer wait_timer_;  // for the head, then for each piece
  std::shared_ptr<Connection> connection_;
  std::unique_ptr<HttpResponseParser> parser_;
  std::string input_;
  std::vector<std::string> waiting_;  // body given before the connection stood
  std::size_t waiting_bytes_ = 0;
  std::chrono::steady_clock::time_point last_data_;
  bool chunked_ = false;
  bool reused_ = false;
  bool got_bytes_ = false;
  bool paused_ = false;
  bool body_finished_ = false;
  bool ended_ = false;
};

}  // namespace

struct HttpClient::Impl {
  std::shared_ptr<Pool> pool;
};

HttpClient::HttpClient(EventLoop& loop, HttpClientOptions options)
    : impl_(std::make_shared<Impl>()) {
  impl_->pool = std::make_shared<Pool>(loop, std::move(options));
}

HttpClient::~HttpClient() {
  impl_->pool->loop.RunSync([pool = impl_->pool] {
    pool->closed = true;
    pool->idle.clear();
    const auto calls = pool->calls;
    for (const auto& call : calls) call->Cancel();
  });
}

std::shared_ptr<HttpCall> HttpClient::Start(const Endpoint& endpoint, HttpRequest request,
                                            HttpCallOptions options, HttpCallEvents events) {
  auto call = std::make_shared<ClientCall>(impl_->pool, endpoint, std::move(request), options,
                                           std::move(events));
  impl_->pool->loop.Post([call] { call->Begin(); });
  return call;
}

void HttpClient::Fetch(const Endpoint& endpoint, HttpRequest request,
                       std::chrono::milliseconds timeout, std::size_t bytes_max,
                       std::function<void(Result<HttpResponse>)> done) {
  auto response = std::make_shared<HttpResponse>();
  auto call = std::make_shared<std::weak_ptr<HttpCall>>();
  auto overflow = std::make_shared<bool>(false);
  HttpCallOptions options;
  options.total_timeout = timeout;
  HttpCallEvents events;
  events.on_head = [response](const HttpResponse& head) { *response = head; };
  events.on_data = [response, call, overflow, bytes_max](std::string_view bytes) {
    response->body.append(bytes);
    if (response->body.size() <= bytes_max || *overflow) return;
    *overflow = true;
    if (const auto alive = call->lock()) alive->Cancel();
  };
  events.on_end = [response, overflow, done = std::move(done)](const Status& status) {
    if (*overflow) {
      done(Error{Code::kResourceExhausted, "http: response body too large"});
    } else if (status.ok()) {
      done(std::move(*response));
    } else {
      done(status.error());
    }
  };
  // Begun on the loop after `call` is set: Start only posts.
  auto started = std::make_shared<ClientCall>(impl_->pool, endpoint, std::move(request), options,
                                              std::move(events));
  *call = started;
  // This thread keeps nothing of it: it might let go last, and only the loop may touch its timers.
  impl_->pool->loop.Post([started = std::move(started)] { started->Begin(); });
}

}  // namespace quorate::net
