#include "chaos/round.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <optional>
#include <thread>
#include <vector>

#include "chaos/clients.h"
#include "chaos/cluster.h"
#include "chaos/faults.h"
#include "chaos/network.h"
#include "check/leases.h"
#include "check/linearizable.h"
#include "check/registers.h"
#include "check/watches.h"
#include "support/wait.h"

namespace quorate::chaos {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr check::Instant kSecond = 1'000'000'000;
// What a lease may live beyond its time once everything is well: its whole TTL of 3 s under a new
// leader and the election timeout, half a second until the leader looks, 3 s when the revocation
// has to be asked for again, and a machine that has other things to do.
constexpr check::Instant kLeaseLateMax = 12 * kSecond;

void Say(const std::string& text) {
  std::printf("  %s\n", text.c_str());
  std::fflush(stdout);
}

class Round {
 public:
  Round(const RoundOptions& options, std::string history_path)
      : options_(options),
        history_path_(std::move(history_path)),
        network_(options.members),
        cluster_(network_, options.members, options.directory) {}

  RoundReport Play() {
    cluster_.StartAll();
    for (int slot = 0; slot < cluster_.size(); ++slot)
      if (!cluster_.AwaitHealthy(slot, 60))
        return report_.findings.push_back("the cluster never came up"), std::move(report_);
    clients_.emplace(cluster_, Load{.seed = options_.seed});
    faults_.emplace(network_, cluster_, *clients_, options_.seed);
    MakeFaults();
    Finish();
    StopAndVerify();
    Judge();
    return std::move(report_);
  }

 private:
  void MakeFaults() {
    std::this_thread::sleep_for(milliseconds(1000));
    const check::Instant end = Now() + options_.seconds * kSecond;
    int made = 0;
    std::size_t turn = options_.seed;
    if (options_.kill_all > 0) {
      for (; made < options_.kill_all; ++made) {
        faults_->Make("kill-all");
        AwaitWrite();
        std::this_thread::sleep_for(faults_->lasts() / 4);
      }
      return;
    }
    while (Now() < end || made < options_.faults) {
      // The first ones take every kind in turn, so that a short run meets all of them.
      const bool in_turn = turn - options_.seed < options_.kinds.size();
      const bool happened = in_turn ? faults_->Make(options_.kinds[turn % options_.kinds.size()])
                                    : faults_->MakeOne(options_.kinds);
      ++turn;
      if (!happened) continue;
      ++made;
      if (made % 3 == 0) AwaitWrite();
      Say(std::to_string(made) + " faults, " + std::to_string(clients_->calls()) + " calls");
    }
  }

  // Somebody can write again, or half a minute has passed.
  void AwaitWrite() {
    const check::Instant from = Now();
    test::WaitFor([&] { return clients_->availability().last() > from; }, seconds(30));
  }

  // Heals, lets the last events arrive, and reads everything once more.
  void Finish() {
    faults_->MendAll();
    AwaitWrite();
    settled_ = clients_->NoteCalm();
    clients_->StopWriting();
    report_.worst_gap = clients_->availability().worst_gap();
    std::int64_t revision = 0;
    for (int slot = 0; slot < cluster_.size(); ++slot) {
      etcdserverpb::RequestOp all;
      all.mutable_request_range()->set_key(std::string(1, '\0'));
      all.mutable_request_range()->set_range_end(std::string(1, '\0'));
      auto read = CallAndNote(cluster_.client(), cluster_, slot, all, milliseconds(10000));
      if (read.outcome != check::Outcome::kOk) {
        report_.findings.push_back("the last read at member " + std::to_string(slot) +
                                   " failed: " + read.error);
        continue;
      }
      revision = std::max(revision, check::RevisionOf(read));
      clients_->Note(std::move(read));
    }
    AwaitEndsOfLeases();
    clients_->StopWatching(std::max<std::int64_t>(revision, 1));
    CompareHashes(revision);
    report_.faults = faults_->made();
    for (const auto& finding : faults_->findings()) report_.findings.push_back(finding);
    for (const auto& finding : clients_->findings()) report_.findings.push_back(finding);
  }

  // Nobody renews any more: looks until all leases are gone, or longer than they may live.
  void AwaitEndsOfLeases() {
    std::vector<std::int64_t> open = clients_->OpenLeases();
    for (int slot = 0; !open.empty() && Now() < settled_ + kLeaseLateMax + 2 * kSecond;
         slot = (slot + 1) % cluster_.size()) {
      std::this_thread::sleep_for(milliseconds(300));
      std::erase_if(open, [&](std::int64_t id) {
        etcdserverpb::LeaseTimeToLiveRequest request;
        request.set_id(id);
        auto look = CallAndNote(cluster_.client(), cluster_, slot, request, milliseconds(5000));
        const bool gone =
            look.outcome == check::Outcome::kOk &&
            std::get<etcdserverpb::LeaseTimeToLiveResponse>(look.response).ttl() == -1;
        clients_->Note(std::move(look));
        return gone;
      });
    }
    if (!open.empty())
      report_.findings.push_back("L-3: " + std::to_string(open.size()) +
                                 " leases did not end when nobody renewed them, lease " +
                                 std::to_string(open[0]) + " among them");
  }

