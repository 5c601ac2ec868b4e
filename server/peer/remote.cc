#include "peer/remote.h"

#include <utility>

namespace quorate::peer {

Remote::Remote(net::EventLoop& loop, net::HttpClient& client, const io::Clock& clock,
               const Options& options, MemberId id, Events& events)
    : clock_(clock),
      id_(id),
      events_(events),
      append_writer_(loop, StreamKind::kAppend, options.read_timeout / 3),
      message_writer_(loop, StreamKind::kMessage, options.read_timeout / 3),
      pipeline_(client, options, id, events),
      append_reader_(loop, client, options, StreamKind::kAppend, id, events,
                     [this](StreamReader::Change change) { ConnectionChanged(change); }),
      message_reader_(loop, client, options, StreamKind::kMessage, id, events,
                      [this](StreamReader::Change change) { ConnectionChanged(change); }) {}

void Remote::SetUrls(const std::vector<std::string>& urls) {
  if (urls == urls_) return;
  urls_ = urls;
  pipeline_.SetUrls(urls);
  append_reader_.Start(urls);
  message_reader_.Start(urls);
}

bool Remote::Send(const raft::Message& message) {
  if (message.type == raft::MessageType::kApp && append_writer_.attached()) {
    return append_writer_.Write(message);
  }
  if (message_writer_.attached()) return message_writer_.Write(message);
  return pipeline_.Post(message);
}

void Remote::Flush() {
  append_writer_.Flush();
  message_writer_.Flush();
}

void Remote::Attach(StreamKind kind, std::shared_ptr<net::HttpExchange> exchange,
                    net::Headers headers) {
  StreamWriter& writer = kind == StreamKind::kAppend ? append_writer_ : message_writer_;
  writer.Attach(std::move(exchange), std::move(headers));
}

std::optional<io::Clock::Instant> Remote::connected_since() const {
  const std::int64_t since = since_.load();
  if (since == 0) return std::nullopt;
  return io::Clock::Instant(std::chrono::nanoseconds(since));
}

void Remote::ConnectionChanged(StreamReader::Change change) {
  const bool connected = append_reader_.connected() || message_reader_.connected();
  if (!connected) {
    since_ = 0;
  } else if (since_ == 0) {
    since_ = clock_.Now().time_since_epoch().count();
  }
  if (change == StreamReader::Change::kNobodyThere && !connected) events_.OnGone(id_);
}

}  // namespace quorate::peer
