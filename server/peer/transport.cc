#include "peer/transport.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <utility>

#include "base/bytes.h"
#include "base/log.h"
#include "peer/headers.h"
#include "peer/snapshot_receiver.h"
#include "peer/snapshot_sender.h"
#include "wire/raftpb.h"

namespace quorate::peer {
namespace {

constexpr std::size_t kStrangersMax = 16;
constexpr const char* kNotForUsToTell = "a voter tells more; try again";

void Respond(net::HttpExchange& exchange, const Options& options, int status,
             std::string_view text) {
  net::HttpResponse response = net::HttpResponse::Text(status, text);
  const net::Headers headers = AnswerHeaders(options);
  for (const auto& [name, value] : headers.fields()) response.headers.Set(name, value);
  exchange.Respond(std::move(response));
}

std::vector<std::string> SplitUrls(std::string_view text) {
  std::vector<std::string> urls;
  while (!text.empty()) {
    const std::string_view url = text.substr(0, text.find(','));
    text.remove_prefix(std::min(text.size(), url.size() + 1));
    if (!url.empty()) urls.emplace_back(url);
  }
  return urls;
}

// The prober measures the skew of the two clocks by it.
std::string Rfc3339(std::chrono::system_clock::time_point time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  const std::chrono::year_month_day date{std::chrono::floor<std::chrono::days>(seconds)};
  const std::chrono::hh_mm_ss clock{seconds - std::chrono::floor<std::chrono::days>(seconds)};
  char text[40];
  const int size = std::snprintf(
      text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02d.%09lldZ", static_cast<int>(date.year()),
      static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
      static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
      static_cast<int>(clock.seconds().count()),
      static_cast<long long>(std::chrono::nanoseconds(time - seconds).count()));
  return {text, static_cast<std::size_t>(size)};
}

// PostedBody: the bytes of a message that is being posted, counted in the sum of all.
class PostedBody {
 public:
  explicit PostedBody(std::shared_ptr<std::size_t> sum) : sum_(std::move(sum)) {}
  ~PostedBody() { Forget(); }
  PostedBody(const PostedBody&) = delete;
  PostedBody& operator=(const PostedBody&) = delete;

  // False: no room; then all of it is forgotten.
  bool Add(std::string_view bytes, std::size_t sum_max) {
    if (refused_ || *sum_ + bytes.size() > sum_max) {
      refused_ = true;
      Forget();
      return false;
    }
    bytes_.append(bytes);
    *sum_ += bytes.size();
    return true;
  }
  bool refused() const { return refused_; }
  std::string Take() {
    *sum_ -= bytes_.size();
    return std::exchange(bytes_, {});
  }

 private:
  void Forget() { Take(); }

