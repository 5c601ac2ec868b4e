#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <ostream>

#include "commands/bind.h"
#include "commands/commands.h"
#include "output/print.h"
#include "output/text.h"

namespace quorate::commands {
namespace {

struct LeaseFlags {
  std::vector<std::string> words{};
  bool keys = false;
  bool once = false;
};

Result<LeaseId> ParseLease(const std::string& text) {
  const auto id = ParseInt(text, 16);
  if (!id.ok()) {
    return Error{Code::kInvalidArgument,
                 "bad lease ID arg (" + id.error().message + "), expecting ID in Hex"};
  }
  return LeaseId{*id};
}

Exit Grant(Session& session, const LeaseFlags& flags) {
  if (flags.words.size() != 1) return Exit::BadArguments("lease grant command needs TTL argument");
  const auto ttl = ParseInt(flags.words[0], 10);
  if (!ttl.ok()) return Exit::BadArguments("bad TTL (" + ttl.error().message + ")");
  const auto client = session.Client();
  if (!client.ok()) return Exit::Failed(client.error());
  const auto response = (*client)->LeaseGrant(std::chrono::seconds(*ttl));
  if (!response.ok()) {
    return Exit::Fail(kExitError, "failed to grant lease (" + response.error().message + ")");
  }
  return session.Show(output::PrintLeaseGrant(session.style(), *response));
}

Exit Revoke(Session& session, const LeaseFlags& flags) {
  if (flags.words.size() != 1) return Exit::BadArguments("lease revoke command needs 1 argument");
  const auto id = ParseLease(flags.words[0]);
  if (!id.ok()) return Exit::BadArguments(id.error().message);
  const auto client = session.Client();
  if (!client.ok()) return Exit::Failed(client.error());
  const auto response = (*client)->LeaseRevoke(*id);
  if (!response.ok()) {
    return Exit::Fail(kExitError, "failed to revoke lease (" + response.error().message + ")");
  }
  return session.Show(output::PrintLeaseRevoke(session.style(), id->value, *response));
}

Exit TimeToLive(Session& session, const LeaseFlags& flags) {
  if (flags.words.size() != 1) {
    return Exit::BadArguments("lease timetolive command needs lease ID as argument");
  }
  const auto id = ParseLease(flags.words[0]);
  if (!id.ok()) return Exit::BadArguments(id.error().message);
  const auto client = session.Client();
  if (!client.ok()) return Exit::Failed(client.error());
  const auto response = (*client)->LeaseTimeToLive(*id, flags.keys);
  if (!response.ok()) return Exit::Failed(response.error());
  return session.Show(output::PrintLeaseTimeToLive(session.style(), flags.keys, *response));
}

Exit List(Session& session) {
  const auto client = session.Client();
  if (!client.ok()) return Exit::Failed(client.error());
  const auto response = (*client)->LeaseLeases();
  if (!response.ok()) return Exit::Failed(response.error());
  return session.Show(output::PrintLeases(session.style(), *response));
}

// Renews at a third of what is left, until the lease is gone. The stream's own timeout is the
// waiting.
Exit KeepAliveForever(Session& session, etcdclient::Client& client, LeaseId id) {
  etcdserverpb::LeaseKeepAliveRequest request;
  request.set_id(id.value);
  while (true) {
    auto stream = client.Open(etcdclient::kLeaseKeepAlive, {});
    if (!stream.ok()) return Exit::Failed(stream.error());
    std::chrono::milliseconds pause(0);
    while ((*stream)->Write(request).ok()) {
      etcdserverpb::LeaseKeepAliveResponse response;
      const auto read = (*stream)->Next(response, std::nullopt);
      if (!read.ok() || *read != etcdclient::Stream::Read::kMessage) break;
      if (response.ttl() <= 0) {
        session.out() << "lease " << output::ZeroHex(static_cast<std::uint64_t>(id.value))
                      << " expired or revoked.\n";
        return Exit::Ok();
      }
      Exit shown = session.Show(output::PrintLeaseKeepAlive(session.style(), response));
      if (shown.code != 0) return shown;
      pause = std::max(std::chrono::milliseconds(500),
                       std::chrono::milliseconds(response.ttl() * 1000 / 3));
      const auto idle = (*stream)->Next(response, pause);
      if (!idle.ok() || *idle == etcdclient::Stream::Read::kEnd) break;
    }
  }
}

Exit KeepAlive(Session& session, const LeaseFlags& flags) {
  if (flags.words.size() != 1) {
    return Exit::BadArguments("lease keep-alive command needs lease ID as argument");
  }
  const auto id = ParseLease(flags.words[0]);
  if (!id.ok()) return Exit::BadArguments(id.error().message);
  const auto client = session.Client();
  if (!client.ok()) return Exit::Failed(client.error());
  if (!flags.once) return KeepAliveForever(session, **client, *id);
  const auto response = (*client)->LeaseKeepAlive(*id);
  if (!response.ok()) return Exit::Fail(2, response.error().message);
  if (response->ttl() <= 0) return Exit::Fail(2, "etcdserver: requested lease not found");
  return session.Show(output::PrintLeaseKeepAlive(session.style(), *response));
}

}  // namespace

void AddLeaseCommands(CLI::App& app, Session& session) {
  CLI::App* group = AddGroup(app, session, "lease", "Lease related commands");
  auto flags = std::make_shared<LeaseFlags>();

  CLI::App* grant = group->add_subcommand("grant", "Creates leases");
  AddWords(*grant, session, flags->words, "<ttl>", "seconds the lease lives without being renewed");
  Bind(*grant, session, [flags](Session& s) { return Grant(s, *flags); });

  CLI::App* revoke = group->add_subcommand("revoke", "Revokes leases and deletes their keys");
  AddWords(*revoke, session, flags->words, "<leaseID>", "in hexadecimal");
  Bind(*revoke, session, [flags](Session& s) { return Revoke(s, *flags); });

  CLI::App* ttl = group->add_subcommand("timetolive", "Get lease information");
  AddWords(*ttl, session, flags->words, "<leaseID>", "in hexadecimal");
  ttl->add_flag("--keys", flags->keys, "list the keys attached to this lease");
  Bind(*ttl, session, [flags](Session& s) { return TimeToLive(s, *flags); });

  CLI::App* list = group->add_subcommand("list", "List all active leases");
  Bind(*list, session, [](Session& s) { return List(s); });

  CLI::App* keep = group->add_subcommand("keep-alive", "Keeps leases alive (renew)");
  AddWords(*keep, session, flags->words, "<leaseID>", "in hexadecimal");
  keep->add_flag("--once", flags->once, "renew once and exit");
  Bind(*keep, session, [flags](Session& s) { return KeepAlive(s, *flags); });
}

}  // namespace quorate::commands
