#include "peer/stream_writer.h"

#include <utility>

namespace quorate::peer {
namespace {

// Unsent bytes beyond which messages are dropped.
constexpr std::size_t kUnsentBytesMax = 32 << 20;

}  // namespace

StreamWriter::StreamWriter(net::EventLoop& loop, StreamKind kind,
                           std::chrono::nanoseconds heartbeat)
    : kind_(kind), heartbeat_(heartbeat), timer_(loop) {}

StreamWriter::~StreamWriter() {
  Close();
}

void StreamWriter::Attach(std::shared_ptr<net::HttpExchange> exchange, net::Headers headers) {
  Close();
  exchange_ = std::move(exchange);
  encoder_ = MakeEncoder(kind_);
  buffer_.clear();
  generation_ = std::make_shared<int>(0);
  exchange_->OnCancel([this, alive = std::weak_ptr<int>(generation_)] {
    if (!alive.expired()) Close();
  });
  exchange_->StartResponse(200, std::move(headers));
  Beat();
}

void StreamWriter::Close() {
  timer_.Cancel();
  generation_.reset();
  if (const auto exchange = std::exchange(exchange_, nullptr)) exchange->Abort();
}

bool StreamWriter::Write(const raft::Message& message) {
  if (exchange_ == nullptr || exchange_->buffered_bytes() + buffer_.size() > kUnsentBytesMax) {
    return false;
  }
  encoder_->Append(buffer_, message);
  return true;
}

void StreamWriter::Flush() {
  if (exchange_ == nullptr || buffer_.empty()) return;
  exchange_->Send(std::exchange(buffer_, {}));
  wrote_ = true;
}

void StreamWriter::Beat() {
  if (!std::exchange(wrote_, false)) {
    std::string beat;
    encoder_->AppendHeartbeat(beat);
    exchange_->Send(std::move(beat));
  }
  timer_.Set(heartbeat_, [this] { Beat(); });
}

}  // namespace quorate::peer
