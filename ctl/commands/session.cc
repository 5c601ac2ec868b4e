#include "commands/session.h"

#include <ostream>
#include <utility>

#include "output/text.h"

namespace quorate::commands {
namespace {

Result<std::chrono::milliseconds> Duration(const std::string& flag, const std::string& text) {
  const auto duration = output::ParseDuration(text);
  if (!duration.has_value()) {
    return Error{Code::kInvalidArgument, "invalid argument \"" + text + "\" for \"--" + flag +
                                             "\" flag: time: invalid duration \"" + text + "\""};
  }
  return std::chrono::ceil<std::chrono::milliseconds>(*duration);
}

}  // namespace

std::vector<std::string> Session::Endpoints() const {
  return flags_.endpoints.empty() ? std::vector<std::string>{"127.0.0.1:2379"} : flags_.endpoints;
}

Result<etcdclient::Client*> Session::Client() {
  if (client_ == nullptr) {
    auto options = TRY(ClientOptions());
    client_ = TRY(etcdclient::MakeClient(std::move(options)));
  }
  return client_.get();
}

Result<std::chrono::milliseconds> Session::CommandTimeout() const {
  return Duration("command-timeout", flags_.command_timeout);
}

Status Session::Settle() {
  style_.hex = flags_.hex;
  style_.format = TRY(output::ParseFormat(flags_.write_out));
  return {};
}

Exit Session::Show(const Result<std::string>& text) const {
  if (!text.ok()) return Exit::Fail(kExitBadFeature, text.error().message);
  doors_.out << *text << std::flush;
  if (!doors_.out) return Exit::Fail(kExitIo, "cannot write to standard output");
  return Exit::Ok();
}

Result<etcdclient::Options> Session::ClientOptions() {
  etcdclient::Options options;
  options.endpoints = Endpoints();
  options.dial_timeout = TRY(Duration("dial-timeout", flags_.dial_timeout));
  options.call_timeout = TRY(CommandTimeout());
  if (options.call_timeout.count() <= 0) options.call_timeout = std::chrono::milliseconds(1);
  options.keepalive_time = TRY(Duration("keepalive-time", flags_.keepalive_time));
  options.keepalive_timeout = TRY(Duration("keepalive-timeout", flags_.keepalive_timeout));
  options.request_bytes_max = flags_.max_request_bytes;
  const bool wants_tls = !flags_.cacert.empty() || !flags_.cert.empty() || !flags_.key.empty() ||
                         flags_.insecure_skip_tls_verify || !flags_.insecure_transport;
  if (wants_tls) {
    auto& tls = options.tls.emplace();
    tls.skip_verify = flags_.insecure_skip_tls_verify;
    if (!flags_.cacert.empty()) tls.ca = TRY(io::ReadFile(disk(), flags_.cacert));
    if (!flags_.cert.empty()) tls.certificate = TRY(io::ReadFile(disk(), flags_.cert));
    if (!flags_.key.empty()) tls.key = TRY(io::ReadFile(disk(), flags_.key));
  }
  options.user = flags_.user;
  options.password = flags_.password;
  const std::size_t colon = options.user.find(':');
  if (!options.user.empty() && options.password.empty()) {
    if (colon == std::string::npos) {
      options.password = doors_.read_password("Password: ");
    } else {
      options.password = options.user.substr(colon + 1);
      options.user.resize(colon);
    }
  }
  return options;
}

}  // namespace quorate::commands
