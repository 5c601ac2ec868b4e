#include <CLI/CLI.hpp>
#include <string>

#include "commands/commands.h"
#include "output/text.h"

namespace quorate::commands {
namespace {

constexpr const char* kConnection = "Connection";

// "--dial-timeout" -> "ETCDCTL_DIAL_TIMEOUT"
std::string VariableOf(const std::string& flag) {
  std::string name = "ETCDCTL_";
  for (const char c : flag.substr(2)) {
    name += c == '-' ? '_' : (c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c);
  }
  return name;
}

bool IsTrue(const std::string& text) {
  return text == "1" || text == "t" || text == "T" || text == "true" || text == "TRUE" ||
         text == "True";
}

void AddEndpoints(CLI::App& app, GlobalFlags& flags) {
  app.add_option_function<std::vector<std::string>>(
         "--endpoints",
         [&flags](const std::vector<std::string>& values) {
           for (const auto& value : values) {
             for (auto& one : output::Split(value, ',')) flags.endpoints.push_back(std::move(one));
           }
         },
         "members to talk to, comma separated (default 127.0.0.1:2379)")
      ->allow_extra_args(false)
      ->group(kConnection);
}

}  // namespace

void AddGlobalFlags(CLI::App& app, Session& session) {
  GlobalFlags& flags = session.flags();
  AddEndpoints(app, flags);
  app.add_option("-w,--write-out", flags.write_out,
                 "output format: simple, json, fields, table or protobuf")
      ->group("Output");
  app.add_flag("--hex", flags.hex, "print byte strings and ids as hexadecimal")->group("Output");
  app.add_flag("--debug", flags.debug, "enable client-side debug logging")->group("Output");
  app.add_option("--dial-timeout", flags.dial_timeout, "time to connect to one member (2s)")
      ->group(kConnection);
  app.add_option("--command-timeout", flags.command_timeout, "time for a short command (5s)")
      ->group(kConnection);
  app.add_option("--keepalive-time", flags.keepalive_time, "ping a waiting connection this often")
      ->group(kConnection);
  app.add_option("--keepalive-timeout", flags.keepalive_timeout, "give a ping up after this (6s)")
      ->group(kConnection);
  app.add_option("--max-request-bytes", flags.max_request_bytes, "refuse to send larger requests")
      ->group(kConnection);
  app.add_option("--max-recv-bytes", flags.max_recv_bytes, "accepted; responses are not limited")
      ->group(kConnection);
  app.add_flag("--insecure-transport", flags.insecure_transport,
               "endpoints without https:// are plain text (default true)")
      ->group("TLS and users");
  app.add_flag("--insecure-skip-tls-verify", flags.insecure_skip_tls_verify,
               "do not verify the server's certificate: for tests only")
      ->group("TLS and users");
  app.add_option("--cacert", flags.cacert, "file with the CA certificates to trust")
      ->group("TLS and users");
  app.add_option("--cert", flags.cert, "file with the client certificate")->group("TLS and users");
  app.add_option("--key", flags.key, "file with the client certificate's key")
      ->group("TLS and users");
  app.add_option("--user", flags.user, "name[:password]; asks for a password that is not given")
      ->group("TLS and users");
  app.add_option("--password", flags.password, "password of --user")->group("TLS and users");
}

Status TakeEnvironment(const CLI::App& app, Session& session) {
  GlobalFlags& flags = session.flags();
  const std::map<std::string, std::string*> texts = {
      {"--write-out", &flags.write_out},
      {"--dial-timeout", &flags.dial_timeout},
      {"--keepalive-time", &flags.keepalive_time},
      {"--keepalive-timeout", &flags.keepalive_timeout},
      {"--command-timeout", &flags.command_timeout},
      {"--cacert", &flags.cacert},
      {"--cert", &flags.cert},
      {"--key", &flags.key},
      {"--user", &flags.user},
      {"--password", &flags.password}};
  const std::map<std::string, bool*> switches = {
      {"--hex", &flags.hex},
      {"--debug", &flags.debug},
      {"--insecure-transport", &flags.insecure_transport},
      {"--insecure-skip-tls-verify", &flags.insecure_skip_tls_verify}};
  for (const CLI::Option* option : app.get_options()) {
    const std::string flag = option->get_name(false, false);
    if (!flag.starts_with("--") || flag == "--help") continue;
    const auto value = session.doors().environment(VariableOf(flag));
    if (!value.has_value() || value->empty()) continue;
    if (option->count() > 0) {
      return Error{Code::kInvalidArgument,
                   "conflicting environment variable \"" + VariableOf(flag) +
                       "\" is shadowed by corresponding command-line flag (either unset "
                       "environment variable or disable flag)"};
    }
    if (flag == "--endpoints") flags.endpoints = output::Split(*value, ',');
    if (const auto text = texts.find(flag); text != texts.end()) *text->second = *value;
    if (const auto it = switches.find(flag); it != switches.end()) *it->second = IsTrue(*value);
  }
  return {};
}

}  // namespace quorate::commands
