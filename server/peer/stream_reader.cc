#include "peer/stream_reader.h"

#include <algorithm>
#include <utility>

#include "base/bytes.h"
#include "base/log.h"
#include "net/endpoint.h"
#include "peer/headers.h"

namespace quorate::peer {
namespace {

// Between two attempts.
constexpr auto kRedialInterval = std::chrono::milliseconds(100);
constexpr std::size_t kRefusalBytesMax = 4096;
constexpr int kGone = 410;

}  // namespace

StreamReader::StreamReader(net::EventLoop& loop, net::HttpClient& client, const Options& options,
                           StreamKind kind, MemberId peer, Events& events,
                           std::function<void(Change)> connection_changed)
    : options_(options),
      kind_(kind),
      peer_(peer),
      client_(client),
      events_(events),
      connection_changed_(std::move(connection_changed)),
      timer_(loop) {}

StreamReader::~StreamReader() {
  generation_.reset();
  if (call_ != nullptr) call_->Cancel();
}

void StreamReader::Start(std::vector<std::string> urls) {
  if (urls == urls_) return;
  urls_ = std::move(urls);
  next_url_ = 0;
  if (call_ != nullptr) {
    generation_.reset();
    std::exchange(call_, nullptr)->Cancel();
  }
  Dial();
}

void StreamReader::Dial() {
  if (urls_.empty()) return;
  const auto endpoint = net::ParseUrl(urls_[next_url_++ % urls_.size()]);
  if (!endpoint.ok()) return Retry(kRedialInterval);
  net::HttpRequest request;
  request.target = std::string(PathOf(kind_)) + "/" + ToHex(options_.self.value);
  request.headers = RequestHeaders(options_);
  request.headers.Set(kToHeader, ToHex(peer_.value));
  decoder_ = MakeDecoder(kind_, peer_, options_.self);
  refusal_.clear();
  status_ = 0;
  generation_ = std::make_shared<int>(0);
  const std::weak_ptr<int> alive = generation_;
  net::HttpCallEvents events;
  events.on_head = [this, alive](const net::HttpResponse& head) {
    if (!alive.expired()) OnHead(head);
  };
  events.on_data = [this, alive](std::string_view bytes) {
    if (!alive.expired()) OnData(bytes);
  };
  events.on_end = [this, alive](const Status& status) {
    if (!alive.expired()) OnEnd(status);
  };
  net::HttpCallOptions options;
  options.head_timeout = options_.read_timeout;
  options.read_timeout = options_.read_timeout;
  call_ = client_.Start(*endpoint, std::move(request), options, std::move(events));
}

void StreamReader::OnHead(const net::HttpResponse& head) {
  status_ = head.status;
  if (status_ != 200) return;
  connected_ = true;
  ended_ = false;
  connected_at_ = net::EventLoop::Now();
  last_complaint_.clear();
  log::Info("established TCP streaming connection with remote peer",
            {{"stream-reader-type", PathOf(kind_)},
             {"local-member-id", ToHex(options_.self.value)},
             {"remote-peer-id", ToHex(peer_.value)}});
  connection_changed_(Change::kConnected);
}

void StreamReader::OnData(std::string_view bytes) {
  if (status_ != 200) {
    refusal_.append(
        bytes.substr(0, kRefusalBytesMax - std::min(refusal_.size(), kRefusalBytesMax)));
    return;
  }
  messages_.clear();
  const Status taken = decoder_->Take(bytes, messages_);
  if (!messages_.empty()) events_.OnMessages(messages_);
  if (taken.ok()) return;
  log::Warn("dropping a damaged peer stream",
            {{"remote-peer-id", ToHex(peer_.value)}, {"error", taken.error().message}});
  call_->Cancel();
}

void StreamReader::OnEnd(const Status& status) {
  call_.reset();
  generation_.reset();
  const bool was_connected = std::exchange(connected_, false);
  if (was_connected) connection_changed_(Change::kEnded);
  if (status_ == kGone) return events_.OnSelfRemoved();
  const bool nobody = std::exchange(ended_, was_connected) && status_ == 0;
  std::string complaint = status_ != 0 && status_ != 200 ? refusal_ : std::string();
  if (complaint.empty() && !status.ok()) complaint = status.error().message;
  while (complaint.ends_with("\n")) complaint.pop_back();
  if (was_connected) {
    log::Warn("lost TCP streaming connection with remote peer",
              {{"stream-reader-type", PathOf(kind_)},
               {"remote-peer-id", ToHex(peer_.value)},
               {"error", complaint.empty() ? "EOF" : complaint}});
  } else if (complaint != last_complaint_) {
    last_complaint_ = complaint;
    if (complaint == kClusterMismatch) {
      log::Error("request cluster ID mismatch",
                 {{"remote-peer-id", ToHex(peer_.value)},
                  {"local-member-cluster-id", ToHex(options_.cluster.value)}});
    } else {
      log::Info("peer stream is not available yet",
                {{"remote-peer-id", ToHex(peer_.value)}, {"error", complaint}});
    }
  }
  const bool stood = was_connected && net::EventLoop::Now() - connected_at_ > kRedialInterval;
  Retry(stood ? std::chrono::milliseconds(0) : kRedialInterval);
  if (nobody) connection_changed_(Change::kNobodyThere);
}

void StreamReader::Retry(std::chrono::milliseconds delay) {
  timer_.Set(delay, [this] { Dial(); });
}

}  // namespace quorate::peer