  // KV-13: all members have the same data at the same revision.
  void CompareHashes(std::int64_t revision) {
    std::optional<std::uint32_t> first;
    for (int slot = 0; slot < cluster_.size(); ++slot) {
      std::string why;
      std::optional<std::uint32_t> hash;
      test::WaitFor(
          [&] {
            const auto answer =
                cluster_.client().HashKv(cluster_.endpoint(slot), Revision{revision});
            if (!answer.ok()) return why = answer.error().message, false;
            hash = answer->hash();
            return true;
          },
          seconds(20));
      if (!hash) {
        report_.findings.push_back("no hash of member " + std::to_string(slot) + ": " + why);
        continue;
      }
      if (!first) first = hash;
      if (*hash != *first)
        report_.findings.push_back("KV-13: members 0 and " + std::to_string(slot) +
                                   " have different data at revision " + std::to_string(revision));
    }
  }

  void StopAndVerify() {
    for (int slot = 0; slot < cluster_.size(); ++slot) {
      if (!cluster_.Running(slot)) continue;
      // Some end in order, some are cut off: both must leave a sound directory.
      if ((options_.seed + static_cast<std::uint64_t>(slot)) % 2 == 0) {
        cluster_.Kill(slot);
      } else if (const int exit = cluster_.Terminate(slot); exit != kEndedByRequest) {
        report_.findings.push_back("member " + std::to_string(slot) + " ended with " +
                                   std::to_string(exit) + " when it was asked to stop");
      }
    }
    for (int slot = 0; slot < cluster_.size(); ++slot) {
      if (const std::string why = cluster_.Verify(slot); !why.empty())
        report_.findings.push_back("member " + std::to_string(slot) + ": " + why);
    }
  }

  void Judge() {
    const check::History history = clients_->Take();
    const auto kv = check::CheckLinearizable(history);
    const auto watches = check::CheckWatches(history, kv);
    const auto leases = check::CheckLeases(
        history, kv,
        {.settled = settled_ == 0 ? check::kNever : settled_, .late_max = kLeaseLateMax});
    const auto registers = check::CheckRegisters(history);
    report_.operations = history.operations.size();
    report_.writes = kv.writes;
    report_.reads = kv.reads + kv.serializable_reads;
    report_.unknown = kv.unknown_happened + kv.unknown_absent;
    report_.happened = kv.unknown_happened;
    report_.watches = watches.watches;
    report_.events = watches.events;
    report_.leases = leases.leases;
    report_.expired = leases.expired;
    for (const auto* findings :
         {&kv.findings, &watches.findings, &leases.findings, &registers.findings})
      for (const auto& finding : *findings)
        report_.findings.push_back(finding.rule + ": " + finding.text);
    const auto txns = std::count_if(
        history.operations.begin(), history.operations.end(),
        [](const check::Operation& operation) {
          const auto* op = std::get_if<etcdserverpb::RequestOp>(&operation.request);
          return operation.outcome == check::Outcome::kOk && op != nullptr && op->has_request_txn();
        });
    if (kv.writes == 0 || report_.reads == 0 || watches.events == 0 || txns == 0 ||
        leases.leases == 0)
      report_.findings.push_back(
          "nothing was written, read, watched, leased or done in a transaction: it was not "
          "checked");
    if (kv.undecided) report_.findings.push_back("the history could not be decided");
    if (!report_.findings.empty()) Write(history);
  }

  void Write(const check::History& history) const {
    std::ofstream out(history_path_);
    auto operations = history.operations;
    std::sort(operations.begin(), operations.end(),
              [](const auto& a, const auto& b) { return a.invoked < b.invoked; });
    for (const auto& operation : operations) out << check::Describe(operation) << "\n";
    for (const auto& watching : history.watches) {
      out << check::Describe(watching) << "\n";
      for (const auto& arrival : watching.arrivals) {
        const auto& response = arrival.response;
        out << "  " << arrival.at << " at " << response.header().revision()
            << (response.created() ? " created" : "")
            << (response.canceled() ? " canceled: " + response.cancel_reason() : "");
        for (const auto& event : response.events()) out << "\n    " << check::Describe(event);
        out << "\n";
      }
    }
  }

  const RoundOptions options_;
  const std::string history_path_;
  Network network_;
  Cluster cluster_;
  std::optional<Clients> clients_;
  std::optional<Faults> faults_;
  check::Instant settled_ = 0;  // when everything was well again; 0: not yet
  RoundReport report_;
};

}  // namespace

RoundReport PlayRound(const RoundOptions& options, const std::string& history_path) {
  RoundReport report;
  {
    Round round(options, history_path);
    report = round.Play();
    if (!report.findings.empty())
      test::RunCommand({FindProgram("cp"), "-a", options.directory, options.directory + ".kept"});
  }
  return report;
}

}  // namespace quorate::chaos
