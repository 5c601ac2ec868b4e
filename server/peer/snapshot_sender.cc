#include "peer/snapshot_sender.h"

#include <utility>

#include "base/bytes.h"
#include "base/log.h"
#include "net/endpoint.h"
#include "peer/headers.h"
#include "wire/raftpb.h"

namespace quorate::peer {
namespace {

constexpr std::size_t kPieceBytes = 256 * 1024;
constexpr std::size_t kUnsentBytesMax = 1 << 20;
// etcd gives a snapshot this long before it calls it failed: no answer after the last byte.
constexpr auto kAnswerPatience = std::chrono::minutes(5);

// Transfer: one snapshot on its way. Lives in its callbacks until it ends.
class Transfer : public std::enable_shared_from_this<Transfer> {
 public:
  Transfer(net::EventLoop& loop, const Background& background, std::shared_ptr<SnapshotBody> body,
           MemberId to, std::function<void(bool)> done)
      : loop_(loop),
        background_(background),
        body_(std::move(body)),
        to_(to),
        done_(std::move(done)) {}

  void Start(net::HttpClient& client, const net::Endpoint& endpoint, net::HttpRequest request,
             std::string head) {
    net::HttpCallOptions options;
    options.stream_body = true;
    options.read_timeout = kAnswerPatience;
    net::HttpCallEvents events;
    events.on_head = [self = shared_from_this()](const net::HttpResponse& answer) {
      self->status_ = answer.status;
    };
    events.on_end = [self = shared_from_this()](const Status& status) { self->End(status); };
    events.on_drained = [self = shared_from_this()] { self->NextPiece(); };
    call_ = client.Start(endpoint, std::move(request), options, std::move(events));
    call_->Send(std::move(head));
    NextPiece();
  }

 private:
  // Reads one piece in the background, unless one is being read or enough is unsent.
  void NextPiece() {
    if (reading_ || finished_ || call_ == nullptr || call_->buffered_bytes() > kUnsentBytesMax) {
      return;
    }
    reading_ = true;
    const bool accepted = background_([self = shared_from_this()]() mutable {
      std::string piece(kPieceBytes, '\0');
      Result<std::size_t> got =
          self->body_->Read(std::as_writable_bytes(std::span(piece.data(), piece.size())));
      if (got.ok()) piece.resize(*got);
      net::EventLoop& loop = self->loop_;
      loop.Post([self = std::move(self), got = std::move(got), piece = std::move(piece)]() mutable {
        self->HavePiece(got, std::move(piece));
      });
    });
    if (!accepted) call_->Cancel();
  }

  void HavePiece(const Result<std::size_t>& got, std::string piece) {
    reading_ = false;
    if (call_ == nullptr) return;
    if (!got.ok()) {
      log::Warn("failed to read a snapshot to send", {{"error", got.error().message}});
      return call_->Cancel();
    }
    if (piece.empty()) {
      finished_ = true;
      return call_->FinishBody();
    }
    call_->Send(std::move(piece));
    NextPiece();
  }

  void End(const Status& status) {
    call_.reset();
    const bool delivered = status.ok() && status_ == 204;
    if (delivered) {
      log::Info("sent database snapshot", {{"remote-peer-id", ToHex(to_.value)}});
    } else {
      log::Warn("failed to send database snapshot",
                {{"remote-peer-id", ToHex(to_.value)},
                 {"status", status_},
                 {"error", status.ok() ? "" : status.error().message}});
    }
    if (const auto done = std::exchange(done_, nullptr)) done(delivered);
  }

  net::EventLoop& loop_;
  const Background& background_;
  const std::shared_ptr<SnapshotBody> body_;
  const MemberId to_;
  std::function<void(bool)> done_;
  std::shared_ptr<net::HttpCall> call_;
  int status_ = 0;
  bool reading_ = false;
  bool finished_ = false;
};

}  // namespace

void SendSnapshot(net::EventLoop& loop, net::HttpClient& client, const Options& options,
                  const Background& background, const std::string& url,
                  const raft::Message& message, std::shared_ptr<SnapshotBody> body,
                  std::function<void(bool)> done) {
  const auto endpoint = net::ParseUrl(url);
  if (!endpoint.ok()) return done(false);
  // The body's size is known only once the background has made it.
  const bool accepted = background([&loop, &client, &options, &background, endpoint = *endpoint,
                                    message, body, done]() mutable {
    const std::uint64_t size = body->size();
    const std::string sha256 = ToHex(body->sha256());
    loop.Post([&loop, &client, &options, &background, endpoint, message, body, done, size, sha256] {
      std::string head;
      AppendBigEndian64(head, wire::MessageSize(message));
      wire::AppendMessage(head, message);
      net::HttpRequest request;
      request.method = "POST";
      request.target = "/raft/snapshot";
      request.headers = RequestHeaders(options);
      request.headers.Set("Content-Type", "application/octet-stream");
      request.headers.Set("Content-Length", std::to_string(head.size() + size));
      if (!sha256.empty()) request.headers.Set(kSnapshotSha256Header, sha256);
      log::Info("sending database snapshot", {{"remote-peer-id", ToHex(message.to.value)},
                                              {"snapshot-index", message.snapshot->metadata.index},
                                              {"bytes", size}});
      auto transfer = std::make_shared<Transfer>(loop, background, body, message.to, done);
      transfer->Start(client, endpoint, std::move(request), std::move(head));
    });
  });
  if (!accepted) done(false);
}

}  // namespace quorate::peer
