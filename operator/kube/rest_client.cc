#include "kube/rest_client.h"

#include <utility>
// <utility> before Boost: its 1.74 forgets to include it.
#include <cpprest/containerstream.h>
#include <cpprest/http_client.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <pplx/threadpool.h>

#include <boost/asio/ssl.hpp>
#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>

#include "base/log.h"
#include "base/mutex.h"
#include "io/clock.h"
#include "io/disk.h"

namespace quorate::kube {
namespace {

using web::http::http_request;
using web::http::http_response;
using web::http::client::http_client;
using web::http::client::http_client_config;

constexpr std::size_t kPoolThreads = 4;
constexpr std::size_t kErrorBodyMax = std::size_t{1} << 20U;
constexpr std::chrono::seconds kTokenLife{60};
constexpr std::chrono::minutes kIdentityCheck{5};

// cpprestsdk would start 40 threads; its continuations here never wait, so a few are plenty.
void StartPoolOnce() {
  static std::once_flag once;
  std::call_once(once, [] {
    try {
      crossplat::threadpool::initialize_with_threads(kPoolThreads);
    } catch (const std::exception&) {
      log::Debug("the http thread pool was started before us");
    }
  });
}

Error FromException(const std::exception& e, bool cancelled) {
  if (cancelled) return Error{Code::kCancelled, "cancelled"};
  if (dynamic_cast<const pplx::task_canceled*>(&e) != nullptr) {
    return Error{Code::kCancelled, "cancelled"};
  }
  if (const auto* http = dynamic_cast<const web::http::http_exception*>(&e)) {
    const auto& code = http->error_code();
    if (code == std::errc::operation_canceled) return Error{Code::kCancelled, "cancelled"};
    if (code == std::errc::timed_out) return Error{Code::kDeadlineExceeded, e.what()};
  }
  return Error{Code::kUnavailable, e.what()};
}

std::string EncodeBase64(const std::string& text) {
  return utility::conversions::to_base64(std::vector<unsigned char>(text.begin(), text.end()));
}

HttpResponse HeadOf(const http_response& answer) {
  HttpResponse head;
  head.status = answer.status_code();
  const auto& headers = answer.headers();
  if (const auto it = headers.find("Content-Type"); it != headers.end()) {
    head.content_type = it->second;
  }
  if (const auto it = headers.find("Retry-After"); it != headers.end()) {
    const std::string& text = it->second;
    if (!text.empty() && text.size() < 7 &&
        text.find_first_not_of("0123456789") == std::string::npos) {
      head.retry_after = std::chrono::seconds(std::stoi(text));
    }
  }
  return head;
}

// What a TLS handshake needs, as text, read from where it stands.
struct Identity {
  std::string ca;
  std::string certificate;
  std::string key;

  bool operator==(const Identity&) const = default;
};

Result<std::string> ReadMaterial(io::Disk& disk, const Material& material) {
  if (!material.inline_text.empty() || material.file.empty()) return material.inline_text;
  return io::ReadFile(disk, material.file);
}

Result<Identity> ReadIdentity(io::Disk& disk, const ConnectionConfig& config) {
  return Identity{TRY(ReadMaterial(disk, config.ca)),
                  TRY(ReadMaterial(disk, config.client_certificate)),
                  TRY(ReadMaterial(disk, config.client_key))};
}

// Puts the identity into a connection's context. Never throws: it runs on the pool's threads.
Status ApplyIdentity(const Identity& identity, boost::asio::ssl::context& context) {
  namespace asio = boost::asio;
  boost::system::error_code error;
  SSL_CTX_set_min_proto_version(context.native_handle(), TLS1_2_VERSION);
  if (!identity.ca.empty()) {
    // A store of its own: with a CA given, the system's authorities do not count.
    SSL_CTX_set_cert_store(context.native_handle(), X509_STORE_new());
    context.add_certificate_authority(asio::buffer(identity.ca), error);
    if (error) {
      return Error{Code::kInvalidArgument, "certificate authority: " + error.message()};
    }
  }
  if (identity.certificate.empty()) return {};
  context.use_certificate_chain(asio::buffer(identity.certificate), error);
  if (error) return Error{Code::kInvalidArgument, "client certificate: " + error.message()};
  context.use_private_key(asio::buffer(identity.key), asio::ssl::context::pem, error);
  if (error) return Error{Code::kInvalidArgument, "client key: " + error.message()};
  return {};
}

// A line of a watch on its way from the pool's threads to the reader.
struct StreamState {
  using Event = HttpStream::Event;

