#include "peer/snapshot_receiver.h"

#include <optional>
#include <utility>

#include "base/bytes.h"
#include "base/digest.h"
#include "base/log.h"
#include "net/event_loop.h"
#include "peer/headers.h"
#include "wire/raftpb.h"

namespace quorate::peer {
namespace {

// etcd's limit for the message before the database.
constexpr std::uint64_t kMessageBytesMax = std::uint64_t{64} << 20U;
constexpr std::size_t kLengthBytes = 8;
// Pieces are gathered to this size before they are written.
constexpr std::size_t kWriteBytes = 1 << 20;

class Reception : public std::enable_shared_from_this<Reception> {
 public:
  Reception(const Options& options, io::Disk& disk, const Background& background, Events& events,
            std::shared_ptr<net::HttpExchange> exchange, Receptions receptions)
      : options_(options),
        disk_(disk),
        background_(background),
        events_(events),
        loop_(exchange->loop()),
        exchange_(std::move(exchange)),
        expected_sha256_(exchange_->request().headers.Get(kSnapshotSha256Header)),
        receptions_(std::move(receptions)) {
    ++*receptions_;
  }
  ~Reception() { --*receptions_; }

  void Start() {
    exchange_->StreamBody(
        [self = shared_from_this()](std::string_view bytes) { return self->Take(bytes); },
        [self = shared_from_this()](const Status& status) { self->BodyEnded(status); });
  }

 private:
  // Returns false to hold the sender back while a write is under way.
  bool Take(std::string_view bytes) {
    buffer_.append(bytes);
    if (!message_ && !TakeMessage()) return true;
    if (buffer_.size() >= kWriteBytes) Write();
    return !writing_;
  }

  // Takes the message off the front of the buffer once it is whole. False: not yet, or refused.
  bool TakeMessage() {
    if (buffer_.size() < kLengthBytes) return false;
    const std::uint64_t size = ReadBigEndian64(buffer_);
    if (size > kMessageBytesMax) {
      Refuse(400, "error reading message from the request: the message is too large");
      return false;
    }
    if (buffer_.size() < kLengthBytes + size) return false;
    auto message = wire::DecodeMessage(std::string_view(buffer_).substr(kLengthBytes, size));
    if (!message.ok()) {
      Refuse(400, "failed to decode raft message");
      return false;
    }
    if (message->to != options_.self) {
      Refuse(403, "cannot process message to mismatch member");
      return false;
    }
    if (message->type != raft::MessageType::kSnap || message->snapshot == nullptr) {
      Refuse(400, "wrong raft message type");
      return false;
    }
    buffer_.erase(0, kLengthBytes + size);
    message_ = std::move(*message);
    log::Info("receiving database snapshot",
              {{"remote-snapshot-sender-id", ToHex(message_->from.value)},
               {"incoming-snapshot-index", message_->snapshot->metadata.index}});
    return true;
  }

  void Refuse(int status, const char* text) {
    refused_ = true;
    buffer_.clear();
    exchange_->Respond(net::HttpResponse::Text(status, text));
  }

  void BodyEnded(const Status& status) {
    if (refused_) return;
    if (!status.ok() || !message_) {
      failed_ = true;
      if (!status.ok()) {
        log::Warn("failed to receive database snapshot", {{"error", status.error().message}});
      } else {
        Refuse(400, "error reading message from the request: unexpected EOF");
      }
    }
    ended_ = true;
    if (!writing_) Write();
  }

  // Hands the buffer to a background thread; at the end, finishes the file there.
  void Write() {
    if (refused_) return;
    writing_ = true;
    const bool accepted =
        background_([self = shared_from_this(), piece = std::exchange(buffer_, {}), last = ended_,
                     failed = failed_]() mutable {
          Status written = failed ? Status() : self->Store(piece, last);
          if (failed || !written.ok()) self->Discard();
          net::EventLoop& loop = self->loop_;
          // With the reference: a reception ends on its loop, where its connection is.
          loop.Post([self = std::move(self), last, written = std::move(written)] {
            self->Written(last, written);
          });
        });
    if (accepted) return;
    Discard();
    Refuse(500, "too busy to store a snapshot");
  }

