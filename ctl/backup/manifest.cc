#include "backup/manifest.h"

#include <nlohmann/json.hpp>

namespace quorate::backup {
namespace {

using Json = nlohmann::ordered_json;

Error NotAManifest(const std::string& why) {
  return {Code::kDataLoss, std::string(kManifestName) + " cannot be read: " + why};
}

// A part, or `missing`; not a copy, which would recurse as deep as somebody's text nests.
const Json& PartOf(const Json& json, const char* name, const Json& missing) {
  const auto found = json.find(name);
  return found == json.end() ? missing : *found;
}

Manifest FromJson(const Json& json) {
  Manifest manifest;
  const Json nothing = Json::object();
  const Json& cluster = PartOf(json, "cluster", nothing);
  const Json& member = PartOf(json, "member", nothing);
  const Json& snapshot = json.at("snapshot");
  manifest.created = json.at("created").get<std::string>();
  manifest.tool = json.value("tool", "");
  manifest.cluster_id = cluster.value("id", "");
  manifest.name_space = cluster.value("namespace", "");
  manifest.cluster_name = cluster.value("name", "");
  manifest.cluster_uid = cluster.value("uid", "");
  manifest.member = member.value("name", "");
  manifest.member_id = member.value("id", "");
  manifest.server_version = member.value("version", "");
  manifest.storage_version = snapshot.value("storageVersion", "");
  // By reference: numbers beyond 64 bits are parsed as fractions, and refused.
  manifest.revision = snapshot.at("revision").get_ref<const Json::number_integer_t&>();
  manifest.size_bytes = snapshot.at("sizeBytes").get_ref<const Json::number_unsigned_t&>();
  manifest.stored_bytes = snapshot.at("storedBytes").get_ref<const Json::number_unsigned_t&>();
  manifest.sha256 = snapshot.at("sha256").get<std::string>();
  manifest.database_sha256 = snapshot.at("databaseSha256").get<std::string>();
  for (const auto& hash : PartOf(snapshot, "hashKV", nothing)) {
    manifest.hashes.push_back(
        {static_cast<std::uint32_t>(hash.at("hash").get_ref<const Json::number_unsigned_t&>()),
         hash.at("compactRevision").get_ref<const Json::number_integer_t&>()});
  }
  return manifest;
}

}  // namespace

std::string ToJson(const Manifest& manifest) {
  Json hashes = Json::array();
  for (const auto& hash : manifest.hashes) {
    hashes.push_back({{"hash", hash.hash}, {"compactRevision", hash.compact_revision}});
  }
  const Json json = {
      {"format", kFormat},
      {"created", manifest.created},
      {"cluster",
       {{"id", manifest.cluster_id},
        {"namespace", manifest.name_space},
        {"name", manifest.cluster_name},
        {"uid", manifest.cluster_uid}}},
      {"member",
       {{"name", manifest.member},
        {"id", manifest.member_id},
        {"version", manifest.server_version}}},
      {"snapshot",
       {{"object", kSnapshotName},
        {"compression", "zstd"},
        {"revision", manifest.revision},
        {"sizeBytes", manifest.size_bytes},
        {"storedBytes", manifest.stored_bytes},
        {"sha256", manifest.sha256},
        {"databaseSha256", manifest.database_sha256},
        {"storageVersion", manifest.storage_version},
        {"hashKV", hashes}}},
      {"tool", manifest.tool},
  };
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

Result<Manifest> ParseManifest(std::string_view text) {
  try {
    const Json json = Json::parse(text);
    const std::string format = json.value("format", "");
    if (format != kFormat) {
      if (format.starts_with("quorate.dev/backup/")) {
        return Error{Code::kUnimplemented,
                     "the backup has format " + format + ": use a newer quoratectl"};
      }
      return NotAManifest("it does not say \"format\": \"" + std::string(kFormat) + "\"");
    }
    return FromJson(json);
  } catch (const Json::exception& problem) {
    return NotAManifest(problem.what());
  }
}

}  // namespace quorate::backup
