#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "net/socket_connection.h"

namespace quorate::net {
namespace {

// One dial: name, then each address in turn, then TLS, all within one deadline.
class Dialing final : public Watcher, public std::enable_shared_from_this<Dialing> {
 public:
  Dialing(EventLoop& loop, DialOptions options,
          std::function<void(Result<std::shared_ptr<Connection>>)> done)
      : loop_(loop), options_(std::move(options)), done_(std::move(done)), timer_(loop) {}

  void Begin() {
    deadline_ = EventLoop::Now() + options_.timeout;
    timer_.Set(options_.timeout, [weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->TimeOut();
    });
    loop_.impl()->kept_alive.emplace(
        this, EventLoop::Impl::Kept{shared_from_this(), [this] {
                                      Finish(Error{Code::kCancelled, "dial: stopped"});
                                    }});
    if (options_.endpoint.is_unix()) {
      ConnectUnix();
      return;
    }
    // By the loop's parts: a lookup may end after the loop. The looker-up keeps nothing of this:
    // its thread may let go last, and only the loop may touch the timer.
    loop_.impl()->resolver.Resolve(
        options_.endpoint.host, options_.endpoint.port,
        [self = shared_from_this(),
         loop = loop_.impl()](Result<std::vector<RawAddress>> addresses) mutable {
          loop->Dispatch([self = std::move(self), addresses = std::move(addresses)] {
            if (!addresses.ok()) {
              self->Finish(Error{Code::kNotFound, "dial tcp: " + addresses.error().message});
              return;
            }
            self->addresses_ = *addresses;
            self->ConnectNext();
          });
        });
  }

 private:
  void ConnectUnix() {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (options_.endpoint.unix_path.size() >= sizeof address.sun_path) {
      Finish(Error{Code::kInvalidArgument, "dial unix: path too long"});
      return;
    }
    std::memcpy(address.sun_path, options_.endpoint.unix_path.data(),
                options_.endpoint.unix_path.size());
    addresses_ = {{AF_UNIX, std::string(reinterpret_cast<const char*>(&address), sizeof address)}};
    ConnectNext();
  }

  void ConnectNext() {
    if (!done_) return;
    if (next_ == addresses_.size()) {
      Finish(last_error_);
      return;
    }
    const RawAddress& address = addresses_[next_++];
    trying_ = address.family == AF_UNIX ? "unix " + options_.endpoint.unix_path
                                        : "tcp " + AddressText(address);
    const int descriptor = socket(address.family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor < 0) return Failed(errno);
    const auto* where = reinterpret_cast<const sockaddr*>(address.bytes.data());
    const int outcome = connect(descriptor, where, static_cast<socklen_t>(address.bytes.size()));
    if (outcome != 0 && errno != EINPROGRESS) {
      const int failure = errno;
      close(descriptor);
      return Failed(failure);
    }
    socket_.emplace(loop_.impl(), descriptor, this);
    if (outcome == 0) return Shake();
    socket_->AwaitWritable(true);
  }

  // Writable: connected, or refused.
  void OnReady(Readiness ready) override {
    if (!ready.writable || !socket_.has_value()) return;
    const auto self = shared_from_this();
    int failure = 0;
    socklen_t size = sizeof failure;
    getsockopt(socket_->socket(), SOL_SOCKET, SO_ERROR, &failure, &size);
    if (failure == 0) return Shake();
    socket_.reset();
    Failed(failure);
  }

  void Failed(int failure) {
    const Code code =
        failure == ECONNREFUSED || failure == ENOENT ? Code::kUnavailable : Code::kUnknown;
    last_error_ = {code, "dial " + trying_ + ": connect: " + ErrnoText(failure)};
    ConnectNext();
  }

  void Shake() {
    std::unique_ptr<TlsSession> session;
    if (options_.endpoint.tls) {
      if (options_.tls == nullptr) {
        Finish(Error{Code::kInvalidArgument, "dial " + trying_ + ": no TLS settings for https"});
        return;
      }
      auto made = TlsSession::ForClient(*options_.tls, options_.endpoint.host);
      if (!made.ok()) {
        Finish(made.error());
        return;
      }
      session = std::move(made).value();
    }
    const int connected = socket_->Release();
    socket_.reset();
    connection_ = std::make_shared<SocketConnection>(loop_, connected, std::move(session), nullptr);
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline_ - EventLoop::Now());
    connection_->Handshake(left, [self = shared_from_this()](const Status& status) {
      std::shared_ptr<SocketConnection> connection = std::move(self->connection_);
      if (status.ok()) {
        self->Finish(std::shared_ptr<Connection>(std::move(connection)));
      } else {
        self->Finish(status.error());
      }
    });
  }

  void TimeOut() {
    const std::string what = trying_.empty() ? "tcp " + ToHostPort(options_.endpoint) : trying_;
    Finish(Error{Code::kDeadlineExceeded, "dial " + what + ": i/o timeout"});
  }

  void Finish(Result<std::shared_ptr<Connection>> result) {
    if (!done_) {
      if (result.ok()) (*result)->Close();
      return;
    }
    const auto self = shared_from_this();
    timer_.Cancel();
    socket_.reset();
    const auto done = std::move(done_);
    done_ = nullptr;
    if (connection_ != nullptr) connection_->Close();
    loop_.impl()->kept_alive.erase(this);
    done(std::move(result));
  }

  EventLoop& loop_;
  const DialOptions options_;
  std::function<void(Result<std::shared_ptr<Connection>>)> done_;
  Timer timer_;
  std::chrono::steady_clock::time_point deadline_;
  std::vector<RawAddress> addresses_;
  std::size_t next_ = 0;
  std::string trying_;
  Error last_error_{Code::kUnknown, "dial: no address"};
  std::optional<Descriptor> socket_;  // while it connects
  std::shared_ptr<SocketConnection> connection_;
};

}  // namespace

void Dial(EventLoop& loop, DialOptions options,
          std::function<void(Result<std::shared_ptr<Connection>>)> done) {
  auto dialing = std::make_shared<Dialing>(loop, std::move(options), std::move(done));
  // Not in place even on the loop: the caller's state is settled before done runs.
  loop.Post([dialing] { dialing->Begin(); });
}

}  // namespace quorate::net
