#include <CLI/CLI.hpp>
#include <memory>
#include <ostream>
#include <utility>

#include "backup/catalog.h"
#include "backup/restore.h"
#include "backup/save.h"
#include "base/bytes.h"
#include "commands/bind.h"
#include "commands/commands.h"
#include "commands/progress_line.h"
#include "commands/restore_flags.h"
#include "objectstore/open_store.h"
#include "output/go_json.h"
#include "output/print.h"
#include "output/table.h"
#include "output/text.h"

namespace quorate::commands {
namespace {

using backup::Stage;

struct BackupFlags {
  objectstore::StoreFlags store{};
  std::string report{};  // --termination-log
  std::vector<std::string> words{};
  backup::SaveOptions save{};
  offline::RestoreOptions restore{};
  bool skip_existing = false;
  bool checksum_only = false;
  std::string scratch{};
  std::size_t keep_last = 0;
  std::string max_age{};
  bool dry_run = false;
};

// One run of a backup command: which stage it is in, and the line for whoever started it.
class Run {
 public:
  Run(Session& session, const BackupFlags& flags) : session_(session), flags_(flags) {}

  Result<std::unique_ptr<objectstore::ObjectStore>> OpenStore() {
    return objectstore::OpenStore(flags_.store, session_.disk(), session_.doors().environment);
  }

  // The one word that names a backup.
  Result<std::string> Location() {
    if (flags_.words.size() != 1) {
      return Error{Code::kInvalidArgument, "which backup? LOCATION as backup list prints it"};
    }
    std::string location = flags_.words[0];
    while (location.ends_with('/')) location.pop_back();
    TRY(objectstore::CheckKey(location));
    return location;
  }

  Exit Failed(const Error& error) {
    std::string text = backup::ReasonOf(stage, error.code) + ": " + error.message;
    const Status told = Tell(backup::FailureReport(stage, error));
    if (!told.ok()) text += " (and " + told.error().message + ")";
    return Exit::Fail(stage == Stage::kArguments ? kExitBadArguments : kExitError, text);
  }

  Exit Done(const std::string& report) {
    const Status told = Tell(report);
    return told.ok() ? Exit::Ok() : Exit::Fail(kExitIo, told.error().message);
  }

  Stage stage = Stage::kArguments;

 private:
  // Into the file itself: Kubernetes mounts it, so nothing may be renamed over it.
  Status Tell(const std::string& report) {
    if (flags_.report.empty()) return {};
    auto file = TRY(session_.disk().Open(flags_.report, io::OpenMode::kTruncate));
    return file->Append(AsBytes(report));
  }

