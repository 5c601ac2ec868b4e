#include <CLI/CLI.hpp>
#include <memory>
#include <ostream>

#include "commands/bind.h"
#include "commands/commands.h"
#include "etcdclient/snapshot.h"
#include "output/print.h"
#include "output/progress.h"
#include "output/text.h"

namespace quorate::commands {
namespace {

// Streams into path + ".part", which takes its name only when it is whole and on the disk.
Result<etcdclient::SnapshotSummary> SaveTo(Session& session, etcdclient::Client& client,
                                           const std::string& endpoint, const std::string& path) {
  const std::string part = path + ".part";
  auto file = TRY(session.disk().Open(part, io::OpenMode::kTruncate));
  const auto begin = session.clock().Now();
  const bool terminal = session.doors().terminal;
  output::Progress progress("Saving snapshot", terminal);
  std::uint64_t done = 0;
  auto fetched = etcdclient::FetchSnapshot(
      client, endpoint, [&](std::string_view chunk, std::uint64_t remaining) -> Status {
        TRY(file->Append(AsBytes(chunk)));
        done += chunk.size();
        const auto line = progress.Update(session.clock().Now() - begin, done, done + remaining);
        if (line.has_value())
          session.err() << (terminal ? "\r" : "") << *line << (terminal ? "" : "\n") << std::flush;
        return {};
      });
  if (terminal && progress.spoke()) session.err() << "\n";
  if (!fetched.ok()) {
    file.reset();
    const Status removed = session.disk().Remove(part);
    return removed.ok() ? std::move(fetched).error()
                        : Annotate(std::move(fetched).error(), "left behind " + part);
  }
  TRY(file->Sync());
  file.reset();
  TRY(session.disk().Rename(part, path));
  TRY(session.disk().SyncDirectory(io::ParentOf(path)));
  return fetched;
}

Exit Save(Session& session, const std::vector<std::string>& words) {
  if (words.size() != 1) {
    return Exit::BadArguments("snapshot save expects one argument <filename>");
  }
  const auto endpoints = session.Endpoints();
  if (endpoints.size() != 1) {
    return Exit::Fail(kExitInterrupted,
                      "snapshot must be requested to one selected node, not multiple [" +
                          output::Join(endpoints, " ") + "]");
  }
  const auto client = session.Client();
  if (!client.ok()) return Exit::Failed(client.error());
  const auto saved = SaveTo(session, **client, endpoints[0], words[0]);
  if (!saved.ok()) return Exit::Fail(kExitInterrupted, saved.error().message);
  session.out() << "Snapshot saved at " << words[0] << "\n";
  if (!saved->version.empty()) session.out() << "Server version " << saved->version << "\n";
  return Exit::Ok();
}

}  // namespace

void AddSnapshotCommands(CLI::App& app, Session& session) {
  CLI::App* group = AddGroup(app, session, "snapshot", "Snapshots of one member's store");
  auto words = std::make_shared<std::vector<std::string>>();

  CLI::App* save =
      group->add_subcommand("save", "Stores an etcd node backend snapshot to a given file");
  AddWords(*save, session, *words, "<filename>", "written whole or not at all");
  save->footer("Exactly one endpoint.  snapshot save --endpoints=127.0.0.1:2379 backup.db");
  Bind(*save, session, [words](Session& s) { return Save(s, *words); });
}

}  // namespace quorate::commands
