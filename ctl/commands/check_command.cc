#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <iomanip>
#include <map>
#include <memory>
#include <ostream>
#include <random>
#include <utility>

#include "commands/bind.h"
#include "commands/commands.h"
#include "commands/operations.h"
#include "etcdclient/pipeline.h"
#include "output/text.h"

namespace quorate::commands {
namespace {

using Seconds = std::chrono::duration<double>;

struct CheckFlags {
  std::vector<std::string> words{};
  std::string load = "s";
  std::string prefix = "/etcdctl-check-perf/";
  bool auto_compact = false;
  bool auto_defrag = false;
};

struct Load {
  int writes_a_second = 0;
  int clients = 0;
};

// Source: etcdctl 3.6, check perf.
const std::map<std::string, Load> kLoads = {
    {"s", {150, 50}},   {"small", {150, 50}},   {"m", {1000, 200}},    {"medium", {1000, 200}},
    {"l", {8000, 500}}, {"large", {8000, 500}}, {"xl", {15000, 1000}}, {"xLarge", {15000, 1000}}};
constexpr std::chrono::seconds kDuration{60};
constexpr std::size_t kKeyBytes = 256;
constexpr std::size_t kValueBytes = 1024;
constexpr int kConnections = 8;

// What a minute of writes was like.
struct Measured {
  std::map<std::string, int> errors{};  // by their text
  std::vector<double> seconds{};        // of each write
  double total = 0;                     // seconds from the first to the last

  double Slowest() const {
    return seconds.empty() ? 0 : *std::max_element(seconds.begin(), seconds.end());
  }
  double WritesASecond() const {
    return total > 0 ? static_cast<double>(seconds.size()) / total : 0;
  }
  double Deviation() const {
    if (seconds.empty()) return 0;
    double sum = 0;
    double squares = 0;
    for (const double s : seconds) {
      sum += s;
      squares += s * s;
    }
    const auto count = static_cast<double>(seconds.size());
    return std::sqrt(std::max(0.0, squares / count - sum / count * (sum / count)));
  }
};

// Writes at the load's rate for a minute, never more at once than it has clients.
class Writer {
 public:
  Writer(Session& session, etcdclient::Pipeline& pipeline, const Load& load, std::string prefix)
      : session_(session),
        pipeline_(pipeline),
        load_(load),
        prefix_(std::move(prefix)),
        random_(static_cast<std::uint64_t>(session.clock().WallNow().time_since_epoch().count())) {}

  Measured Run() {
    const auto begin = Now();
    while (Now() - begin < kDuration && !session_.Interrupted()) {
      const double due = Seconds(Now() - begin).count() * load_.writes_a_second;
      while (static_cast<double>(started_) < due && Free()) Start();
      Take(std::chrono::milliseconds(1));
      Tell(Now() - begin);
    }
    while (!begun_.empty() && Take(std::chrono::seconds(10))) {
    }
    measured_.total = Seconds(Now() - begin).count();
    if (session_.doors().terminal) session_.err() << "\n";
    return std::move(measured_);
  }

 private:
  io::Clock::Instant Now() const { return session_.clock().Now(); }
  bool Free() const { return begun_.size() < static_cast<std::size_t>(load_.clients); }

  void Start() {
    std::string key = prefix_;
    while (key.size() < prefix_.size() + kKeyBytes) key += static_cast<char>(random_());
    etcdserverpb::PutRequest put;
    put.set_key(std::move(key));
    put.set_value(std::string(kValueBytes, '\0'));
    begun_[started_] = Now();
    pipeline_.Start(etcdclient::kPut, put, started_++, std::chrono::seconds(10));
  }

  bool Take(std::chrono::microseconds wait) {
    const auto done = pipeline_.Next(wait);
    if (!done.has_value()) return false;
    const auto begun = begun_.extract(done->tag);
    if (done->status.ok()) {
      measured_.seconds.push_back(Seconds(Now() - begun.mapped()).count());
    } else {
      ++measured_.errors[done->status.error().message];
    }
    return true;
  }

  void Tell(std::chrono::nanoseconds elapsed) {
    if (!session_.doors().terminal || elapsed < next_) return;
    next_ = elapsed + std::chrono::seconds(1);
    session_.err() << "\r " << elapsed / std::chrono::seconds(1) << " of " << kDuration.count()
                   << " s, " << measured_.seconds.size() << " writes" << std::flush;
  }

