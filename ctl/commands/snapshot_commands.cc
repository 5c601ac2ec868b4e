#include <CLI/CLI.hpp>
#include <memory>
#include <ostream>

#include "commands/bind.h"
#include "commands/commands.h"
#include "commands/progress_line.h"
#include "commands/restore_flags.h"
#include "etcdclient/snapshot.h"
#include "offline/restore.h"
#include "offline/snapshot_status.h"
#include "output/print.h"
#include "output/text.h"

namespace quorate::commands {
namespace {

// Streams into path + ".part", which takes its name only when it is whole and on the disk.
Result<etcdclient::SnapshotSummary> SaveTo(Session& session, etcdclient::Client& client,
                                           const std::string& endpoint, const std::string& path) {
  const std::string part = path + ".part";
  auto file = TRY(session.disk().Open(part, io::OpenMode::kTruncate));
  std::uint64_t done = 0;
  auto fetched = [&] {
    ProgressLine progress(session, "Saving snapshot");
    return etcdclient::FetchSnapshot(
        client, endpoint, [&](std::string_view chunk, std::uint64_t remaining) -> Status {
          TRY(file->Append(AsBytes(chunk)));
          done += chunk.size();
          progress.Show(done, done + remaining);
          return {};
        });
  }();
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

Exit StatusOf(Session& session, const std::vector<std::string>& words) {
  if (words.size() != 1) return Exit::BadArguments("snapshot status requires exactly one argument");
  const auto status = offline::ReadSnapshotStatus(session.disk(), words[0]);
  if (!status.ok()) return Exit::Failed(status.error());
  return session.Show(output::PrintSnapshotStatus(
      session.style(),
      {status->hash, status->revision, status->keys, status->size, status->version}));
}

Exit Restore(Session& session, const std::vector<std::string>& words,
             const offline::RestoreOptions& options) {
  if (words.size() != 1) {
    return Exit::BadArguments("snapshot restore requires exactly one argument");
  }
  const auto restored = offline::RestoreSnapshot(session.disk(), words[0], options);
  if (!restored.ok()) {
    const bool flags = restored.error().code == Code::kInvalidArgument;
    return Exit::Fail(flags ? kExitBadArguments : kExitError, restored.error().message);
  }
  session.err() << "Restored " << words[0] << ": " << Describe(*restored) << "\n";
  return Exit::Ok();
}

void AddOfflineCommands(CLI::App& group, Session& session,
                        const std::shared_ptr<std::vector<std::string>>& words) {
  CLI::App* status = group.add_subcommand("status", "Gets backend snapshot status of a given file");
  AddWords(*status, session, *words, "<filename>",
           "a saved snapshot, or a stopped member's db file");
  status->footer("Simple output: hash, revision, total keys, total size, storage version.");
  Bind(*status, session, [words](Session& s) { return StatusOf(s, *words); });

  auto options = std::make_shared<offline::RestoreOptions>();
  CLI::App* restore =
      group.add_subcommand("restore", "Restores an etcd member snapshot to an etcd directory");
  AddWords(*restore, session, *words, "<filename>", "a saved snapshot");
  AddRestoreFlags(*restore, *options);
  restore->add_flag("--skip-hash-check", options->skip_hash_check,
                    "the file has no digest: it was copied from a data directory");
  restore->add_option("--initial-memory-map-size", "accepted; nothing is mapped here");
  restore->footer(
      "Every member of the new cluster is restored from the same file with the same\n"
      "--initial-cluster and token, each under its own --name.");
  Bind(*restore, session, [words, options](Session& s) { return Restore(s, *words, *options); });
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
  AddOfflineCommands(*group, session, words);
}

}  // namespace quorate::commands
