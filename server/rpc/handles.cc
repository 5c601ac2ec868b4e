#include "rpc/handles.h"

namespace quorate::rpc {
namespace {

constexpr std::string_view kNoAnswer = "handler gave no answer";

// What UnaryCall and Stream share.
template <typename Interface>
class CallHandle : public Interface {
 public:
  explicit CallHandle(std::shared_ptr<H2Stream> stream) : stream_(std::move(stream)) {}
  ~CallHandle() override {
    if (stream_->ClaimAnswer()) {
      stream_->Do(Action::Kind::kFinish, std::string(kNoAnswer), static_cast<int>(Code::kInternal));
    }
  }
  CallHandle(const CallHandle&) = delete;
  CallHandle& operator=(const CallHandle&) = delete;

  std::string_view path() const override { return stream_->path(); }
  std::string_view metadata(std::string_view name) const override {
    return stream_->metadata(name);
  }
  bool has_metadata(std::string_view name) const override { return stream_->has_metadata(name); }
  std::optional<std::chrono::steady_clock::time_point> deadline() const override {
    return stream_->deadline();
  }
  const std::string& remote_address() const override {
    return stream_->connection().remote_address();
  }
  const std::optional<net::TlsPeer>& tls() const override { return stream_->connection().tls(); }
  net::EventLoop& loop() const override { return stream_->context().loop; }
  bool cancelled() const override { return stream_->cancelled(); }
  void OnCancel(std::function<void()> cancelled) override {
    if (stream_->cancelled()) {
      loop().Post(std::move(cancelled));
    } else {
      stream_->on_cancel = std::move(cancelled);
    }
  }

 protected:
  const std::shared_ptr<H2Stream> stream_;
};

class UnaryHandle final : public CallHandle<UnaryCall> {
 public:
  using CallHandle::CallHandle;

  std::string& request() override { return stream_->request(); }
  void Reply(std::string message) override {
    if (stream_->ClaimAnswer()) stream_->Do(Action::Kind::kReply, std::move(message));
  }
  void Fail(Error error) override {
    if (!stream_->ClaimAnswer()) return;
    stream_->Do(Action::Kind::kFinish, std::move(error.message), static_cast<int>(error.code));
  }
};

class StreamHandle final : public CallHandle<Stream> {
 public:
  using CallHandle::CallHandle;

  void OnMessage(std::function<void(std::string)> message) override {
    stream_->on_message = std::move(message);
  }
  void OnHalfClose(std::function<void()> closed) override {
    stream_->on_half_close = std::move(closed);
  }
  void OnDrained(std::function<void()> drained) override {
    stream_->on_drained = std::move(drained);
  }
  void Send(std::string message) override {
    stream_->Do(Action::Kind::kMessage, std::move(message));
  }
  void Send(std::shared_ptr<const std::string> message) override {
    stream_->DoShared(std::move(message));
  }
  void Finish(Status status) override {
    if (!stream_->ClaimAnswer()) return;
    if (status.ok()) {
      stream_->Do(Action::Kind::kFinish);
    } else {
      stream_->Do(Action::Kind::kFinish, status.error().message,
                  static_cast<int>(status.error().code));
    }
  }
  std::size_t buffered_bytes() const override { return stream_->buffered_bytes(); }
  void PauseMessages() override { stream_->Do(Action::Kind::kPause); }
  void ResumeMessages() override { stream_->Do(Action::Kind::kResume); }
};

class HttpHandle final : public net::HttpExchange {
 public:
  explicit HttpHandle(std::shared_ptr<H2Stream> stream)
      : stream_(std::move(stream)), request_(stream_->MakeHttpRequest()) {}
  ~HttpHandle() override {
    if (!stream_->ClaimAnswer()) return;
    stream_->DoRun([stream = stream_] { stream->SendHttpHeaders(500, {}, false); });
  }
  HttpHandle(const HttpHandle&) = delete;
  HttpHandle& operator=(const HttpHandle&) = delete;

  const net::HttpRequest& request() const override { return request_; }
  const net::Connection& connection() const override { return stream_->connection(); }
  net::EventLoop& loop() override { return stream_->context().loop; }

  void ReadBody(std::size_t bytes_max, std::function<void(Result<std::string>)> done) override {
    auto body = std::make_shared<std::string>();
    auto answer = std::make_shared<std::function<void(Result<std::string>)>>(std::move(done));
    StreamBody(
        [body, answer, bytes_max](std::string_view bytes) {
          if (!*answer) return true;
          body->append(bytes);
          if (body->size() <= bytes_max) return true;
          const auto too_large = std::exchange(*answer, nullptr);
          too_large(Error{Code::kResourceExhausted, "http: request body too large"});
          return true;
        },
        [body, answer](const Status& status) {
          const auto complete = std::exchange(*answer, nullptr);
          if (!complete) return;
          if (status.ok()) {
            complete(std::move(*body));
          } else {
            complete(status.error());
          }
        });
  }

  void StreamBody(std::function<bool(std::string_view)> data,
                  std::function<void(Status)> done) override {
    if (stream_->cancelled()) {
      loop().Post([done = std::move(done)] { done(Error{Code::kUnavailable, "unexpected EOF"}); });
      return;
    }
    stream_->on_body = std::move(data);
    stream_->on_body_end = std::move(done);
    loop().Post([stream = stream_] { stream->WantBody(); });
  }
  void ResumeBody() override {
    stream_->DoRun([stream = stream_] { stream->ResumeBody(); });
  }

  void Respond(net::HttpResponse response) override {
    if (!stream_->ClaimAnswer()) return;
    response.headers.Set("content-length", std::to_string(response.body.size()));
    const bool body = !response.body.empty() && request_.method != "HEAD";
    stream_->DoRun([stream = stream_, status = response.status, headers = response.headers, body] {
      stream->SendHttpHeaders(status, headers, body);
    });
    if (body) stream_->Do(Action::Kind::kReply, std::move(response.body));
  }
  void StartResponse(int status, net::Headers headers) override {
    stream_->DoRun([stream = stream_, status, headers = std::move(headers)] {
      stream->SendHttpHeaders(status, headers, true);
    });
  }
  void Send(std::string bytes) override { stream_->Do(Action::Kind::kMessage, std::move(bytes)); }
  void Finish() override {
    if (stream_->ClaimAnswer()) stream_->Do(Action::Kind::kFinish);
  }
  void Abort() override {
    if (!stream_->ClaimAnswer()) return;
    stream_->DoRun([stream = stream_] { stream->Reset(); });
  }

  std::size_t buffered_bytes() const override { return stream_->buffered_bytes(); }
  void OnDrained(std::function<void()> drained) override {
    stream_->on_drained = std::move(drained);
  }
  void OnCancel(std::function<void()> cancelled) override {
    if (stream_->cancelled()) {
      loop().Post(std::move(cancelled));
    } else {
      stream_->on_cancel = std::move(cancelled);
    }
  }

 private:
  const std::shared_ptr<H2Stream> stream_;
  const net::HttpRequest request_;
};

}  // namespace

std::shared_ptr<UnaryCall> MakeUnaryHandle(std::shared_ptr<H2Stream> stream) {
  return std::make_shared<UnaryHandle>(std::move(stream));
}

std::shared_ptr<Stream> MakeStreamHandle(std::shared_ptr<H2Stream> stream) {
  return std::make_shared<StreamHandle>(std::move(stream));
}

std::shared_ptr<net::HttpExchange> MakeHttpHandle(std::shared_ptr<H2Stream> stream) {
  return std::make_shared<HttpHandle>(std::move(stream));
}

}  // namespace quorate::rpc
