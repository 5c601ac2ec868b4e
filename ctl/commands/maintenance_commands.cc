#include <CLI/CLI.hpp>
#include <memory>
#include <ostream>

#include "base/bytes.h"
#include "commands/bind.h"
#include "commands/commands.h"
#include "commands/endpoints.h"
#include "output/print.h"
#include "output/text.h"

namespace quorate::commands {
namespace {

constexpr const char* kApiVersion = "3.6";

struct MaintenanceFlags {
  std::vector<std::string> words{};
  bool physical = false;
  bool cluster = false;
};

Exit Compaction(Session& session, const MaintenanceFlags& flags) {
  if (flags.words.size() != 1) return Exit::BadArguments("compaction command needs 1 argument");
  const auto revision = ParseInt(flags.words[0], 10);
  if (!revision.ok()) return Exit::Failed(revision.error());
  const auto client = session.Client();
  if (!client.ok()) return Exit::Failed(client.error());
  const auto response = (*client)->Compact(Revision{*revision}, flags.physical);
  if (!response.ok()) return Exit::Failed(response.error());
  session.out() << "compacted revision " << *revision << "\n";
  return Exit::Ok();
}

Exit Defrag(Session& session, const MaintenanceFlags& flags) {
  const auto client = session.Client();
  if (!client.ok()) return Exit::Failed(client.error());
  const auto endpoints = ChosenEndpoints(session, **client, flags.cluster);
  if (!endpoints.ok()) return Exit::Failed(endpoints.error());
  Exit exit;
  for (const auto& endpoint : *endpoints) {
    const auto begin = session.clock().Now();
    const auto done = (*client)->Defragment(endpoint);
    const std::string took = output::FormatDuration(session.clock().Now() - begin);
    if (done.ok()) {
      session.out() << "Finished defragmenting etcd member[" << endpoint << "]. took " << took
                    << std::endl;
      continue;
    }
    session.err() << "Failed to defragment etcd member[" << endpoint << "]. took " << took << ". ("
                  << done.error().message << ")\n";
    exit.code = kExitError;
  }
  return exit;
}

Exit MoveLeader(Session& session, const MaintenanceFlags& flags) {
  if (flags.words.size() != 1) return Exit::BadArguments("move-leader command needs 1 argument");
  const auto target = ParseUint(flags.words[0], 16);
  if (!target.ok()) return Exit::BadArguments(target.error().message);
  const auto client = session.Client();
  if (!client.ok()) return Exit::Failed(client.error());
  for (const auto& endpoint : session.Endpoints()) {
    const auto status = (*client)->StatusOf(endpoint, {.one_round = true});
    if (!status.ok()) return Exit::Failed(status.error());
    if (status->leader() != status->header().member_id()) continue;
    const auto moved = (*client)->MoveLeader(endpoint, MemberId{*target});
    if (!moved.ok()) return Exit::Failed(moved.error());
    session.out() << "Leadership transferred from " << ToHex(status->leader()) << " to "
                  << ToHex(*target) << "\n";
    return Exit::Ok();
  }
  return Exit::BadArguments("no leader endpoint given at [" +
                            output::Join(session.Endpoints(), " ") + "]");
}

Exit AlarmList(Session& session) {
  const auto client = session.Client();
  if (!client.ok()) return Exit::Failed(client.error());
  const auto response = (*client)->AlarmList();
  if (!response.ok()) return Exit::Failed(response.error());
  return session.Show(output::PrintAlarms(session.style(), *response));
}

Exit AlarmDisarm(Session& session) {
  const auto client = session.Client();
  if (!client.ok()) return Exit::Failed(client.error());
  const auto response = (*client)->AlarmDisarm({}, etcdserverpb::NONE);
  if (!response.ok()) return Exit::Failed(response.error());
  return session.Show(output::PrintAlarms(session.style(), *response));
}

Exit Version(Session& session) {
  session.out() << session.program() << " version: " << QUORATE_ETCD_VERSION
                << "\nAPI version: " << kApiVersion << "\nQuorate version: " << QUORATE_VERSION
                << "\n";
  return Exit::Ok();
}

}  // namespace

void AddMaintenanceCommands(CLI::App& app, Session& session) {
  auto flags = std::make_shared<MaintenanceFlags>();

  CLI::App* compaction = app.add_subcommand("compaction", "Compacts the event history in etcd");
  AddWords(*compaction, session, flags->words, "<revision>", "history before it is given up");
  compaction->add_flag("--physical", flags->physical,
                       "wait until the old revisions are gone from disk");
  Bind(*compaction, session, [flags](Session& s) { return Compaction(s, *flags); });

  CLI::App* defrag = app.add_subcommand(
      "defrag", "Defragments the storage of the etcd members with given endpoints");
  defrag->add_flag("--cluster", flags->cluster, "all endpoints of the cluster's member list");
  Bind(*defrag, session, [flags](Session& s) { return Defrag(s, *flags); });

  CLI::App* move =
      app.add_subcommand("move-leader", "Transfers leadership to another etcd cluster member.");
  AddWords(*move, session, flags->words, "<transferee-member-id>", "in hexadecimal");
  move->footer("The leader's endpoint must be among --endpoints.");
  Bind(*move, session, [flags](Session& s) { return MoveLeader(s, *flags); });

  CLI::App* alarm = AddGroup(app, session, "alarm", "Alarm related commands");
  Bind(*alarm->add_subcommand("list", "Lists all alarms"), session,
       [](Session& s) { return AlarmList(s); });
  Bind(*alarm->add_subcommand("disarm", "Disarms all alarms"), session,
       [](Session& s) { return AlarmDisarm(s); });

  Bind(*app.add_subcommand("version", "Prints the version"), session,
       [](Session& s) { return Version(s); });
}

}  // namespace quorate::commands
