#include "backup/save.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <optional>
#include <utility>
#include <vector>

#include "backup/zstd_stream.h"
#include "base/bytes.h"
#include "base/digest.h"
#include "etcdclient/snapshot.h"

namespace quorate::backup {
namespace {

using std::chrono::system_clock;

std::string FormatTime(system_clock::time_point time, const char* format) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(std::chrono::floor<std::chrono::seconds>(time - day));
  std::array<char, 40> text{};
  const int length = std::snprintf(
      text.data(), text.size(), format, static_cast<int>(date.year()),
      static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
      static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
      static_cast<int>(clock.seconds().count()));
  return {text.data(), static_cast<std::size_t>(length)};
}

// The larger, the better a member is to read from.
std::pair<int, std::uint64_t> Rank(const etcdserverpb::StatusResponse& status, bool from_leader) {
  const bool leads = status.leader() == status.header().member_id();
  int rank = 0;
  if (status.errors().empty()) rank += 4;
  if (status.leader() != 0) rank += 2;
  if (leads == from_leader && !status.islearner()) rank += 1;
  return {rank, status.raftappliedindex()};
}

std::string FolderOf(const SaveOptions& options, const Manifest& manifest,
                     system_clock::time_point now) {
  std::string folder;
  for (const auto& part :
       {options.name_space, options.cluster_name,
        options.cluster_uid.empty() ? manifest.cluster_id : options.cluster_uid}) {
    if (!part.empty()) folder += part + "/";
  }
  return folder + CompactTime(now) + "-" + std::to_string(manifest.revision);
}

void NoteHash(etcdclient::Client& client, const std::string& endpoint, Manifest& manifest) {
  const auto hash = client.HashKv(endpoint, Revision{manifest.revision}, {.one_round = true});
  // Compacted meanwhile, or not allowed: the file's own digests still protect it.
  if (!hash.ok() || hash->hash_revision() != manifest.revision) return;
  const MemberHash noted{hash->hash(), hash->compact_revision()};
  if (std::find(manifest.hashes.begin(), manifest.hashes.end(), noted) == manifest.hashes.end()) {
    manifest.hashes.push_back(noted);
  }
}

// Member -> zstd -> digest -> store.
Status Stream(etcdclient::Client& client, const std::string& endpoint, objectstore::Upload& upload,
              Manifest& manifest, const Watcher& watcher, Stage& stage) {
  Sha256 stored;
  Compressor compressor([&](std::string_view bytes) -> Status {
    stored.Update(bytes);
    manifest.stored_bytes += bytes.size();
    return upload.Write(bytes);
  });
  std::uint64_t done = 0;
  stage = Stage::kCluster;
  auto summary = TRY(etcdclient::FetchSnapshot(
      client, endpoint, [&](std::string_view chunk, std::uint64_t remaining) -> Status {
        done += chunk.size();
        watcher(done, done + remaining);
        Status written = compressor.Write(chunk);
        if (!written.ok()) stage = Stage::kStore;
        return written;
      }));
  stage = Stage::kStore;
  TRY(compressor.Finish());
  manifest.size_bytes = summary.bytes;
  manifest.storage_version = summary.version;
  manifest.database_sha256 = ToHex(summary.sha256);
  manifest.sha256 = ToHex(stored.Finish());
  return {};
}

}  // namespace

Result<Saved> Save(etcdclient::Client& client, objectstore::ObjectStore& store,
                   const SaveOptions& options, system_clock::time_point now, const Watcher& watcher,
                   Stage& stage) {
  stage = Stage::kCluster;
  const Source source = TRY(ChooseSource(client, options.from_leader));
  Saved saved;
  Manifest& manifest = saved.manifest;
  manifest.created = IsoTime(now);
  manifest.cluster_id = ToHex(source.status.header().cluster_id());
  manifest.name_space = options.name_space;
  manifest.cluster_name = options.cluster_name;
  manifest.cluster_uid = options.cluster_uid;
  manifest.member = source.name;
  manifest.member_id = ToHex(source.status.header().member_id());
  manifest.server_version = source.status.version();
  manifest.tool = options.tool;
  // The store's revision as the member knows it now: the snapshot that follows cannot be older.
  manifest.revision = source.status.header().revision();
  NoteHash(client, source.endpoint, manifest);
  saved.location = FolderOf(options, manifest, now);
  const std::string object = saved.location + "/" + std::string(kSnapshotName);

  stage = Stage::kStore;
  auto upload = TRY(store.BeginUpload(object));
  TRY(Stream(client, source.endpoint, *upload, manifest, watcher, stage));
  NoteHash(client, source.endpoint, manifest);
  stage = Stage::kStore;
  TRY(upload->Finish());
  const Status written =
      store.Put(saved.location + "/" + std::string(kManifestName), ToJson(manifest));
  if (!written.ok()) {
    const Status removed = store.Delete(object);
    static_cast<void>(removed.ok());  // a folder without a manifest is no backup
    return written.error();
  }
  return saved;
}

Result<Source> ChooseSource(etcdclient::Client& client, bool from_leader) {
  std::optional<Source> best;
  std::optional<Error> last;
  for (const auto& endpoint : client.endpoints()) {
    auto status = client.StatusOf(endpoint, {.one_round = true});
    if (!status.ok()) {
      last = status.error();
      continue;
    }
    if (!best || Rank(*status, from_leader) > Rank(best->status, from_leader)) {
      best = Source{endpoint, "", std::move(status).value()};
    }
  }
  if (!best) return last.value_or(Error{Code::kInvalidArgument, "no endpoint was given"});
  const auto members = client.MemberList(false, {.endpoint = best->endpoint});
  if (members.ok()) {
    for (const auto& member : members->members()) {
      if (member.id() == best->status.header().member_id()) best->name = member.name();
    }
  }
  return std::move(*best);
}

std::string CompactTime(system_clock::time_point time) {
  return FormatTime(time, "%04d%02u%02uT%02d%02d%02dZ");
}

std::string IsoTime(system_clock::time_point time) {
  return FormatTime(time, "%04d-%02u-%02uT%02d:%02d:%02dZ");
}

}  // namespace quorate::backup