  Session& session_;
  const BackupFlags& flags_;
};

backup::Watcher Watch(ProgressLine& line) {
  return [&line](std::uint64_t done, std::uint64_t total) { line.Show(done, total); };
}

Exit Save(Session& session, const BackupFlags& flags) {
  Run run(session, flags);
  const auto store = run.OpenStore();
  if (!store.ok()) return run.Failed(store.error());
  const auto client = session.Client();
  if (!client.ok()) return run.Failed(client.error());
  backup::SaveOptions options = flags.save;
  options.tool = std::string("quoratectl ") + QUORATE_VERSION;
  const auto saved = [&] {
    ProgressLine progress(session, "Backing up");
    return backup::Save(**client, **store, options, session.clock().WallNow(), Watch(progress),
                        run.stage);
  }();
  if (!saved.ok()) return run.Failed(saved.error());
  const backup::Manifest& manifest = saved->manifest;
  session.out() << "Backup saved at " << (*store)->AddressOf(saved->location) << "\n"
                << "Location " << saved->location << "\nRevision " << manifest.revision << ", "
                << output::FormatBytes(manifest.size_bytes) << " stored as "
                << output::FormatBytes(manifest.stored_bytes) << ", read from "
                << (manifest.member.empty() ? manifest.member_id : manifest.member) << "\n";
  return run.Done(backup::SuccessReport(saved->location, manifest));
}

std::string JsonOf(const backup::Entry& entry) {
  std::string json = "{\"location\":" + output::JsonString(entry.location);
  if (!entry.problem.empty())
    return json + ",\"problem\":" + output::JsonString(entry.problem) + "}";
  return json + ",\"manifest\":" + backup::ToJson(entry.manifest) + "}";
}

std::vector<std::string> RowOf(const backup::Entry& entry) {
  const backup::Manifest& manifest = entry.manifest;
  if (!entry.problem.empty()) return {entry.location, "", "", "", "", "", entry.problem};
  return {entry.location,
          manifest.created,
          std::to_string(manifest.revision),
          output::FormatBytes(manifest.size_bytes),
          output::FormatBytes(manifest.stored_bytes),
          manifest.server_version,
          ""};
}

Result<std::string> PrintEntries(const output::Style& style,
                                 const std::vector<backup::Entry>& entries) {
  std::vector<std::vector<std::string>> rows;
  std::string json;
  std::string lines;
  for (const auto& entry : entries) {
    rows.push_back(RowOf(entry));
    json += (json.empty() ? "" : ",") + JsonOf(entry);
    auto row = rows.back();
    if (entry.problem.empty()) row.pop_back();
    lines += output::Join(row, ", ") + "\n";
  }
  switch (style.format) {
    case output::Format::kSimple:
      return lines;
    case output::Format::kJson:
      return "[" + json + "]\n";
    case output::Format::kTable:
      return output::RenderTable(
          {"Location", "Created", "Revision", "Size", "Stored", "Server", "Problem"}, rows);
    case output::Format::kFields:
    case output::Format::kProtobuf:
      break;
  }
  return output::NotSupported(style.format);
}

// The folder that list and retain look below.
std::string FolderOf(const BackupFlags& flags) {
  std::string folder = flags.words.empty() ? "" : flags.words[0];
  while (folder.ends_with('/')) folder.pop_back();
  return folder;
}

Exit List(Session& session, const BackupFlags& flags) {
  Run run(session, flags);
  const auto store = run.OpenStore();
  if (!store.ok()) return run.Failed(store.error());
  run.stage = Stage::kStore;
  const auto entries = backup::List(**store, FolderOf(flags));
  if (!entries.ok()) return run.Failed(entries.error());
  return session.Show(PrintEntries(session.style(), *entries));
}

// Finds the one backup a command is about.
Result<backup::Entry> Find(Run& run, objectstore::ObjectStore& store) {
  const std::string location = TRY(run.Location());
  run.stage = Stage::kStore;
  auto entry = backup::Find(store, location);
  const bool missing = !entry.ok() && entry.error().message.starts_with("no complete backup");
  if (missing || (!entry.ok() && entry.error().code == Code::kDataLoss)) run.stage = Stage::kBackup;
  return entry;
}

Exit Verify(Session& session, const BackupFlags& flags) {
  Run run(session, flags);
  const auto store = run.OpenStore();
  if (!store.ok()) return run.Failed(store.error());
  const auto entry = Find(run, **store);
  if (!entry.ok()) return run.Failed(entry.error());
  const std::string temporary = session.doors().environment("TMPDIR").value_or("/tmp");
  const auto verified = [&] {
    ProgressLine progress(session, "Verifying");
    return backup::Verify(**store, *entry, session.disk(),
                          flags.scratch.empty() ? temporary : flags.scratch, flags.checksum_only,
                          Watch(progress), run.stage);
  }();
  if (!verified.ok()) return run.Failed(verified.error());
  std::string how = "SHA-256 matches";
  if (verified->restored) how += ", restored";
  if (verified->hash.has_value()) {
    how += ", HashKV " + std::to_string(*verified->hash) + " at revision " +
           std::to_string(entry->manifest.revision) + " matches";
  } else if (verified->restored) {
    how += ", HashKV not compared (the cluster was compacted while the backup was made)";
  }
  session.out() << "Backup " << entry->location << " is good: " << how << "\n";
  return run.Done(backup::SuccessReport(entry->location, entry->manifest,
                                        {{"verified", verified->hash.has_value() ? "hashkv"
                                                      : verified->restored       ? "restore"
                                                                                 : "checksum"}}));
}

Exit Restore(Session& session, const BackupFlags& flags) {
  Run run(session, flags);
  offline::RestoreOptions options = flags.restore;
  if (options.data_directory.empty()) options.data_directory = options.name + ".etcd";
  const auto store = run.OpenStore();
  if (!store.ok()) return run.Failed(store.error());
  const auto entry = Find(run, **store);
  if (!entry.ok()) return run.Failed(entry.error());
  const auto result = [&] {
    ProgressLine progress(session, "Restoring");
    return backup::Restore(**store, *entry, session.disk(), options, flags.skip_existing,
                           Watch(progress), run.stage);
  }();
  if (!result.ok()) return run.Failed(result.error());
  if (result->existed) {
    session.out() << options.data_directory << " already holds a member: left as it is\n";
    return run.Done(backup::SuccessReport(entry->location, entry->manifest, {{"skipped", "true"}}));
  }
  session.out() << "Restored " << entry->location << ": " << Describe(result->restored) << "\n";
  return run.Done(backup::SuccessReport(entry->location, entry->manifest,
                                        {{"newClusterId", ToHex(result->restored.cluster.value)},
                                         {"newMemberId", ToHex(result->restored.self.value)}}));
}

Exit Delete(Session& session, const BackupFlags& flags) {
  Run run(session, flags);
  const auto store = run.OpenStore();
  if (!store.ok()) return run.Failed(store.error());
  const auto location = run.Location();
  if (!location.ok()) return run.Failed(location.error());
  if (*location == "latest" || location->ends_with("/latest")) {
    return run.Failed(
        {Code::kInvalidArgument, "delete takes a backup's own LOCATION, as backup list prints it"});
  }
  run.stage = Stage::kStore;
  const Status deleted = backup::Delete(**store, *location);
  if (!deleted.ok()) return run.Failed(deleted.error());
  session.out() << "Backup " << *location << " deleted\n";
  return run.Done(backup::SuccessReport("", {}));
}

Exit Retain(Session& session, const BackupFlags& flags) {
  Run run(session, flags);
  backup::Retention retention;
  retention.keep_last = flags.keep_last;
  if (!flags.max_age.empty()) {
    const auto age = output::ParseDuration(flags.max_age);
    if (!age.has_value()) {
      return run.Failed({Code::kInvalidArgument,
                         "--max-age \"" + flags.max_age + "\" is no duration such as 720h"});
    }
    retention.max_age = std::chrono::floor<std::chrono::seconds>(*age);
  }
  if (flags.words.size() != 1 || (retention.keep_last == 0 && !retention.max_age.has_value())) {
    return run.Failed({Code::kInvalidArgument,
                       "backup retain needs the FOLDER of one cluster's backups and --keep-last, "
                       "--max-age or both"});
  }
  const auto store = run.OpenStore();
  if (!store.ok()) return run.Failed(store.error());
  run.stage = Stage::kStore;
  const auto entries = backup::List(**store, FolderOf(flags));
  if (!entries.ok()) return run.Failed(entries.error());
  for (const auto& location : backup::Expired(*entries, retention, session.clock().WallNow())) {
    if (!flags.dry_run) {
      const Status deleted = backup::Delete(**store, location);
      if (!deleted.ok()) return run.Failed(deleted.error());
    }
    session.out() << location << (flags.dry_run ? " would be deleted\n" : " deleted\n");
  }
  return run.Done(backup::SuccessReport("", {}));
}

void AddStoreFlags(CLI::App& group, BackupFlags& flags) {
  const char* title = "Store";
  group.add_option("--store", flags.store.store, "s3://BUCKET[/PREFIX] or dir:///PATH")
      ->group(title);
  group.add_option("--s3-endpoint", flags.store.s3_endpoint, "https://HOST[:PORT] (AWS)")
      ->group(title);
  group.add_option("--s3-region", flags.store.s3_region, "(AWS_REGION or us-east-1)")->group(title);
  group.add_option("--s3-ca", flags.store.s3_ca, "file with the CA certificates of the endpoint")
      ->group(title);
  group
      .add_option("--termination-log", flags.report,
                  "write the outcome to this file as one line of JSON")
      ->group(title);
}

void AddSave(CLI::App& group, Session& session, const std::shared_ptr<BackupFlags>& flags) {
  CLI::App* save = group.add_subcommand("save", "Streams a snapshot of a follower into the store");
  save->add_option("--cluster-namespace", flags->save.name_space, "first part of the location");
  save->add_option("--cluster-name", flags->save.cluster_name, "second part of the location");
  save->add_option("--cluster-uid", flags->save.cluster_uid,
                   "third part of the location (the cluster's id)");
  save->add_flag("--from-leader", flags->save.from_leader, "read from the leader");
  save->footer(
      "Give all members as --endpoints: a healthy follower is chosen. Nothing is stored on this\n"
      "machine. The backup is complete, or it is not there.");
  Bind(*save, session, [flags](Session& s) { return Save(s, *flags); });
}

void AddReaders(CLI::App& group, Session& session, const std::shared_ptr<BackupFlags>& flags) {
  const std::string location = "LOCATION as list prints it; FOLDER/latest is the newest";
  CLI::App* list = group.add_subcommand("list", "Lists complete backups, oldest first");
  AddWords(*list, session, flags->words, "<folder>", "only below this folder of the store");
  list->footer("Simple output: location, created, revision, size, stored size, server version.");
  Bind(*list, session, [flags](Session& s) { return List(s, *flags); });

  CLI::App* verify = group.add_subcommand("verify", "Proves that a backup can be restored");
  AddWords(*verify, session, flags->words, "<location>", location);
  verify->add_flag("--checksum-only", flags->checksum_only, "compare digests, restore nothing");
  verify->add_option("--scratch", flags->scratch, "directory to restore into (TMPDIR or /tmp)");
  verify->footer(
      "Fetches it, compares every digest, restores it into a scratch directory and compares the\n"
      "HashKV with the one the cluster gave when the backup was made.");
  Bind(*verify, session, [flags](Session& s) { return Verify(s, *flags); });

  CLI::App* restore =
      group.add_subcommand("restore", "Makes a new member's data directory of a backup");
  AddWords(*restore, session, flags->words, "<location>", location);
  AddRestoreFlags(*restore, flags->restore);
  restore->add_flag("--skip-existing", flags->skip_existing,
                    "succeed without doing anything when the directory holds a member");
  restore->footer(
      "The new cluster gets ids of its own; give it a new --initial-cluster-token. A damaged\n"
      "backup is refused and leaves nothing behind; an interrupted restore can be run again.");
  Bind(*restore, session, [flags](Session& s) { return Restore(s, *flags); });
}

void AddRemovers(CLI::App& group, Session& session, const std::shared_ptr<BackupFlags>& flags) {
  CLI::App* remove = group.add_subcommand("delete", "Deletes one backup");
  AddWords(*remove, session, flags->words, "<location>", "LOCATION as list prints it");
  Bind(*remove, session, [flags](Session& s) { return Delete(s, *flags); });

  CLI::App* retain = group.add_subcommand("retain", "Deletes backups that no rule keeps");
  AddWords(*retain, session, flags->words, "<folder>", "the folder of one cluster's backups");
  retain->add_option("--keep-last", flags->keep_last, "the newest ones stay");
  retain->add_option("--max-age", flags->max_age, "younger ones stay, e.g. 720h");
  retain->add_flag("--dry-run", flags->dry_run, "only say what would be deleted");
  retain->footer("The newest good backup always stays, and so does anything that is not ours.");
  Bind(*retain, session, [flags](Session& s) { return Retain(s, *flags); });
}

}  // namespace

void AddBackupCommands(CLI::App& app, Session& session) {
  auto flags = std::make_shared<BackupFlags>();
  CLI::App* group = AddGroup(app, session, "backup", "Backups in object stores and directories");
  AddStoreFlags(*group, *flags);
  AddSave(*group, session, flags);
  AddReaders(*group, session, flags);
  AddRemovers(*group, session, flags);
  group->footer(
      "Credentials: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or "
      "AWS_SHARED_CREDENTIALS_FILE.\n\n"
      "  quoratectl backup save --store s3://backups/prod --endpoints=a:2379,b:2379,c:2379\n"
      "  quoratectl backup list --store s3://backups/prod -w table\n"
      "  quoratectl backup verify latest --store s3://backups/prod\n"
      "  quoratectl backup restore latest --store s3://backups/prod --data-dir /var/lib/etcd \\\n"
      "      --initial-cluster-token restored-1 --bump-revision 1000000 --mark-compacted");
}

}  // namespace quorate::commands