  Session& session_;
  etcdclient::Pipeline& pipeline_;
  const Load load_;
  const std::string prefix_;
  std::mt19937_64 random_;  // keys differ from run to run; nothing depends on which they are
  std::uint64_t started_ = 0;
  std::map<std::uint64_t, io::Clock::Instant> begun_;  // those without an answer
  std::chrono::nanoseconds next_{0};
  Measured measured_;
};

// One line a limit; whether all hold.
bool Judge(std::ostream& out, const Measured& measured, const Load& load) {
  bool pass = true;
  const auto judge = [&](bool holds, const std::string& good, const std::string& bad) {
    out << (holds ? "PASS: " + good : bad) << "\n";
    pass = pass && holds;
  };
  const auto seconds = [](double number) { return std::to_string(number) + "s"; };
  if (!measured.errors.empty()) {
    out << "FAIL: too many errors\n";
    for (const auto& [text, count] : measured.errors) {
      out << "FAIL: ERROR(" << text << ") -> " << count << "\n";
    }
    pass = false;
  }
  const std::string rate = std::to_string(static_cast<int>(measured.WritesASecond()) + 1);
  judge(measured.WritesASecond() / load.writes_a_second > 0.9,
        "Throughput is " + rate + " writes/s", "FAIL: Throughput too low: " + rate + " writes/s");
  judge(measured.Slowest() <= 0.5, "Slowest request took " + seconds(measured.Slowest()),
        "Slowest request took too long: " + seconds(measured.Slowest()));
  judge(measured.Deviation() <= 0.1, "Stddev is " + seconds(measured.Deviation()),
        "Stddev too high: " + seconds(measured.Deviation()));
  out << (pass ? "PASS" : "FAIL") << std::endl;
  return pass;
}

Result<etcdserverpb::RangeResponse> CountBelow(etcdclient::Client& client,
                                               const std::string& prefix) {
  etcdserverpb::RangeRequest range;
  CoverPrefix(range, prefix);
  range.set_count_only(true);
  return client.Range(range);
}

Status CleanUp(Session& session, etcdclient::Client& client, const CheckFlags& flags) {
  etcdserverpb::DeleteRangeRequest all;
  CoverPrefix(all, flags.prefix);
  const auto deleted = TRY(client.DeleteRange(all, {.timeout = std::chrono::seconds(60)}));
  if (flags.auto_compact) {
    const Revision revision{deleted.header().revision()};
    session.out() << "Compacting with revision " << revision.value << std::endl;
    TRY(client.Compact(revision, true, {.timeout = std::chrono::seconds(60)}));
    session.out() << "Compacted with revision " << revision.value << std::endl;
  }
  if (!flags.auto_defrag) return {};
  for (const auto& endpoint : session.Endpoints()) {
    session.out() << "Defragmenting " << output::Quote(endpoint) << std::endl;
    TRY(client.Defragment(endpoint, {.timeout = std::chrono::seconds(60)}));
    session.out() << "Defragmented " << output::Quote(endpoint) << std::endl;
  }
  return {};
}

Exit CheckPerf(Session& session, const CheckFlags& flags) {
  if (!flags.words.empty()) return Exit::BadArguments("check perf takes no arguments");
  const auto load = kLoads.find(flags.load);
  if (load == kLoads.end()) {
    return Exit::Fail(kExitBadFeature, "unknown load option " + flags.load);
  }
  if (flags.prefix.empty()) {
    return Exit::BadArguments(
        "--prefix must not be empty: all keys below it are deleted at the end");
  }
  const auto client = session.Client();
  if (!client.ok()) return Exit::Failed(client.error());
  const auto there = CountBelow(**client, flags.prefix);
  if (!there.ok()) return Exit::Failed(there.error());
  if (there->count() > 0) {
    return Exit::Fail(kExitInvalidInput, "prefix " + output::Quote(flags.prefix) +
                                             " has keys. Delete with 'etcdctl del --prefix " +
                                             flags.prefix + "' first");
  }
  auto options = session.ClientOptions();
  if (!options.ok()) return Exit::Failed(options.error());
  Measured measured;
  {
    auto pipeline = etcdclient::MakePipeline(*options, kConnections);
    if (!pipeline.ok()) return Exit::Failed(pipeline.error());
    measured = Writer(session, **pipeline, load->second, flags.prefix).Run();
  }
  const Status clean = CleanUp(session, **client, flags);
  if (!clean.ok()) return Exit::Failed(clean.error());
  if (session.Interrupted()) return Exit::Fail(kExitInterrupted, "interrupted; nothing was judged");
  return Judge(session.out(), measured, load->second) ? Exit::Ok() : Exit::Fail(kExitError, "");
}

}  // namespace

void AddCheckCommand(CLI::App& app, Session& session) {
  CLI::App* group =
      AddGroup(app, session, "check", "commands for checking properties of the etcd cluster");
  auto flags = std::make_shared<CheckFlags>();
  CLI::App* perf = group->add_subcommand("perf", "Check the performance of the etcd cluster");
  perf->add_option("words", flags->words)->expected(0, -1)->group("");
  perf->add_option("--load", flags->load,
                   "s(mall), m(edium), l(arge) or xl: 150, 1000, 8000 or 15000 writes a second")
      ->capture_default_str();
  perf->add_option("--prefix", flags->prefix, "where the keys go, which are deleted at the end")
      ->capture_default_str();
  perf->add_flag("--auto-compact", flags->auto_compact, "compact the history at the end");
  perf->add_flag("--auto-defrag", flags->auto_defrag, "defragment all endpoints at the end");
  perf->footer(
      "Writes for a minute at the load's rate: 256 bytes of key, 1,024 of value. Passes when at\n"
      "least 90 % of the rate was reached, no write failed or took over 0.5 s, and the standard\n"
      "deviation is at most 0.1 s. It costs what that load costs: not for a busy cluster.");
  Bind(*perf, session, [flags](Session& s) { return CheckPerf(s, *flags); });
}

}  // namespace quorate::commands
