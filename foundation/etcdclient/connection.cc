#include "etcdclient/connection.h"

#include <grpc/support/log.h>
#include <grpc/support/time.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_certificate_verifier.h>
#include <grpcpp/security/tls_credentials_options.h>

#include <algorithm>
#include <cstdlib>
#include <utility>
#include <vector>

#include "etcdclient/endpoint.h"

namespace quorate::etcdclient {
namespace {

constexpr std::chrono::milliseconds kKeepaliveMin{
    10000};  // etcd closes connections that ping more often

constexpr int kTurns = 16;  // connections whose end is noticed at once

bool LooksLikePem(const std::string& text) {
  return text.empty() || text.find("-----BEGIN ") != std::string::npos;
}

Status CheckPem(const TlsOptions& tls) {
  for (const auto& [what, text] :
       {std::pair{"CA", &tls.ca}, {"certificate", &tls.certificate}, {"key", &tls.key}}) {
    if (!LooksLikePem(*text)) {
      return Error{Code::kInvalidArgument, std::string("TLS ") + what + " is not PEM text"};
    }
  }
  if (tls.certificate.empty() != tls.key.empty()) {
    return Error{Code::kInvalidArgument, "a TLS client certificate and its key come together"};
  }
  return {};
}

std::shared_ptr<grpc::ChannelCredentials> UnverifiedCredentials(const TlsOptions& tls) {
  grpc::experimental::TlsChannelCredentialsOptions options;
  options.set_verify_server_certs(false);
  options.set_check_call_host(false);
  options.set_certificate_verifier(std::make_shared<grpc::experimental::NoOpCertificateVerifier>());
  if (!tls.certificate.empty()) {
    options.set_certificate_provider(
        std::make_shared<grpc::experimental::StaticDataCertificateProvider>(
            std::vector<grpc::experimental::IdentityKeyCertPair>{{tls.key, tls.certificate}}));
    options.watch_identity_key_cert_pairs();
  }
  return grpc::experimental::TlsCredentials(options);
}

std::shared_ptr<grpc::ChannelCredentials> MakeCredentials(const Endpoint& endpoint,
                                                          const TlsOptions& tls) {
  if (!endpoint.tls) return grpc::InsecureChannelCredentials();
  if (tls.skip_verify) return UnverifiedCredentials(tls);
  return grpc::SslCredentials({tls.ca, tls.key, tls.certificate});
}

// gRPC writes what it also returns as an error to stderr, which is our users'; GRPC_VERBOSITY gives
// it back its voice.
void QuietOnce() {
  static const bool quiet = [] {
    const bool wanted = std::getenv("GRPC_VERBOSITY") != nullptr;
    if (!wanted) gpr_set_log_function([](gpr_log_func_args*) {});
    return !wanted;
  }();
  static_cast<void>(quiet);
}

int Milliseconds(std::chrono::milliseconds duration) {
  return static_cast<int>(duration.count());
}

grpc::ChannelArguments MakeArguments(const Options& options, const Endpoint& endpoint) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(-1);
  arguments.SetMaxSendMessageSize(options.request_bytes_max == 0 ? -1 : options.request_bytes_max);
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS,
                   std::max(100, Milliseconds(options.dial_timeout)));
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1000);
  arguments.SetInt(GRPC_ARG_DNS_MIN_TIME_BETWEEN_RESOLUTIONS_MS, 500);
  if (options.keepalive_time.count() > 0) {
    arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS,
                     Milliseconds(std::max(options.keepalive_time, kKeepaliveMin)));
    arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, Milliseconds(options.keepalive_timeout));
    arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  }
  if (endpoint.tls && options.tls.has_value() && !options.tls->server_name.empty()) {
    arguments.SetSslTargetNameOverride(options.tls->server_name);
  }
  return arguments;
}

}  // namespace

Result<std::shared_ptr<grpc::Channel>> MakeChannel(const Options& options,
                                                   const std::string& text) {
  QuietOnce();
  const Endpoint endpoint = TRY(ParseEndpoint(text, options.tls.has_value()));
  const TlsOptions tls = options.tls.value_or(TlsOptions{});
  if (endpoint.tls) TRY(CheckPem(tls));
  auto credentials = MakeCredentials(endpoint, tls);
  if (credentials == nullptr) {
    return Error{Code::kInvalidArgument, "TLS certificate, key or CA cannot be used"};
  }
  return grpc::CreateCustomChannel(endpoint.target, credentials, MakeArguments(options, endpoint));
}

void Drain(grpc::CompletionQueue& queue) {
  queue.Shutdown();
  void* tag = nullptr;
  bool ok = false;
  while (queue.Next(&tag, &ok)) {
  }
}

void NoticeWhatArrived() {
  grpc::CompletionQueue empty;
  void* tag = nullptr;
  bool ok = false;
  // A turn handles one connection's news, so a single one might not reach the channel in question.
  for (int turn = 0; turn < kTurns; ++turn) {
    empty.AsyncNext(&tag, &ok, gpr_inf_past(GPR_CLOCK_MONOTONIC));
  }
  Drain(empty);
}

Connected AwaitConnection(grpc::Channel& channel, std::chrono::milliseconds timeout) {
  const gpr_timespec deadline = gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                                             gpr_time_from_millis(timeout.count(), GPR_TIMESPAN));
  while (true) {
    const grpc_connectivity_state state = channel.GetState(true);
    if (state == GRPC_CHANNEL_READY) {
      NoticeWhatArrived();
      if (channel.GetState(false) == GRPC_CHANNEL_READY) return Connected::kYes;
      continue;
    }
    if (state == GRPC_CHANNEL_TRANSIENT_FAILURE || state == GRPC_CHANNEL_SHUTDOWN) {
      return Connected::kRefused;
    }
    if (!channel.WaitForStateChange(state, deadline)) return Connected::kPending;
  }
}

Error ToError(const grpc::Status& status) {
  const auto code = static_cast<Code>(status.error_code());
  if (code == Code::kDeadlineExceeded && status.error_message() == "Deadline Exceeded") {
    return {code, "context deadline exceeded"};
  }
  if (code == Code::kCancelled) return {code, "context canceled"};
  return {code, status.error_message()};
}

bool MayHaveLeft(const Error& error) {
  return !error.message.starts_with("failed to connect to all addresses") &&
         !error.message.starts_with("DNS resolution failed");
}

}  // namespace quorate::etcdclient
