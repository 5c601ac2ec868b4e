#include "sim/cluster/run.h"

#include <algorithm>
#include <cstdio>
#include <map>

#include "base/log.h"
#include "support/root.h"

namespace quorate::sim::cluster {
namespace {

std::string ListOf(const std::set<std::size_t>& faults) {
  std::string text;
  for (const std::size_t fault : faults) {
    text += (text.empty() ? "" : ",") + std::to_string(fault);
  }
  return text.empty() ? "none" : text;
}

}  // namespace

Outcome RunSeed(std::uint64_t seed, const RunOptions& options) {
  static const bool quiet = log::Configure(
      {.level = log::Level::kError, .format = log::Format::kConsole, .outputs = {"/dev/null"}});
  static_cast<void>(quiet);
  Plan plan = MakePlan(seed, options.plan);
  if (options.only) plan = Only(std::move(plan), *options.only);
  Cluster cluster(plan, options.planted, options.verbose);
  Outcome outcome;
  outcome.violation = cluster.Run();
  outcome.trace = cluster.world().trace();
  outcome.events = cluster.world().events();
  outcome.seconds = static_cast<double>(cluster.world().now().count()) / 1e9;
  outcome.counts = cluster.counts();
  outcome.compared = cluster.checks().compared();
  outcome.leaders = cluster.checks().leaders();
  outcome.messages = cluster.network().sent();
  return outcome;
}

std::set<std::size_t> Minimise(std::uint64_t seed, RunOptions options, int runs_max) {
  std::set<std::size_t> kept;
  const std::size_t count = MakePlan(seed, options.plan).faults.size();
  for (std::size_t i = 0; i < count; ++i) kept.insert(i);
  if (options.only) kept = *options.only;
  options.verbose = false;
  for (std::size_t part = (kept.size() + 1) / 2; part > 0 && runs_max > 0;) {
    bool smaller = false;
    const std::vector<std::size_t> all(kept.begin(), kept.end());
    for (std::size_t from = 0; from < all.size() && runs_max > 0; from += part) {
      std::set<std::size_t> fewer = kept;
      for (std::size_t i = from; i < std::min(from + part, all.size()); ++i) fewer.erase(all[i]);
      if (fewer.size() == kept.size()) continue;
      options.only = fewer;
      --runs_max;
      if (!RunSeed(seed, options).violation) continue;
      kept = std::move(fewer);
      smaller = true;
    }
    if (!smaller || part > kept.size()) part /= 2;
  }
  return kept;
}

std::string Story(std::uint64_t seed, const RunOptions& options, const std::string& violation,
                  const std::set<std::size_t>& faults) {
  std::string text = "seed " + std::to_string(seed) + " of commit " + Commit() + " fails\n  " +
                     violation + "\n  again: tests/sim/run --seed " + std::to_string(seed);
  if (options.plan.members > 0) text += " --members " + std::to_string(options.plan.members);
  if (options.plan.seconds != PlanOptions().seconds) {
    text += " --seconds " + std::to_string(static_cast<int>(options.plan.seconds));
  }
  if (options.plan.only != FaultKind::kCount) {
    text += " --fault " + std::string(ToString(options.plan.only));
  }
  if (!options.planted.empty()) text += " --planted " + options.planted;
  text += " --only " + ListOf(faults) + " --trace\n";
  const Plan plan = MakePlan(seed, options.plan);
  text += "  with " + std::to_string(plan.voters) + " voters and " + std::to_string(faults.size()) +
          " of " + std::to_string(plan.faults.size()) + " faults:\n";
  for (const std::size_t fault : faults) {
    if (fault < plan.faults.size()) text += "    " + ToString(plan.faults[fault]) + "\n";
  }
  return text;
}

std::string Commit() {
  const std::string command = "git -C '" + test::SourceRoot() + "' rev-parse --short HEAD 2>&1";
  std::string text = "unknown";
  if (FILE* pipe = popen(command.c_str(), "r"); pipe != nullptr) {
    char line[64] = {};
    if (std::fgets(line, sizeof line, pipe) != nullptr) text = line;
    pclose(pipe);
  }
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

std::string FaultReport(const Counts& counts) {
  std::string text;
  for (std::size_t i = 0; i < kFaultKinds; ++i) {
    text += (text.empty() ? "faults: " : ", ") + std::string(ToString(static_cast<FaultKind>(i))) +
            " " + std::to_string(counts.kinds[i]);
  }
  return text + "; of " + std::to_string(counts.put_back) + " old directories that were put back " +
         std::to_string(counts.owed) + " lacked what their members had acknowledged, and " +
         std::to_string(counts.recognised) + " were recognised; " + std::to_string(counts.refused) +
         " starts in another's directory were refused; " + std::to_string(counts.backups) +
         " backups were read\n";
}

std::string SiteReport(bool brief) {
  struct Line {
    site::Kind kind = site::Kind::kBend;
    SiteCount count;
  };
  std::map<std::string, Line> lines;
  const auto& places = site::Places();
  for (std::size_t i = 0; i < places.size(); ++i) {
    Line& line = lines[std::string(places[i].name)];
    line.kind = places[i].kind;
    line.count.reached += SiteCounts()[i].reached;
    line.count.hit += SiteCounts()[i].hit;
  }
  std::size_t sites = 0;
  std::size_t hit = 0;
  std::string text;
  for (const auto& [name, line] : lines) {
    if (line.kind == site::Kind::kPlanted) continue;
    ++sites;
    if (line.count.hit > 0) ++hit;
    if (brief && line.count.hit > 0) continue;
    text += "  " + name + (line.kind == site::Kind::kCrash ? " (crash)" : " (bend)") + " reached " +
            std::to_string(line.count.reached) + ", hit " + std::to_string(line.count.hit) + "\n";
  }
  return "sites: " + std::to_string(sites) + " named, " + std::to_string(hit) + " hit" +
         (text.empty() ? "\n"
          : brief      ? "; not hit:\n" + text
                       : ":\n" + text);
}

}  // namespace quorate::sim::cluster
