// quorate-chaos: real members in network namespaces, real faults, and a judgement of what clients
// saw. tests/chaos/run is how it is started; --help says what it takes.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "chaos/faults.h"
#include "chaos/network.h"
#include "chaos/round.h"
#include "peers/process.h"

namespace quorate::chaos {
namespace {

constexpr const char* kUsage =
    "Usage: tests/chaos/run [--minutes N] [--seed N] [--members N] [--faults KIND,... or N]\n"
    "                       [--kill-all N] [--round-seconds N]\n\n"
    "Runs clusters of quorate-server, each member in a network namespace of its own, breaks them,\n"
    "and checks what clients saw. Needs root. One round is one cluster; rounds follow each other\n"
    "until the time is over, with seeds that count up.\n\n"
    "--minutes N        of faults (2)\n"
    "--seed N           of the first round (1); `commit`: one that moves with the commit\n"
    "--members N        3 or 5; 0: in turn (3)\n"
    "--faults KINDS     only these: kill,pause,isolate,one-way,bridge,slow,disk-full,restart,\n"
    "                   kill-all,replace,compact,snapshot,move-leader\n"
    "--faults N         all kinds, at least N of them in a round, however long that takes\n"
    "--kill-all N       N cycles of kill -9 to every member at once, under load, nothing else\n"
    "--round-seconds N  of faults in one round (120)\n\n"
    "Exit code 0: nothing was found, 1: something was, 2: it could not run.\n";

struct Settings {
  double minutes = 2;
  std::uint64_t seed = 1;
  int members = 3;
  int faults = 0;
  int kill_all = 0;
  int round_seconds = 120;
  std::vector<std::string> kinds = AllFaults();
};

[[noreturn]] void Refuse(const std::string& text) {
  std::fprintf(stderr, "chaos: %s\n%s", text.c_str(), kUsage);
  std::exit(2);
}

void TakeFaults(const std::string& value, Settings& settings) {
  if (value.find_first_not_of("0123456789") == std::string::npos) {
    settings.faults = std::atoi(value.c_str());
    return;
  }
  settings.kinds.clear();
  for (std::size_t begin = 0; begin <= value.size();) {
    const std::size_t end = std::min(value.find(',', begin), value.size());
    const std::string kind = value.substr(begin, end - begin);
    if (std::count(AllFaults().begin(), AllFaults().end(), kind) == 0)
      Refuse("there is no fault '" + kind + "'");
    settings.kinds.push_back(kind);
    begin = end + 1;
  }
}

Settings Parse(int argc, char** argv) {
  Settings settings;
  for (int i = 1; i < argc; ++i) {
    const std::string flag = argv[i];
    if (flag == "--help" || flag == "-h") {
      std::printf("%s", kUsage);
      std::exit(0);
    }
    if (i + 1 >= argc) Refuse(flag + " needs a value");
    const std::string value = argv[++i];
    if (flag == "--minutes") {
      settings.minutes = std::atof(value.c_str());
    } else if (flag == "--seed") {
      settings.seed = std::strtoull(value.c_str(), nullptr, 10);
    } else if (flag == "--members") {
      settings.members = std::atoi(value.c_str());
    } else if (flag == "--faults") {
      TakeFaults(value, settings);
    } else if (flag == "--kill-all") {
      settings.kill_all = std::atoi(value.c_str());
    } else if (flag == "--round-seconds") {
      settings.round_seconds = std::atoi(value.c_str());
    } else {
      Refuse("does not know " + flag);
    }
  }
  if (settings.members != 0 && settings.members != 3 && settings.members != 5)
    Refuse("--members is 3, 5 or 0");
  if (settings.minutes <= 0 || settings.round_seconds <= 0) Refuse("a time is above 0");
  return settings;
}

void Add(const RoundReport& round, RoundReport& total) {
  for (const auto& [kind, count] : round.faults) total.faults[kind] += count;
  total.operations += round.operations;
  total.writes += round.writes;
  total.reads += round.reads;
  total.unknown += round.unknown;
  total.happened += round.happened;
  total.watches += round.watches;
  total.events += round.events;
  total.leases += round.leases;
  total.expired += round.expired;
  total.worst_gap = std::max(total.worst_gap, round.worst_gap);
  total.findings.insert(total.findings.end(), round.findings.begin(), round.findings.end());
}

void Print(const std::string& title, const RoundReport& report) {
  std::string faults;
  int count = 0;
  for (const auto& [kind, number] : report.faults) {
    faults += (faults.empty() ? "" : ", ") + kind + " " + std::to_string(number);
    count += number;
  }
  std::printf(
      "%s: %zu operations checked (%zu writes, %zu reads, %zu without an answer, of which %zu "
      "happened), %zu events of %zu watches, %zu leases (%zu ran out)\n  %d faults: %s\n"
      "  worst time without a write: %lld ms\n  findings: %zu\n",
      title.c_str(), report.operations, report.writes, report.reads, report.unknown,
      report.happened, report.events, report.watches, report.leases, report.expired, count,
      faults.c_str(), static_cast<long long>(report.worst_gap / 1'000'000), report.findings.size());
  for (const auto& finding : report.findings) std::printf("  - %s\n", finding.c_str());
  std::fflush(stdout);
}

RoundReport RunRound(const Settings& settings, std::uint64_t seed, int seconds,
                     const std::string& scratch) {
  RoundOptions options;
  options.seed = seed;
  options.members = settings.members != 0 ? settings.members : (seed % 2 == 0 ? 5 : 3);
  options.seconds = seconds;
  options.faults = settings.faults;
  options.kill_all = settings.kill_all;
  options.kinds = settings.kinds;
  options.directory = scratch + "/round-" + std::to_string(seed);
  std::filesystem::create_directories(options.directory);
  std::printf("round with seed %llu, %d members\n", static_cast<unsigned long long>(seed),
              options.members);
  std::fflush(stdout);
  const std::string history = options.directory + ".history.txt";
  const RoundReport report = PlayRound(options, history);
  if (report.findings.empty()) {
    std::filesystem::remove_all(options.directory);
  } else {
    std::string command = "tests/chaos/run --seed " + std::to_string(seed) + " --members " +
                          std::to_string(options.members);
    if (options.kill_all > 0) command += " --kill-all " + std::to_string(options.kill_all);
    if (options.kinds != AllFaults()) {
      command += " --faults ";
      for (const auto& kind : options.kinds)
        command += kind + (kind == options.kinds.back() ? "" : ",");
    }
    std::printf("  history: %s\n  directories and logs: %s.kept\n  again: %s\n", history.c_str(),
                options.directory.c_str(), command.c_str());
  }
  Print("round " + std::to_string(seed), report);
  return report;
}

int Main(int argc, char** argv) {
  const Settings settings = Parse(argc, argv);
  EnterPrivateNamespaces();
  std::string pattern = (std::filesystem::temp_directory_path() / "quorate-chaos-XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr) Refuse("no scratch directory " + pattern);
  const int total_seconds = static_cast<int>(settings.minutes * 60);
  RoundReport total;
  std::uint64_t seed = settings.seed;
  for (int spent = 0; spent < total_seconds; spent += settings.round_seconds, ++seed) {
    Add(RunRound(settings, seed, std::min(settings.round_seconds, total_seconds - spent), pattern),
        total);
    if (settings.kill_all > 0) break;
  }
  Print("total of " + std::to_string(seed - settings.seed + (settings.kill_all > 0 ? 1 : 0)) +
            " rounds",
        total);
  if (total.findings.empty()) std::filesystem::remove_all(pattern);
  return total.findings.empty() ? 0 : 1;
}

}  // namespace
}  // namespace quorate::chaos

int main(int argc, char** argv) {
  return quorate::chaos::Main(argc, argv);
}
