// quorate-sim: runs seeds of the cluster simulator. See tests/sim/cluster/README.md.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sstream>
#include <string>

#include "sim/cluster/run.h"

namespace quorate::sim::cluster {
namespace {

constexpr const char* kUsage =
    "Usage: quorate-sim [--seed N | --seeds A-B | --hours H] [--members N] [--seconds S]\n"
    "                   [--fault NAME] [--planted NAME] [--only I,J,...] [--trace] [--minimise] "
    "[--keep-going]\n"
    "\n"
    "  --seed N        runs one seed, twice, and compares the traces\n"
    "  --seeds A-B     runs the seeds from A to B\n"
    "  --hours H       runs fresh seeds for so many hours of the wall clock\n"
    "  --members N     founding voters (otherwise the seed decides, 1 to 5)\n"
    "  --seconds S     simulated seconds of faults in each run (40)\n"
    "  --fault NAME    all faults are of this kind (otherwise the seed draws its kinds)\n"
    "  --planted NAME  switches a planted bug on; the exit code is 1 when it is caught\n"
    "  --only I,J      keeps only these faults of the plan; 'none' keeps none\n"
    "  --trace         prints everything that happens\n"
    "  --minimise      makes the list of faults of a failing run as short as it goes\n"
    "  --keep-going    does not stop at the first failure\n"
    "  --sites         prints every place of the rooms with how often it was reached and hit\n";

struct Arguments {
  std::uint64_t first = 1;
  std::uint64_t last = 100;
  double hours = 0;
  bool single = false;
  bool minimise = false;
  bool keep_going = false;
  bool sites = false;
  RunOptions run;
};

struct Totals {
  std::uint64_t seeds = 0;
  std::uint64_t failed = 0;
  std::uint64_t differ = 0;
  double simulated = 0;
  Counts counts;
  std::uint64_t events = 0;
  std::uint64_t compared = 0;
  std::uint64_t messages = 0;
};

bool ParseOnly(const std::string& text, RunOptions& run) {
  run.only.emplace();
  if (text == "none") return true;
  std::stringstream list(text);
  for (std::string item; std::getline(list, item, ',');) {
    run.only->insert(std::strtoull(item.c_str(), nullptr, 10));
  }
  return true;
}

bool ParseSeeds(const std::string& text, Arguments& arguments) {
  const std::size_t dash = text.find('-');
  if (dash == std::string::npos) return false;
  arguments.first = std::strtoull(text.c_str(), nullptr, 10);
  arguments.last = std::strtoull(text.c_str() + dash + 1, nullptr, 10);
  return arguments.first <= arguments.last;
}

bool ParseFlag(const std::string& flag, Arguments& arguments) {
  if (flag == "--trace") return arguments.run.verbose = true;
  if (flag == "--minimise") return arguments.minimise = true;
  if (flag == "--keep-going") return arguments.keep_going = true;
  if (flag == "--sites") return arguments.sites = true;
  return false;
}

bool ParseValue(const std::string& flag, const std::string& value, Arguments& arguments) {
  if (flag == "--seed") {
    arguments.single = true;
    arguments.first = arguments.last = std::strtoull(value.c_str(), nullptr, 10);
    return true;
  }
  if (flag == "--seeds") return ParseSeeds(value, arguments);
  if (flag == "--only") return ParseOnly(value, arguments.run);
  if (flag == "--hours") {
    arguments.hours = std::atof(value.c_str());
    return arguments.hours > 0;
  }
  if (flag == "--members") {
    arguments.run.plan.members = std::atoi(value.c_str());
    return arguments.run.plan.members > 0;
  }
  if (flag == "--seconds") {
    arguments.run.plan.seconds = std::atof(value.c_str());
    return arguments.run.plan.seconds > 2;
  }
  if (flag == "--fault") {
    arguments.run.plan.only = ToFaultKind(value);
    return arguments.run.plan.only != FaultKind::kCount;
  }
  if (flag != "--planted") return false;
  arguments.run.planted = value;
  return true;
}

bool Parse(int count, char** texts, Arguments& arguments) {
  for (int i = 1; i < count; ++i) {
    const std::string flag = texts[i];
    if (ParseFlag(flag, arguments)) continue;
    if (i + 1 == count || !ParseValue(flag, texts[++i], arguments)) return false;
  }
  return true;
}

// False: the run failed.
bool RunOne(std::uint64_t seed, const Arguments& arguments, Totals& totals) {
  const Outcome outcome = RunSeed(seed, arguments.run);
  ++totals.seeds;
  totals.simulated += outcome.seconds;
  totals.events += outcome.events;
  totals.compared += outcome.compared;
  totals.messages += outcome.messages;
  totals.counts.Add(outcome.counts);
  // Each fiftieth seed twice: the same seed must give the same trace.
  if (arguments.single || seed % 50 == 0) {
    RunOptions silent = arguments.run;
    silent.verbose = false;
    if (RunSeed(seed, silent).trace != outcome.trace) {
      std::printf("seed %llu gave another trace the second time\n",
                  static_cast<unsigned long long>(seed));
      ++totals.differ;
    }
  }
  if (!outcome.violation) return true;
  ++totals.failed;
  RunOptions options = arguments.run;
  std::set<std::size_t> faults;
  if (arguments.minimise) {
    faults = Minimise(seed, options);
  } else {
    for (std::size_t i = 0; i < MakePlan(seed, options.plan).faults.size(); ++i) faults.insert(i);
    if (options.only) faults = *options.only;
  }
  std::printf("%s", Story(seed, options, *outcome.violation, faults).c_str());
  std::fflush(stdout);
  return false;
}

void PrintTotals(const Totals& totals, double wall, bool sites) {
  const auto count = [](std::uint64_t number) { return static_cast<unsigned long long>(number); };
  std::printf(
      "%llu seeds, %llu failed; %.2f simulated hours in %.1f s: %.0f times real time\n"
      "%llu faults, %llu crashes, %llu requests answered, %llu watch events, %llu snapshots "
      "installed, %llu members added, %llu leases expired, %llu messages, %llu rows and states "
      "compared\n",
      count(totals.seeds), count(totals.failed), totals.simulated / 3600, wall,
      totals.simulated / wall, count(totals.counts.faults), count(totals.counts.crashes),
      count(totals.counts.answered), count(totals.counts.watch_events),
      count(totals.counts.installs), count(totals.counts.changes), count(totals.counts.expired),
      count(totals.messages), count(totals.compared));
  std::printf("%s", FaultReport(totals.counts).c_str());
  std::printf("%s", SiteReport(!sites).c_str());
}

int Main(int count, char** texts) {
  Arguments arguments;
  if (!Parse(count, texts, arguments)) {
    std::fprintf(stderr, "%s", kUsage);
    return 2;
  }
  using Steady = std::chrono::steady_clock;
  const auto began = Steady::now();
  const auto wall = [&] { return std::chrono::duration<double>(Steady::now() - began).count(); };
  Totals totals;
  if (arguments.hours > 0) {
    arguments.first = static_cast<std::uint64_t>(
        std::chrono::system_clock::now().time_since_epoch().count() / 1'000'000 % 1'000'000'000);
    arguments.last = ~std::uint64_t{0};
    std::printf("fresh seeds from %llu\n", static_cast<unsigned long long>(arguments.first));
  }
  for (std::uint64_t seed = arguments.first; seed <= arguments.last; ++seed) {
    if (arguments.hours > 0 && wall() > arguments.hours * 3600) break;
    if (!RunOne(seed, arguments, totals) && !arguments.keep_going) break;
  }
  PrintTotals(totals, wall(), arguments.sites);
  return totals.failed + totals.differ == 0 ? 0 : 1;
}

}  // namespace
}  // namespace quorate::sim::cluster

int main(int count, char** texts) {
  return quorate::sim::cluster::Main(count, texts);
}
