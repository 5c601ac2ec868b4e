// quoratectl: the command line of etcd and of Quorate. Called as etcdctl or etcdutl it takes their
// command lines.
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <iterator>

#include "commands/commands.h"
#include "io/real_clock.h"
#include "io/real_disk.h"

namespace quorate {
namespace {

using commands::Exit;
using commands::Session;

std::string ReadPassword(const std::string& prompt) {
  const char* typed = getpass(prompt.c_str());
  return typed == nullptr ? "" : typed;
}

std::optional<std::string> Environment(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  if (value == nullptr) return std::nullopt;
  return value;
}

// Runs a program to its end, our streams its own.
int Run(const std::vector<std::string>& command, const std::map<std::string, std::string>& added) {
  const pid_t child = fork();
  if (child < 0) return 127;
  if (child == 0) {
    signal(SIGPIPE, SIG_DFL);
    for (const auto& [name, value] : added) setenv(name.c_str(), value.c_str(), 1);
    std::vector<char*> words;
    for (const auto& word : command) words.push_back(const_cast<char*>(word.c_str()));
    words.push_back(nullptr);
    execvp(words[0], words.data());
    _exit(127);
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

volatile sig_atomic_t signal_came = 0;

bool Interrupted(std::chrono::milliseconds wait) {
  static const bool installed = [] {
    struct sigaction action {};
    action.sa_handler = [](int) { signal_came = 1; };
    sigaction(SIGINT, &action, nullptr);
    sigaction(SIGTERM, &action, nullptr);
    return true;
  }();
  if (signal_came == 0 && wait.count() > 0) poll(nullptr, 0, static_cast<int>(wait.count()));
  return installed && signal_came != 0;
}

std::string NameOf(const char* path) {
  const std::string text = path;
  const std::string name = text.substr(text.rfind('/') + 1);
  return name == "etcdctl" || name == "etcdutl" ? name : "quoratectl";
}

// Words after "--" are no flags; what else they are is the command's to say.
std::vector<std::string> TakeAfterDashes(std::vector<std::string>& words) {
  const auto dashes = std::find(words.begin(), words.end(), "--");
  if (dashes == words.end()) return {};
  std::vector<std::string> after(std::next(dashes), words.end());
  words.erase(dashes, words.end());
  return after;
}

// etcd's tools accept -w=json; the parser here would take "=json".
void NormalizeShortFlags(std::vector<std::string>& words) {
  for (auto& word : words) {
    if (word.starts_with("-w=")) word.erase(2, 1);
  }
}

// One line for what the parser did not understand.
std::string Explain(const CLI::ParseError& problem, const CLI::App& app) {
  std::string text = problem.what();
  const auto extras = app.remaining(true);
  if (dynamic_cast<const CLI::ExtrasError*>(&problem) != nullptr && !extras.empty()) {
    const std::string& first = extras.front();
    text = first.starts_with("-")
               ? "unknown flag: " + first
               : "unknown command \"" + first + "\" for \"" + app.get_name() + "\"";
  }
  return text + "\nRun '" + app.get_name() + " --help' for usage.";
}

int Report(const Exit& exit) {
  if (!exit.text.empty()) std::cerr << "Error: " << exit.text << "\n";
  return exit.code;
}

void AddFooter(CLI::App& app) {
  app.footer(
      "Every connection flag has an environment variable: ETCDCTL_ENDPOINTS, ETCDCTL_CACERT, ...\n"
      "Exit codes: 0 done, 1 refused or failed, 3 bad input, 4 not supported, 5 interrupted, 6 "
      "input or\n"
      "output, 128 bad arguments.\n\n"
      "  quoratectl put greeting hello\n"
      "  quoratectl get greeting --write-out=json\n"
      "  quoratectl endpoint status --cluster -w table\n"
      "  quoratectl snapshot save backup.db");
}

int Main(int argc, char** argv) {
  io::RealClock clock;
  io::RealDisk disk;
  Session session({clock, disk, std::cin, std::cout, std::cerr, isatty(STDERR_FILENO) == 1,
                   ReadPassword, Run, Environment, Interrupted},
                  NameOf(argv[0]));
  std::vector<std::string> words(argv + 1, argv + argc);
  session.after_dashes = TakeAfterDashes(words);
  NormalizeShortFlags(words);

  CLI::App app("Command line client of etcd and Quorate clusters", session.program());
  app.require_subcommand(0, 1);
  app.fallthrough();
  commands::AddGlobalFlags(app, session);
  Status settled;
  app.parse_complete_callback([&] {
    settled = commands::TakeEnvironment(app, session);
    if (settled.ok()) settled = session.Settle();
    if (!settled.ok()) throw CLI::RuntimeError(commands::kExitBadFeature);
  });
  commands::AddKeyCommands(app, session);
  commands::AddWatchCommand(app, session);
  commands::AddLeaseCommands(app, session);
  commands::AddQueueCommands(app, session);
  commands::AddMirrorCommand(app, session);
  commands::AddCheckCommand(app, session);
  commands::AddMemberCommands(app, session);
  commands::AddEndpointCommands(app, session);
  commands::AddSnapshotCommands(app, session);
  commands::AddMaintenanceCommands(app, session);
  if (session.program() == "quoratectl") {
    commands::AddBackupCommands(app, session);
    commands::AddVerifyCommand(app, session);
  }
  AddFooter(app);
  app.callback([&] {
    if (app.get_subcommands().empty()) std::cout << app.help();
  });
  try {
    app.parse(std::vector<std::string>(words.rbegin(), words.rend()));
  } catch (const CLI::CallForHelp& help) {
    return app.exit(help);
  } catch (const CLI::ParseError& problem) {
    if (settled.ok()) return Report(Exit::Fail(commands::kExitError, Explain(problem, app)));
    const bool format = settled.error().message == "unsupported output format";
    return Report(Exit::Fail(format ? commands::kExitBadFeature : commands::kExitError,
                             settled.error().message));
  }
  return Report(session.exit);
}

}  // namespace
}  // namespace quorate

int main(int argc, char** argv) {
  signal(SIGPIPE, SIG_IGN);
  return quorate::Main(argc, argv);
}
