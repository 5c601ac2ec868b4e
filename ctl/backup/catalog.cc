#include "backup/catalog.h"

#include <algorithm>
#include <utility>

#include "backup/save.h"

namespace quorate::backup {
namespace {

constexpr std::uint64_t kManifestBytesMax = 1ULL << 20U;

std::string ManifestKey(const std::string& location) {
  return location + "/" + std::string(kManifestName);
}

// "a/b/20261121T084300Z-42" -> "20261121T084300Z-42": what backups are ordered by.
std::string NameOf(const std::string& location) {
  return location.substr(location.rfind('/') + 1);
}

Entry ReadEntry(objectstore::ObjectStore& store, const std::string& location) {
  Entry entry{location, {}, ""};
  auto text = objectstore::Get(store, ManifestKey(location), kManifestBytesMax);
  if (!text.ok()) {
    entry.problem = text.error().message;
    return entry;
  }
  auto manifest = ParseManifest(*text);
  if (manifest.ok()) {
    entry.manifest = std::move(manifest).value();
  } else {
    entry.problem = manifest.error().message;
  }
  return entry;
}

bool Older(const Entry& a, const Entry& b) {
  return std::pair(NameOf(a.location), a.location) < std::pair(NameOf(b.location), b.location);
}

}  // namespace

Result<std::vector<Entry>> List(objectstore::ObjectStore& store, const std::string& folder) {
  std::vector<Entry> entries;
  const std::string suffix = "/" + std::string(kManifestName);
  for (const auto& object : TRY(store.List(folder.empty() ? "" : folder + "/"))) {
    if (!object.key.ends_with(suffix)) continue;
    entries.push_back(ReadEntry(store, object.key.substr(0, object.key.size() - suffix.size())));
  }
  std::sort(entries.begin(), entries.end(), Older);
  return entries;
}

Result<Entry> Find(objectstore::ObjectStore& store, const std::string& location) {
  if (location == "latest" || location.ends_with("/latest")) {
    const std::string folder = location == "latest" ? "" : location.substr(0, location.size() - 7);
    auto entries = TRY(List(store, folder));
    std::erase_if(entries, [](const Entry& entry) { return !entry.problem.empty(); });
    if (entries.empty()) {
      return Error{Code::kNotFound, "no complete backup below " + store.AddressOf(folder)};
    }
    return std::move(entries.back());
  }
  const auto head = store.Head(ManifestKey(location));
  if (!head.ok() && head.error().code == Code::kNotFound) {
    return Error{Code::kNotFound, "no complete backup at " + store.AddressOf(location) + ": " +
                                      std::string(kManifestName) + " is missing"};
  }
  if (!head.ok()) return head.error();
  Entry entry = ReadEntry(store, location);
  if (!entry.problem.empty()) return Error{Code::kDataLoss, entry.problem};
  return entry;
}

Status Delete(objectstore::ObjectStore& store, const std::string& location) {
  TRY(objectstore::CheckKey(location));
  const std::string manifest = ManifestKey(location);
  const std::string snapshot = location + "/" + std::string(kSnapshotName);
  for (const auto& object : TRY(store.List(location + "/"))) {
    if (object.key != manifest && object.key != snapshot) {
      return Error{Code::kFailedPrecondition,
                   store.AddressOf(object.key) + " is not part of a backup: nothing was deleted"};
    }
  }
  TRY(store.Delete(manifest));
  return store.Delete(snapshot);
}

std::vector<std::string> Expired(const std::vector<Entry>& entries, const Retention& retention,
                                 std::chrono::system_clock::time_point now) {
  std::vector<Entry> good;
  for (const auto& entry : entries) {
    if (entry.problem.empty()) good.push_back(entry);
  }
  std::sort(good.begin(), good.end(), Older);
  std::vector<std::string> expired;
  const bool any_rule = retention.keep_last > 0 || retention.max_age.has_value();
  const std::string young_since =
      retention.max_age.has_value() ? IsoTime(now - *retention.max_age) : "";
  for (std::size_t i = 0; any_rule && i + 1 < good.size(); ++i) {
    const bool among_last = good.size() - i <= retention.keep_last;
    const bool young = retention.max_age.has_value() && good[i].manifest.created >= young_since;
    if (!among_last && !young) expired.push_back(good[i].location);
  }
  return expired;
}

}  // namespace quorate::backup