  const std::shared_ptr<std::size_t> sum_;
  std::string bytes_;
  bool refused_ = false;
};

std::string_view LastPart(std::string_view path) {
  return path.substr(path.rfind('/') + 1);
}

}  // namespace

Transport::Transport(Options options, Parts parts)
    : options_(std::move(options)), parts_(std::move(parts)) {
  net::HttpClientOptions client;
  client.dial_timeout = options_.dial_timeout;
  client_ = std::make_unique<net::HttpClient>(*parts_.loop, client);
}

Transport::~Transport() {
  Stop();
}

void Transport::Stop() {
  parts_.loop->RunSync([this] {
    alive_.reset();
    remotes_.clear();
    strangers_.clear();
    MutexLock lock(mutex_);
    shared_.clear();
  });
}

void Transport::Send(std::vector<raft::Message>& messages) {
  if (messages.empty()) return;
  if (parts_.loop->InLoop()) {
    SendNow(messages);
    return messages.clear();
  }
  parts_.loop->Post([this, alive = std::weak_ptr<int>(alive_),
                     batch = std::make_shared<std::vector<raft::Message>>(std::move(messages))] {
    if (!alive.expired()) SendNow(*batch);
  });
  messages.clear();
}

void Transport::SendNow(std::vector<raft::Message>& messages) {
  std::vector<Remote*> written;
  for (const raft::Message& message : messages) {
    Remote* remote = Find(message.to);
    if (remote == nullptr) continue;  // removed meanwhile
    if (!remote->Send(message)) parts_.events->OnUnreachable(message.to);
    if (written.empty() || written.back() != remote) written.push_back(remote);
  }
  for (Remote* remote : written) remote->Flush();
}

void Transport::SendSnapshot(raft::Message message, std::shared_ptr<SnapshotBody> body,
                             std::function<void(bool)> done) {
  parts_.loop->Post([this, alive = std::weak_ptr<int>(alive_), message = std::move(message),
                     body = std::move(body), done = std::move(done)]() mutable {
    if (alive.expired()) return done(false);
    Remote* remote = Find(message.to);
    if (remote == nullptr || remote->urls().empty()) return done(false);
    peer::SendSnapshot(*parts_.loop, *client_, options_, parts_.background, remote->urls().front(),
                       message, std::move(body), std::move(done));
  });
}

void Transport::UpdatePeers(const PeerUrls& peers) {
  parts_.loop->Dispatch([this, alive = std::weak_ptr<int>(alive_), peers] {
    if (alive.expired()) return;
    std::erase_if(remotes_, [&peers](const auto& entry) { return !peers.contains(entry.first); });
    for (const auto& [id, urls] : peers) {
      strangers_.erase(id);
      RemotePtr& remote = remotes_[id];
      if (remote == nullptr) {
        remote = std::make_shared<Remote>(*parts_.loop, *client_, *parts_.clock, options_, id,
                                          *parts_.events);
      }
      remote->SetUrls(urls);
    }
    MutexLock lock(mutex_);
    shared_ = remotes_;
  });
}

std::optional<io::Clock::Instant> Transport::ConnectedSince(MemberId member) const {
  MutexLock lock(mutex_);
  const auto found = shared_.find(member);
  if (found == shared_.end()) return std::nullopt;
  return found->second->connected_since();
}

Remote* Transport::Find(MemberId member) {
  const auto found = remotes_.find(member);
  if (found != remotes_.end()) return found->second.get();
  const auto stranger = strangers_.find(member);
  return stranger == strangers_.end() ? nullptr : stranger->second.get();
}

void Transport::Serve(std::shared_ptr<net::HttpExchange> exchange) {
  const std::string_view path = exchange->request().path();
  if (alive_ == nullptr) return Respond(*exchange, options_, 503, "server stopped");
  if (path == "/raft/probing") {
    exchange->Respond(net::HttpResponse::Json(
        200, R"({"OK":true,"Now":")" + Rfc3339(parts_.clock->WallNow()) + R"("})"));
  } else if (path == "/raft") {
    if (!Refused(*exchange, "POST")) ServeMessage(exchange);
  } else if (path == "/raft/snapshot") {
    if (Refused(*exchange, "POST")) return;
    ReceiveSnapshot(options_, *parts_.disk, parts_.background, *parts_.events, std::move(exchange),
                    receptions_);
  } else if (path.starts_with("/raft/stream/")) {
    if (!Refused(*exchange, "GET")) ServeStream(std::move(exchange));
  } else {
    Respond(*exchange, options_, 404, "404 page not found");
  }
}

bool Transport::Refused(net::HttpExchange& exchange, const char* method) {
  if (exchange.request().method != method) {
    Respond(exchange, options_, 405, "Method Not Allowed");
    return true;
  }
  const auto refusal = Refusal(options_, exchange.request().headers);
  if (!refusal) return false;
  log::Warn("refused a request from a peer",
            {{"remote", exchange.connection().remote_address()},
             {"remote-member-id", exchange.request().headers.Get(kFromHeader)},
             {"remote-cluster-id", exchange.request().headers.Get(kClusterIdHeader)},
             {"reason", *refusal}});
  Respond(exchange, options_, 412, *refusal);
  return true;
}

void Transport::ServeStream(std::shared_ptr<net::HttpExchange> exchange) {
  const std::string_view path = exchange->request().path();
  const auto from = ParseHex(LastPart(path));
  const bool append = path.starts_with(PathOf(StreamKind::kAppend));
  if (!append && !path.starts_with(PathOf(StreamKind::kMessage))) {
    return Respond(*exchange, options_, 404, "invalid path");
  }
  if (!from) return Respond(*exchange, options_, 404, "invalid from");
  const MemberId member{*from};
  if (parts_.events->IsRemoved(member)) {
    // Who was asked for another member, be it by the removed one itself, does not answer for that
    // member: of two voters the one that stays may need the removed one until it knows itself.
    const auto to = ParseHex(exchange->request().headers.Get(kToHeader));
    if (to && MemberId{*to} != options_.self && Find(MemberId{*to}) != nullptr) {
      return Respond(*exchange, options_, 412, kToMismatch);
    }
    if (!parts_.events->TellsRemoved()) return Respond(*exchange, options_, 503, kNotForUsToTell);
    return Respond(*exchange, options_, 410, "removed member");
  }
  Remote* remote = Find(member);
  if (remote == nullptr) {
    // It knows us from the running cluster; we shall know it when the log says so. Until then its
    // own word suffices to be caught up by it.
    const auto urls = SplitUrls(exchange->request().headers.Get(kPeerUrlsHeader));
    if (!urls.empty() && strangers_.size() < kStrangersMax && member != options_.self) {
      auto stranger = std::make_shared<Remote>(*parts_.loop, *client_, *parts_.clock, options_,
                                               member, *parts_.events);
      stranger->SetUrls(urls);
      strangers_.emplace(member, std::move(stranger));
    }
    return Respond(*exchange, options_, 404, "error sender not found");
  }
  if (const auto refusal = StreamRefusal(options_, exchange->request().headers)) {
    return Respond(*exchange, options_, 412, *refusal);
  }
  remote->Attach(append ? StreamKind::kAppend : StreamKind::kMessage, std::move(exchange),
                 AnswerHeaders(options_));
}

void Transport::ServeMessage(const std::shared_ptr<net::HttpExchange>& exchange) {
  const auto body = std::make_shared<PostedBody>(posted_bytes_);
  exchange->StreamBody(
      [this, exchange, body](std::string_view bytes) {
        if (!body->refused() && !body->Add(bytes, options_.posted_bytes_max)) {
          Respond(*exchange, options_, 503, "too many messages at once; try again");
        }
        return true;
      },
      [this, exchange, body](const Status& status) {
        if (body->refused()) return;
        if (!status.ok()) return Respond(*exchange, options_, 400, "error reading raft message");
        TakeMessage(*exchange, body->Take());
      });
}

void Transport::TakeMessage(net::HttpExchange& exchange, std::string body) {
  auto buffer = std::make_shared<const std::string>(std::move(body));
  auto message = wire::DecodeMessage(buffer, *buffer);
  if (!message.ok()) return Respond(exchange, options_, 400, "error unmarshalling raft message");
  if (message->to != options_.self) {
    return Respond(exchange, options_, 403, "cannot process message to mismatch member");
  }
  if (parts_.events->IsRemoved(message->from)) {
    if (!parts_.events->TellsRemoved()) return Respond(exchange, options_, 503, kNotForUsToTell);
    return Respond(exchange, options_, 403, "cannot process message from removed member");
  }
  std::vector<raft::Message> messages;
  messages.push_back(std::move(*message));
  parts_.events->OnMessages(messages);
  net::HttpResponse answer;
  answer.status = 204;
  answer.headers = AnswerHeaders(options_);
  exchange.Respond(std::move(answer));
}

}  // namespace quorate::peer
