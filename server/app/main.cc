// quorate-server: one member of an etcd cluster.

#include <sys/utsname.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <fstream>
#include <sstream>

#include "api/info.h"
#include "app/exit.h"
#include "app/server.h"
#include "base/log.h"
#include "config/config_file.h"
#include "config/flag_table.h"
#include "config/parse.h"
#include "config/validate.h"
#include "membership/version.h"
#include "proto/refusals.h"

extern char** environ;  // NOLINT: POSIX's name

namespace quorate {
namespace {

std::map<std::string, std::string> Environment() {
  std::map<std::string, std::string> environment;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const std::size_t equals = text.find('=');
    if (equals == std::string_view::npos) continue;
    environment.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return environment;
}

void PrintVersion() {
  utsname system{};
  uname(&system);
  std::printf("etcd Version: %s\n", membership::kEtcdVersion.ToString().c_str());
  std::printf("Git SHA: %s\n", "quorate");
  std::printf("Go Version: none (C++ %ld)\n", __cplusplus);
  std::printf("Go OS/Arch: linux/%s\n",
              std::string_view(system.machine) == "x86_64" ? "amd64" : system.machine);
  std::printf("Quorate Version: %s\n", api::kQuorateVersion);
}

app::Ending CommandLineEnding(const config::ParseError& error) {
  const auto code =
      error.exit_code == 2 ? app::ExitCode::kBadCommandLine : app::ExitCode::kBadConfiguration;
  return {code, error.message};
}

// Options from the command line, the environment or the file they name.
std::variant<config::Options, app::Ending> ReadOptions(int argc, char** argv) {
  auto outcome = config::ParseCommandLine({argv + 1, argv + argc}, Environment());
  if (!outcome.errors.empty()) return CommandLineEnding(outcome.errors.front());
  if (outcome.config_file.empty() || outcome.options.print_help || outcome.options.print_version) {
    return std::move(outcome.options);
  }
  std::ifstream file(outcome.config_file);
  std::stringstream text;
  text << file.rdbuf();
  if (!file) {
    return app::Ending{app::ExitCode::kBadConfiguration,
                       "cannot read --config-file " + outcome.config_file};
  }
  auto options = config::ParseConfigFile(text.str());
  if (!options.ok()) {
    return app::Ending{app::ExitCode::kBadConfiguration,
                       outcome.config_file + ": " + options.error().message};
  }
  return std::move(*options);
}

bool ConfigureLog(const config::Options& options) {
  log::Options log;
  log::ParseLevel(options.log_level, &log.level);
  log.format = options.log_format == "console" ? log::Format::kConsole : log::Format::kJson;
  log.outputs = options.log_outputs;
  return log::Configure(log);
}

// A signal ends the process as if it had not been caught, so that a shell sees why; but process 1
// of a container ends with 0.
[[noreturn]] void EndBySignal(int number) {
  if (getpid() == 1) _exit(0);
  std::signal(number, SIG_DFL);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, number);
  sigprocmask(SIG_UNBLOCK, &set, nullptr);
  raise(number);
  _exit(128 + number);
}

// After Stop everything that must last is on disk. The process ends there, and not after what its
// libraries have to tidy up: once a member that had said why it stops was held up for good by that.
[[noreturn]] void EndBecauseOf(const app::Ending& ending) {
  const int code = app::Report(ending);
  std::fflush(nullptr);
  _exit(code);
}

int Serve(config::Options options) {
  if (const Status complete = config::Complete(options); !complete.ok()) {
    return app::Report({app::ExitCode::kBadConfiguration, complete.error().message});
  }
  if (!ConfigureLog(options)) {
    return app::Report({app::ExitCode::kBadConfiguration,
                        "cannot open an output of --log-outputs; use stderr, stdout or a file that "
                        "can be written"});
  }
  for (const std::string& warning : options.warnings) log::Warn(warning);
  log::Info("starting Quorate", {{"etcd-version", membership::kEtcdVersion.ToString()},
                                 {"quorate-version", api::kQuorateVersion},
                                 {"name", options.name},
                                 {"data-dir", options.data_dir},
                                 {"initial-cluster-token", options.initial_cluster_token}});
  app::Server server(std::move(options));
  if (auto failed = server.Start()) {
    server.Stop();
    EndBecauseOf(*failed);
  }
  const app::Ending ending = server.Wait();
  server.Stop();
  if (ending.code != app::ExitCode::kOk) EndBecauseOf(ending);
  EndBySignal(server.signal());
}

int Main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  proto::MuteRefusals();
  auto read = ReadOptions(argc, argv);
  if (auto* ending = std::get_if<app::Ending>(&read)) return app::Report(*ending);
  auto& options = std::get<config::Options>(read);
  if (options.print_help) {
    std::fputs(config::HelpText().c_str(), stdout);
    return 0;
  }
  if (options.print_version) {
    PrintVersion();
    return 0;
  }
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  sigprocmask(SIG_BLOCK, &set, nullptr);
  return Serve(std::move(options));
}

}  // namespace
}  // namespace quorate

int main(int argc, char** argv) {
  return quorate::Main(argc, argv);
}