  Mutex mutex;
  Condition changed;
  bool pending QUORATE_GUARDED_BY(mutex) = true;  // a continuation will still Deliver()
  bool cancelled QUORATE_GUARDED_BY(mutex) = false;
  std::optional<Result<Event>> ready QUORATE_GUARDED_BY(mutex);
  std::optional<Result<Event>> last QUORATE_GUARDED_BY(mutex);  // kEnd or an Error: for good
  std::optional<http_response> answer QUORATE_GUARDED_BY(mutex);
  pplx::cancellation_token_source stop;

  void Deliver(Result<Event> event) {
    {
      MutexLock lock(mutex);
      pending = false;
      ready = std::move(event);
    }
    changed.notify_all();
  }
  void Fail(const std::exception& e) {
    bool was_cancelled = false;
    {
      MutexLock lock(mutex);
      was_cancelled = cancelled;
    }
    Deliver(FromException(e, was_cancelled));
  }
};

void DeliverHead(const std::shared_ptr<StreamState>& state, http_response answer) {
  HttpStream::Event event;
  event.kind = HttpStream::Event::Kind::kHead;
  event.head = HeadOf(answer);
  if (event.head.status == 200) {
    // The body's own failure is seen by read_line; unobserved it would end the process.
    answer.content_ready().then([](pplx::task<http_response> done) {
      try {
        done.get();
      } catch (const std::exception& e) {
        log::Debug("watch body ended", {{"error", e.what()}});
      }
    });
    {
      MutexLock lock(state->mutex);
      state->answer = answer;
    }
    state->Deliver(std::move(event));
    return;
  }
  answer.extract_vector().then([state, event](pplx::task<std::vector<unsigned char>> body) mutable {
    try {
      const auto bytes = body.get();
      event.head.body.assign(bytes.begin(), bytes.end());
      event.head.body.resize(std::min(event.head.body.size(), kErrorBodyMax));
      state->Deliver(std::move(event));
    } catch (const std::exception& e) {
      state->Fail(e);
    }
  });
}

void ReadLine(const std::shared_ptr<StreamState>& state, http_response answer) {
  auto buffer = std::make_shared<concurrency::streams::container_buffer<std::string>>();
  auto body = answer.body();
  body.read_line(*buffer).then([state, buffer, body](pplx::task<std::size_t> read) {
    try {
      const std::size_t count = read.get();
      HttpStream::Event event;
      event.kind = HttpStream::Event::Kind::kLine;
      event.line = std::move(buffer->collection());
      if (count == 0 && body.is_eof()) event.kind = HttpStream::Event::Kind::kEnd;
      state->Deliver(std::move(event));
    } catch (const std::exception& e) {
      state->Fail(e);
    }
  });
}

class RestStream final : public HttpStream {
 public:
  explicit RestStream(std::shared_ptr<StreamState> state) : state_(std::move(state)) {}
  ~RestStream() override { Cancel(); }

  Result<Event> Next(std::chrono::milliseconds patience) override {
    std::optional<http_response> ask;
    {
      MutexLock lock(state_->mutex);
      if (state_->last) return *state_->last;
      if (!state_->pending && !state_->ready) {
        if (!state_->answer) return Remember(Event{Event::Kind::kEnd, {}, {}});
        state_->pending = true;
        ask = state_->answer;
      }
    }
    if (ask) ReadLine(state_, *ask);
    MutexLock lock(state_->mutex);
    const bool arrived =
        state_->changed.wait_for(state_->mutex, patience, [this]() QUORATE_REQUIRES(state_->mutex) {
          return state_->ready.has_value() || state_->cancelled;
        });
    if (state_->cancelled) return Remember(Error{Code::kCancelled, "cancelled"});
    if (!arrived) return Event{};
    Result<Event> event = std::move(*state_->ready);
    state_->ready.reset();
    if (!event.ok() || event->kind == Event::Kind::kEnd) return Remember(std::move(event));
    return event;
  }

