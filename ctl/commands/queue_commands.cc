#include <CLI/CLI.hpp>
#include <memory>
#include <ostream>

#include "commands/bind.h"
#include "commands/commands.h"
#include "etcdclient/held_lease.h"
#include "etcdclient/queue.h"
#include "output/print.h"

namespace quorate::commands {
namespace {

using etcdclient::HeldLease;
using etcdclient::Place;

struct QueueFlags {
  std::vector<std::string> words{};
  std::int64_t ttl = 10;  // seconds
  bool listen = false;
};

constexpr std::chrono::seconds kElectionTtl{60};
constexpr std::chrono::milliseconds kLook{100};

Error Interruption() {
  return {Code::kCancelled, "context canceled"};
}

Place::GoOn UntilInterrupted(const Session& session) {
  return [&session]() -> Status {
    if (session.Interrupted()) return Interruption();
    return {};
  };
}

// Our turn, and the lease that it lives as long as.
struct Turn {
  std::unique_ptr<HeldLease> lease;
  std::unique_ptr<Place> place;
  etcdserverpb::RangeResponse key;  // as the server has it
};

Result<Turn> AwaitTurn(Session& session, etcdclient::Client& client, const std::string& name,
                       const std::string& value, std::chrono::seconds ttl) {
  Turn turn;
  turn.lease = TRY(HeldLease::Grant(client, ttl));
  turn.place = std::make_unique<Place>(TRY(Place::Take(client, name, turn.lease->id(), value)));
  turn.key = TRY(turn.place->AwaitFront(UntilInterrupted(session)));
  return turn;
}

// Until a signal comes, or the lease is lost (`lost` is then the answer); gives the turn up.
Exit Keep(Session& session, Turn& turn, const std::string& lost) {
  while (!session.doors().interrupted(kLook)) {
    if (turn.lease->lost()) return Exit::Fail(kExitError, lost);
  }
  const Status left = turn.place->Leave();
  return left.ok() ? Exit::Ok() : Exit::Failed(left.error());
}

Exit RunLocked(Session& session, Turn& turn, const std::vector<std::string>& command) {
  const int code = session.doors().run(
      command, {{"ETCD_LOCK_KEY", turn.place->key()},
                {"ETCD_LOCK_REV", std::to_string(turn.key.header().revision())}});
  const Status left = turn.place->Leave();
  if (code != 0) return Exit::Fail(code, "exit status " + std::to_string(code));
  return left.ok() ? Exit::Ok() : Exit::Failed(left.error());
}

Exit Lock(Session& session, const QueueFlags& flags) {
  if (flags.words.empty()) {
    return Exit::BadArguments("lock takes a lock name argument and an optional command to execute");
  }
  if (flags.ttl <= 0) return Exit::BadArguments("--ttl must be a number of seconds above 0");
  const auto client = session.Client();
  if (!client.ok()) return Exit::Failed(client.error());
  session.Interrupted();  // from here on a signal gives the lock back
  auto turn = AwaitTurn(session, **client, flags.words[0], "", std::chrono::seconds(flags.ttl));
  if (!turn.ok()) return Exit::Failed(turn.error());
  const std::vector<std::string> command(flags.words.begin() + 1, flags.words.end());
  if (!command.empty()) return RunLocked(session, *turn, command);
  Exit shown = session.Show(output::PrintRange(session.style(), turn->key));
  if (shown.code != 0) return shown;
  return Keep(session, *turn, "session expired");
}

Exit Observe(Session& session, etcdclient::Client& client, const std::string& name) {
  Exit shown;
  const Status ended = etcdclient::ObserveFront(
      client, name,
      [&](const etcdserverpb::RangeResponse& front) -> Status {
        shown = session.Show(output::PrintRange(session.style(), front));
        if (shown.code != 0) return Interruption();
        return {};
      },
      UntilInterrupted(session));
  if (shown.code != 0 || session.Interrupted()) return shown;
  return Exit::Failed(Annotate(ended.error(), "elect: observer lost"));
}

Exit Elect(Session& session, const QueueFlags& flags) {
  const std::size_t words = flags.words.size();
  if (words != 1 && words != 2) {
    return Exit::BadArguments(
        "elect takes one election name argument and an optional proposal argument");
  }
  if (words == 1 && !flags.listen) {
    return Exit::BadArguments("no proposal argument but -l not set");
  }
  if (words == 2 && flags.listen) return Exit::BadArguments("proposal given but -l is set");
  const auto client = session.Client();
  if (!client.ok()) return Exit::Failed(client.error());
  session.Interrupted();
  if (flags.listen) return Observe(session, **client, flags.words[0]);
  auto turn = AwaitTurn(session, **client, flags.words[0], flags.words[1], kElectionTtl);
  if (!turn.ok()) return Exit::Failed(turn.error());
  Exit shown = session.Show(output::PrintRange(session.style(), turn->key));
  if (shown.code != 0) return shown;
  return Keep(session, *turn, "elect: session expired");
}

}  // namespace

void AddQueueCommands(CLI::App& app, Session& session) {
  auto flags = std::make_shared<QueueFlags>();

  CLI::App* lock = app.add_subcommand("lock", "Acquires a named lock");
  AddWords(*lock, session, flags->words, "<lockname> [exec-command arg1 arg2 ...]",
           "name of the lock; a command to run while it is held");
  lock->add_option("--ttl", flags->ttl, "seconds until others get the lock of one who is lost")
      ->capture_default_str();
  lock->footer(
      "Waits until the lock is ours, prints its key and holds it until SIGINT or SIGTERM. With a\n"
      "command: holds it while the command runs, with ETCD_LOCK_KEY and ETCD_LOCK_REV in its\n"
      "environment, and ends with its exit code:\n\n"
      "  lock nightly -- ./job.sh --all");
  Bind(*lock, session, [flags](Session& s) { return Lock(s, *flags); });

  CLI::App* elect = app.add_subcommand("elect", "Observes and participates in leader election");
  AddWords(*elect, session, flags->words, "<election-name> [proposal]",
           "name of the election; what the others read when we lead");
  elect->add_flag("-l,--listen", flags->listen, "print who leads, now and from now on");
  elect->footer("Waits until it leads, prints its key, and leads until SIGINT or SIGTERM.");
  Bind(*elect, session, [flags](Session& s) { return Elect(s, *flags); });
}

}  // namespace quorate::commands