  void Written(bool last, const Status& status) {
    writing_ = false;
    if (!status.ok() && !failed_) {
      log::Warn("failed to save database snapshot", {{"error", status.error().message}});
      return Refuse(500, ("failed to save snapshot: " + status.error().message).c_str());
    }
    if (!last) {
      if (ended_) return Write();
      return exchange_->ResumeBody();
    }
    if (failed_) return;
    log::Info("received and saved database snapshot",
              {{"remote-snapshot-sender-id", ToHex(message_->from.value)},
               {"incoming-snapshot-index", message_->snapshot->metadata.index},
               {"bytes", offset_}});
    std::vector<raft::Message> messages;
    messages.push_back(std::move(*message_));
    events_.OnMessages(messages);
    net::HttpResponse answer;
    answer.status = 204;
    exchange_->Respond(std::move(answer));
  }

  // Background thread.
  Status Store(std::string_view piece, bool last) {
    const LogIndex index = message_->snapshot->metadata.index;
    if (file_ == nullptr) {
      temporary_ = options_.snapshot_directory + "/tmp-" + ToHex(index.value) + "-" +
                   ToHex(reinterpret_cast<std::uintptr_t>(this));
      file_ = TRY(disk_.Open(temporary_, io::OpenMode::kTruncate));
    }
    TRY(file_->WriteAt(offset_, AsBytes(piece)));
    offset_ += piece.size();
    if (!expected_sha256_.empty()) sha256_.Update(piece);
    if (!last) return {};
    TRY(CheckSnapshotSha256(sha256_.Finish(), expected_sha256_));
    TRY(file_->Sync());
    file_.reset();
    TRY(disk_.Rename(temporary_, ReceivedPath(options_, index)));
    temporary_.clear();
    return disk_.SyncDirectory(options_.snapshot_directory);
  }

  // What was stored of a snapshot that did not come whole.
  void Discard() {
    file_.reset();
    if (temporary_.empty()) return;
    const Status removed = disk_.Remove(std::exchange(temporary_, {}));
    if (removed.ok() || removed.error().code == Code::kNotFound) return;
    log::Warn("failed to remove an incomplete snapshot", {{"error", removed.error().message}});
  }

  const Options& options_;
  io::Disk& disk_;
  const Background& background_;
  Events& events_;
  net::EventLoop& loop_;
  const std::shared_ptr<net::HttpExchange> exchange_;
  const std::string expected_sha256_;  // empty: the sender did not say
  const Receptions receptions_;
  Sha256 sha256_;  // of what was written
  std::string buffer_;
  std::optional<raft::Message> message_;
  std::unique_ptr<io::File> file_;
  std::string temporary_;
  std::uint64_t offset_ = 0;
  bool writing_ = false;
  bool ended_ = false;
  bool failed_ = false;
  bool refused_ = false;
};

}  // namespace

void ReceiveSnapshot(const Options& options, io::Disk& disk, const Background& background,
                     Events& events, std::shared_ptr<net::HttpExchange> exchange,
                     Receptions receptions) {
  if (*receptions >= kReceptionsMax) {
    return exchange->Respond(net::HttpResponse::Text(503, "too many snapshots at once; try again"));
  }
  std::make_shared<Reception>(options, disk, background, events, std::move(exchange),
                              std::move(receptions))
      ->Start();
}

std::string ReceivedPath(const Options& options, LogIndex index) {
  std::string hex = ToHex(index.value);
  hex.insert(0, 16 - hex.size(), '0');
  return options.snapshot_directory + "/" + hex + ".snap.db";
}

}  // namespace quorate::peer