  void Cancel() override {
    {
      MutexLock lock(state_->mutex);
      if (state_->cancelled) return;
      state_->cancelled = true;
    }
    state_->changed.notify_all();
    state_->stop.cancel();
  }

 private:
  Result<Event> Remember(Result<Event> event) QUORATE_REQUIRES(state_->mutex) {
    state_->last = event;
    return event;
  }

  const std::shared_ptr<StreamState> state_;
};

}  // namespace

struct RestClient::Impl {
  Impl(ConnectionConfig config_in, io::Clock& clock_in, io::Disk& disk_in)
      : config(std::move(config_in)), clock(clock_in), disk(disk_in) {}

  const ConnectionConfig config;
  io::Clock& clock;
  io::Disk& disk;
  Mutex mutex;
  // One client, with its own pool of connections, per idle limit.
  std::map<std::chrono::milliseconds, std::shared_ptr<http_client>> clients
      QUORATE_GUARDED_BY(mutex);
  Identity identity QUORATE_GUARDED_BY(mutex);
  io::Clock::Instant identity_checked QUORATE_GUARDED_BY(mutex);
  std::string token QUORATE_GUARDED_BY(mutex);
  std::optional<io::Clock::Instant> token_read QUORATE_GUARDED_BY(mutex);

  Result<std::shared_ptr<http_client>> ClientFor(std::chrono::milliseconds quiet_max);
  http_client_config MakeConfig(std::chrono::milliseconds quiet_max);
  void RefreshIdentity();
  std::string Token();
  bool ForgetToken();  // true when a different one can be read
  Result<http_request> MakeRequest(const HttpRequest& request);
  Result<HttpResponse> SendOnce(const HttpRequest& request, std::chrono::milliseconds quiet_max);
};

Result<std::unique_ptr<RestClient>> RestClient::Create(ConnectionConfig config, io::Clock& clock,
                                                       io::Disk& disk) {
  StartPoolOnce();
  auto impl = std::make_shared<Impl>(std::move(config), clock, disk);
  Identity identity = TRY(ReadIdentity(disk, impl->config));
  boost::asio::ssl::context probe(boost::asio::ssl::context::tls_client);
  if (auto status = ApplyIdentity(identity, probe); !status.ok()) {
    return Annotate(std::move(status).error(), "connect to " + impl->config.server);
  }
  {
    MutexLock lock(impl->mutex);
    impl->identity = std::move(identity);
    impl->identity_checked = clock.Now();
  }
  TRY(impl->ClientFor(std::chrono::seconds(30)));
  return std::unique_ptr<RestClient>(new RestClient(std::move(impl)));
}

RestClient::RestClient(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
RestClient::~RestClient() = default;

Result<HttpResponse> RestClient::Send(const HttpRequest& request,
                                      std::chrono::milliseconds quiet_max) {
  auto response = impl_->SendOnce(request, quiet_max);
  if (response.ok() && response->status == 401 && impl_->ForgetToken()) {
    return impl_->SendOnce(request, quiet_max);
  }
  return response;
}

std::unique_ptr<HttpStream> RestClient::Open(const HttpRequest& request,
                                             std::chrono::milliseconds quiet_max) {
  auto state = std::make_shared<StreamState>();
  auto stream = std::make_unique<RestStream>(state);
  auto client = impl_->ClientFor(quiet_max);
  auto message = impl_->MakeRequest(request);
  if (!client.ok() || !message.ok()) {
    state->Deliver(client.ok() ? std::move(message).error() : std::move(client).error());
    return stream;
  }
  // `keep` holds the client until the answer came, even when its identity is renewed meanwhile.
  const std::shared_ptr<http_client> keep = *client;
  keep->request(*message, state->stop.get_token())
      .then([state, keep, impl = impl_](pplx::task<http_response> answer) {
        try {
          http_response got = answer.get();
          if (got.status_code() == 401) impl->ForgetToken();
          DeliverHead(state, std::move(got));
        } catch (const std::exception& e) {
          state->Fail(e);
        }
      });
  return stream;
}

Result<std::shared_ptr<http_client>> RestClient::Impl::ClientFor(
    std::chrono::milliseconds quiet_max) {
  RefreshIdentity();
  MutexLock lock(mutex);
  auto& client = clients[quiet_max];
  if (client) return client;
  try {
    client = std::make_shared<http_client>(config.server, MakeConfig(quiet_max));
    return client;
  } catch (const std::exception& e) {
    clients.erase(quiet_max);
    return Error{Code::kInvalidArgument,
                 "server '" + config.server + "': " + e.what() + "; it must be a URL"};
  }
}

http_client_config RestClient::Impl::MakeConfig(std::chrono::milliseconds quiet_max) {
  http_client_config out;
  out.set_timeout(quiet_max);
  out.set_max_redirects(0);
  // An answer that is neither chunked nor measured is handed on byte by byte, not 64 KiB at a time.
  out.set_chunksize(quiet_max > std::chrono::seconds(30) ? 1 : 16 * 1024);
  out.set_validate_certificates(!config.insecure_skip_tls_verify);
  if (!config.proxy_url.empty()) out.set_proxy(web::web_proxy(web::uri(config.proxy_url)));
  out.set_ssl_context_callback([this](boost::asio::ssl::context& context) {
    Identity now;
    {
      MutexLock lock(mutex);
      now = identity;
    }
    if (auto status = ApplyIdentity(now, context); !status.ok()) {
      log::Error("tls identity unusable", {{"error", status.error().message}});
    }
  });
  return out;
}

// Certificates are rotated by replacing files. Connections keep the old identity, so the clients go
// with it.
void RestClient::Impl::RefreshIdentity() {
  const auto now = clock.Now();
  {
    MutexLock lock(mutex);
    if (now - identity_checked < kIdentityCheck) return;
    identity_checked = now;
  }
  auto fresh = ReadIdentity(disk, config);
  if (!fresh.ok()) {
    log::Warn("tls files unreadable, keeping what was read before",
              {{"error", fresh.error().message}});
    return;
  }
  MutexLock lock(mutex);
  if (*fresh == identity) return;
  identity = std::move(*fresh);
  clients.clear();
}

std::string RestClient::Impl::Token() {
  if (config.token.file.empty()) return config.token.inline_text;
  const auto now = clock.Now();
  {
    MutexLock lock(mutex);
    if (token_read && now - *token_read < kTokenLife) return token;
  }
  auto fresh = io::ReadFile(disk, config.token.file);
  MutexLock lock(mutex);
  if (fresh.ok()) {
    while (!fresh->empty() && (fresh->back() == '\n' || fresh->back() == '\r')) fresh->pop_back();
    token = std::move(*fresh);
  } else {
    log::Warn("token file unreadable, keeping the last token", {{"error", fresh.error().message}});
  }
  token_read = now;
  return token;
}

bool RestClient::Impl::ForgetToken() {
  if (config.token.file.empty()) return false;
  std::string before;
  {
    MutexLock lock(mutex);
    before = token;
    token_read.reset();
  }
  return Token() != before;
}

Result<http_request> RestClient::Impl::MakeRequest(const HttpRequest& request) {
  try {
    http_request out(request.method);
    out.set_request_uri(web::uri(request.target));
    auto& headers = out.headers();
    headers.add("Accept", "application/json");
    headers.add("User-Agent", "quorate-operator");
    if (!config.tls_server_name.empty()) headers.add("Host", config.tls_server_name);
    if (!config.impersonate.empty()) headers.add("Impersonate-User", config.impersonate);
    if (const std::string bearer = Token(); !bearer.empty()) {
      headers.add("Authorization", "Bearer " + bearer);
    } else if (!config.username.empty()) {
      headers.add("Authorization",
                  "Basic " + EncodeBase64(config.username + ":" + config.password));
    }
    if (!request.content_type.empty()) out.set_body(request.body, request.content_type);
    return out;
  } catch (const std::exception& e) {
    return Error{Code::kInvalidArgument, "request " + request.target + ": " + e.what()};
  }
}

Result<HttpResponse> RestClient::Impl::SendOnce(const HttpRequest& request,
                                                std::chrono::milliseconds quiet_max) {
  const auto client = TRY(ClientFor(quiet_max));
  const http_request message = TRY(MakeRequest(request));
  try {
    http_response answer = client->request(message).get();
    HttpResponse out = HeadOf(answer);
    const auto body = answer.extract_vector().get();
    out.body.assign(body.begin(), body.end());
    return out;
  } catch (const std::exception& e) {
    return FromException(e, /*cancelled=*/false);
  }
}

}  // namespace quorate::kube
