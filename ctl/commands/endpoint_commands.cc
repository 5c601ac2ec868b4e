#include <CLI/CLI.hpp>
#include <memory>
#include <ostream>

#include "commands/bind.h"
#include "commands/commands.h"
#include "commands/endpoints.h"
#include "output/print.h"

namespace quorate::commands {
namespace {

struct EndpointFlags {
  bool cluster = false;
  std::int64_t rev = 0;
};

// What keeps a member that answered from being called healthy; empty: nothing.
std::string ActiveAlarms(etcdclient::Client& client, const etcdclient::CallOptions& options) {
  const auto alarms = client.AlarmList(options);
  if (!alarms.ok()) return "Unable to fetch the alarm list";
  if (alarms->alarms().empty()) return "";
  std::string text = "Active Alarm(s): ";
  for (const auto& alarm : alarms->alarms()) {
    text += etcdserverpb::AlarmType_IsValid(alarm.alarm())
                ? etcdserverpb::AlarmType_Name(alarm.alarm()) + " "
                : "UNKNOWN ";
  }
  return text;
}

output::EndpointHealth CheckHealth(Session& session, etcdclient::Client& client,
                                   const std::string& endpoint) {
  const etcdclient::CallOptions here{.endpoint = endpoint, .one_round = true};
  const auto begin = session.clock().Now();
  // Any linearizable read will do: it takes a quorum to answer. Not being allowed to read is an
  // answer too.
  const auto answer = client.Get("health", here);
  output::EndpointHealth row{endpoint, false, session.clock().Now() - begin, ""};
  if (!answer.ok() && answer.error().code != Code::kPermissionDenied) {
    row.error = answer.error().message;
    return row;
  }
  row.error = ActiveAlarms(client, here);
  row.healthy = row.error.empty();
  return row;
}

Exit Health(Session& session, const EndpointFlags& flags) {
  const auto client = session.Client();
  if (!client.ok()) return Exit::Failed(client.error());
  const auto endpoints = ChosenEndpoints(session, **client, flags.cluster);
  if (!endpoints.ok()) return Exit::Failed(endpoints.error());
  const bool simple = session.style().format == output::Format::kSimple;
  std::vector<output::EndpointHealth> rows;
  bool all_healthy = true;
  for (const auto& endpoint : *endpoints) {
    rows.push_back(CheckHealth(session, **client, endpoint));
    all_healthy = all_healthy && rows.back().healthy;
    if (!simple) continue;
    const auto line = output::PrintHealth(session.style(), {rows.back()});
    (rows.back().healthy ? session.out() : session.err()) << line.value() << std::flush;
  }
  if (!simple) {
    Exit shown = session.Show(output::PrintHealth(session.style(), rows));
    if (shown.code != 0) return shown;
  }
  return all_healthy ? Exit::Ok() : Exit::Fail(kExitError, "unhealthy cluster");
}

Exit Statuses(Session& session, const EndpointFlags& flags) {
  const auto client = session.Client();
  if (!client.ok()) return Exit::Failed(client.error());
  const auto endpoints = ChosenEndpoints(session, **client, flags.cluster);
  if (!endpoints.ok()) return Exit::Failed(endpoints.error());
  std::vector<output::EndpointStatus> rows;
  Exit exit;
  for (const auto& endpoint : *endpoints) {
    auto status = (*client)->StatusOf(endpoint, {.one_round = true});
    if (status.ok()) {
      rows.push_back({endpoint, std::move(status).value()});
      continue;
    }
    session.err() << "Failed to get the status of endpoint " << endpoint << " ("
                  << status.error().message << ")\n";
    exit.code = kExitError;
  }
  Exit shown = session.Show(output::PrintStatuses(session.style(), rows));
  return shown.code != 0 ? shown : exit;
}

Exit HashKv(Session& session, const EndpointFlags& flags) {
  const auto client = session.Client();
  if (!client.ok()) return Exit::Failed(client.error());
  const auto endpoints = ChosenEndpoints(session, **client, flags.cluster);
  if (!endpoints.ok()) return Exit::Failed(endpoints.error());
  std::vector<output::EndpointHash> rows;
  Exit exit;
  for (const auto& endpoint : *endpoints) {
    auto hash = (*client)->HashKv(endpoint, Revision{flags.rev}, {.one_round = true});
    if (hash.ok()) {
      rows.push_back({endpoint, std::move(hash).value()});
      continue;
    }
    session.err() << "Failed to get the hash of endpoint " << endpoint << " ("
                  << hash.error().message << ")\n";
    exit = Exit::Failed(hash.error());
  }
  Exit shown = session.Show(output::PrintHashes(session.style(), rows));
  return shown.code != 0 ? shown : exit;
}

}  // namespace

Result<std::vector<std::string>> ChosenEndpoints(Session& session, etcdclient::Client& client,
                                                 bool cluster) {
  if (!cluster) return session.Endpoints();
  auto members = client.MemberList(true);
  if (!members.ok()) {
    return Annotate(std::move(members).error(),
                    "failed to fetch endpoints from etcd cluster member list");
  }
  std::vector<std::string> endpoints;
  for (const auto& member : members->members()) {
    endpoints.insert(endpoints.end(), member.clienturls().begin(), member.clienturls().end());
  }
  return endpoints;
}

void AddEndpointCommands(CLI::App& app, Session& session) {
  CLI::App* group = AddGroup(app, session, "endpoint", "Endpoint related commands");
  auto flags = std::make_shared<EndpointFlags>();
  group->add_flag("--cluster", flags->cluster, "all endpoints of the cluster's member list");

  CLI::App* health = group->add_subcommand(
      "health", "Checks the healthiness of endpoints specified in --endpoints");
  health->footer("Healthy: a linearizable read succeeds and no alarm is raised.");
  Bind(*health, session, [flags](Session& s) { return Health(s, *flags); });

  CLI::App* status = group->add_subcommand(
      "status", "Prints out the status of endpoints specified in --endpoints");
  Bind(*status, session, [flags](Session& s) { return Statuses(s, *flags); });

  CLI::App* hash = group->add_subcommand(
      "hashkv", "Prints the KV history hash for each endpoint in --endpoints");
  hash->add_option("--rev", flags->rev, "hash up to this revision; 0: the latest");
  hash->footer("Members that agree print the same hash for the same revision.");
  Bind(*hash, session, [flags](Session& s) { return HashKv(s, *flags); });
}

}  // namespace quorate::commands
