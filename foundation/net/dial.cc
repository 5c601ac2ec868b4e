#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>

#include "net/socket_connection.h"

namespace quorate::net {
namespace {

// One dial: name, then each address in turn, then TLS, all within one deadline.
class Dialing : public std::enable_shared_from_this<Dialing> {
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
    // By the loop's parts: a lookup may end after the loop.
    loop_.impl()->resolver.Resolve(
        options_.endpoint.host, options_.endpoint.port,
        [self = shared_from_this(),
         loop = loop_.impl()](Result<std::vector<RawAddress>> addresses) {
          loop->Dispatch([self, addresses = std::move(addresses)] {
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
    socket_.emplace(loop_.impl()->io);
    const asio::generic::stream_protocol protocol(address.family, 0);
    boost::system::error_code failure;
    socket_->open(protocol, failure);
    if (failure) {
      Failed(failure);
      return;
    }
    const asio::generic::stream_protocol::endpoint endpoint(address.bytes.data(),
                                                            address.bytes.size());
    socket_->async_connect(endpoint,
                           [self = shared_from_this()](const boost::system::error_code& outcome) {
                             if (!self->done_) return;
                             if (outcome) {
                               self->Failed(outcome);
                             } else {
                               self->Shake();
                             }
                           });
  }

  void Failed(const boost::system::error_code& failure) {
    const Code code = failure == asio::error::connection_refused || failure.value() == ENOENT
                          ? Code::kUnavailable
                          : Code::kUnknown;
    last_error_ = {code, "dial " + trying_ + ": connect: " + ErrnoText(failure.value())};
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
    connection_ = std::make_shared<SocketConnection>(loop_, Renewed(), std::move(session), nullptr);
    socket_.reset();
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

  // Connecting told Asio to report for good when the socket can be written to, so that each read
  // would be followed by such a report. As a new socket of Asio's it is silent about that.
  SocketConnection::Socket Renewed() {
    boost::system::error_code ignored;
    const auto protocol = socket_->local_endpoint(ignored).protocol();
    SocketConnection::Socket renewed(loop_.impl()->io);
    const int descriptor = socket_->release(ignored);
    renewed.assign(protocol, descriptor, ignored);
    return renewed;
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
    if (socket_.has_value()) {
      boost::system::error_code ignored;
      socket_->close(ignored);
    }
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
  std::optional<SocketConnection::Socket> socket_;
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
