#include "backup/report.h"

#include <nlohmann/json.hpp>

namespace quorate::backup {
namespace {

using Json = nlohmann::ordered_json;

// A pod's termination message holds 4096 bytes.
constexpr std::size_t kMessageBytesMax = 2000;

std::string Line(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string StoreReason(Code code) {
  switch (code) {
    case Code::kPermissionDenied:
      return "AccessDenied";
    case Code::kNotFound:
      return "BucketNotFound";
    case Code::kResourceExhausted:
      return "StoreFull";
    case Code::kUnavailable:
      return "StoreUnreachable";
    case Code::kInvalidArgument:
      return "InvalidStore";
    default:
      return "StoreFailed";
  }
}

std::string ClusterReason(Code code) {
  switch (code) {
    case Code::kPermissionDenied:
    case Code::kUnauthenticated:
      return "ClusterAccessDenied";
    case Code::kUnavailable:
    case Code::kDeadlineExceeded:
      return "ClusterUnreachable";
    case Code::kDataLoss:
      return "SnapshotInterrupted";
    default:
      return "ClusterFailed";
  }
}

}  // namespace

std::string ReasonOf(Stage stage, Code code) {
  switch (stage) {
    case Stage::kArguments:
      return "InvalidArguments";
    case Stage::kCluster:
      return ClusterReason(code);
    case Stage::kStore:
      return StoreReason(code);
    case Stage::kBackup:
      return code == Code::kNotFound ? "BackupNotFound" : "BackupDamaged";
    case Stage::kDisk:
      break;
  }
  if (code == Code::kFailedPrecondition) return "DirectoryInUse";
  return code == Code::kResourceExhausted ? "DiskFull" : "DiskFailed";
}

std::string SuccessReport(const std::string& location, const Manifest& manifest,
                          const std::vector<std::pair<std::string, std::string>>& more) {
  Json json = {{"ok", true}};
  if (!location.empty()) {
    json["location"] = location;
    json["revision"] = manifest.revision;
    json["sizeBytes"] = manifest.size_bytes;
    json["storedBytes"] = manifest.stored_bytes;
    json["sha256"] = manifest.sha256;
    json["clusterId"] = manifest.cluster_id;
    json["clusterUid"] = manifest.cluster_uid;
    json["member"] = manifest.member;
    json["memberId"] = manifest.member_id;
    json["serverVersion"] = manifest.server_version;
  }
  for (const auto& [name, value] : more) json[name] = value;
  return Line(json);
}

std::string FailureReport(Stage stage, const Error& error) {
  return Line({{"ok", false},
               {"reason", ReasonOf(stage, error.code)},
               {"message", error.message.substr(0, kMessageBytesMax)}});
}

}  // namespace quorate::backup
