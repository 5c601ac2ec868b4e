#include <charconv>
#include <chrono>
#include <optional>

#include "api/check.h"
#include "api/validate.h"

namespace quorate::api {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const Check::Shape& VersionShape() {
  static const Check::Shape shape(
      R"((0|[1-9][0-9]{0,5})\.(0|[1-9][0-9]{0,5})\.(0|[1-9][0-9]{0,5})(-[0-9A-Za-z.-]+)?)");
  return shape;
}
const Check::Shape& TagShape() {
  static const Check::Shape shape("[A-Za-z0-9_][A-Za-z0-9._-]*");
  return shape;
}
const Check::Shape& DigestShape() {
  static const Check::Shape shape("sha256:[0-9a-f]{64}");
  return shape;
}

constexpr std::int64_t kKi = 1024;
constexpr std::int64_t kMi = 1024 * kKi;

bool IsClusterName(const std::string& name) {
  if (name.empty() || name.size() > 40 || name.back() == '-') return false;
  if (name.front() < 'a' || name.front() > 'z') return false;
  return name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string::npos;
}

// None of the keys is in a name space of the operator's.
bool LeavesOurKeys(const Labels& labels) {
  for (const auto& [key, value] : labels) {
    if (key.starts_with("quorate.dev/") || key.starts_with("app.kubernetes.io/")) return false;
  }
  return true;
}

void CheckImage(Check& check, const ImageSpec& image) {
  check.Pattern(image.tag, TagShape(), "spec.image.tag");
  check.Pattern(image.digest, DigestShape(), "spec.image.digest");
  check.That(image.tag != "latest", "spec.image.tag",
             "image.tag latest would change under running members; name a version");
  for (const LocalRef& secret : image.pull_secrets) {
    check.Required(secret.name, "spec.image.pullSecrets.name");
  }
}

void CheckStorage(Check& check, const ClusterSpec& spec) {
  const std::int64_t size = spec.storage.size.Units().value_or(0);
  check.That(size >= 64 * kMi, "spec.storage.size",
             "storage.size must be at least 64Mi; ask for more");
  check.QuantityText(spec.config.quota_backend, "spec.config.quotaBackend");
  if (const auto quota = spec.config.quota_backend.Units()) {
    check.That(
        *quota <= size, "spec.config.quotaBackend",
        "config.quotaBackend must not exceed storage.size; lower the one or raise the other");
  }
}

void CheckConfig(Check& check, const ConfigSpec& config) {
  check.Range(config.snapshot_count, 100, 10000000, "spec.config.snapshotCount");
  check.That(
      config.heartbeat_interval >= milliseconds(10) && config.heartbeat_interval <= seconds(5),
      "spec.config.heartbeatInterval",
      "config.heartbeatInterval must be between 10ms and 5s; 100ms suits one data centre");
  check.That(config.election_timeout <= seconds(50), "spec.config.electionTimeout",
             "config.electionTimeout must be at most 50s; 1s suits one data centre");
  check.That(config.election_timeout >= 5 * config.heartbeat_interval,
             "spec.config.electionTimeout",
             "config.electionTimeout must be at least five times config.heartbeatInterval; raise "
             "the one or lower the other");
  const std::int64_t request = config.max_request_bytes.Units().value_or(0);
  check.That(request >= kKi && request <= 10 * kMi, "spec.config.maxRequestBytes",
             "config.maxRequestBytes must be between 1Ki and 10Mi; 1536Ki is the usual value");
}

void CheckPods(Check& check, const ClusterSpec& spec) {
  check.Required(spec.scheduling.topology_key, "spec.scheduling.topologyKey");
  check.Range(spec.pod.termination_grace_period_seconds, 1, 3600,
              "spec.pod.terminationGracePeriodSeconds");
  const auto ours = [&](const Labels& labels, std::string_view path, std::string_view what) {
    check.That(LeavesOurKeys(labels), path,
               std::string(what) +
                   " under quorate.dev/ and app.kubernetes.io/ belong to the "
                   "operator; choose another prefix");
  };
  ours(spec.pod.labels, "spec.pod.labels", "pod labels");
  ours(spec.pod.annotations, "spec.pod.annotations", "pod annotations");
  ours(spec.services.client.labels, "spec.services.client.labels", "service labels");
  ours(spec.services.client.annotations, "spec.services.client.annotations", "service annotations");
}

void CheckBootstrap(Check& check, const std::optional<BootstrapSpec>& bootstrap) {
  if (!bootstrap || !bootstrap->restore) return;
  const RestoreSpec& restore = *bootstrap->restore;
  check.That(
      restore.backup_ref.has_value() != restore.store_ref.has_value(), "spec.bootstrap.restore",
      "bootstrap.restore needs exactly one of backupRef and storeRef; remove one or add one");
  check.That(restore.store_ref.has_value() == !restore.path.empty(), "spec.bootstrap.restore",
             "bootstrap.restore.path goes with storeRef; give both or neither");
}

void CheckRepair(Check& check, const RepairSpec& repair) {
  check.That(repair.grace_period >= seconds(10), "spec.repair.gracePeriod",
             "repair.gracePeriod must be at least 10s; 5m suits most clusters");
  check.That(repair.node_loss_after == Duration(0) || repair.node_loss_after >= seconds(10),
             "spec.repair.nodeLossAfter",
             "repair.nodeLossAfter must be 0s or at least 10s; 15m suits most clusters");
  check.Range(repair.max_replacements_per_hour, 1, 20, "spec.repair.maxReplacementsPerHour");
}

struct MajorMinor {
  int major = 0;
  int minor = 0;
};

std::optional<MajorMinor> ParseVersion(std::string_view text) {
  MajorMinor version;
  const char* end = text.data() + text.size();
  const auto major = std::from_chars(text.data(), end, version.major);
  if (major.ec != std::errc() || major.ptr == end || *major.ptr != '.') return std::nullopt;
  const auto minor = std::from_chars(major.ptr + 1, end, version.minor);
  if (minor.ec != std::errc() || minor.ptr == end || *minor.ptr != '.') return std::nullopt;
  return version;
}

bool IsAllowedStep(std::string_view before, std::string_view after) {
  const auto from = ParseVersion(before);
  const auto to = ParseVersion(after);
  if (!from || !to) return before == after;
  return from->major == to->major && to->minor >= from->minor && to->minor <= from->minor + 1;
}

}  // namespace

std::vector<Violation> Validate(const EtcdCluster& cluster) {
  Check check;
  const ClusterSpec& spec = cluster.spec;
  check.That(IsClusterName(cluster.meta.name), "metadata.name",
             "metadata.name must be at most 40 lower-case letters, digits and dashes, beginning "
             "with a letter; choose another name");
  check.Range(spec.replicas, 0, 9, "spec.replicas");
  check.Required(spec.version, "spec.version");
  check.Pattern(spec.version, VersionShape(), "spec.version");
  CheckImage(check, spec.image);
  CheckStorage(check, spec);
  CheckConfig(check, spec.config);
  CheckPods(check, spec);
  CheckBootstrap(check, spec.bootstrap);
  CheckRepair(check, spec.repair);
  return check.Take();
}

std::vector<Violation> ValidateChange(const EtcdCluster& before, const EtcdCluster& after) {
  Check check;
  check.That(IsAllowedStep(before.spec.version, after.spec.version), "spec.version",
             "version may rise by at most one minor version at a time, and never fall below its "
             "minor version; go there in steps, or restore a backup into a new cluster");
  check.That(before.spec.storage.size == after.spec.storage.size, "spec.storage.size",
             "storage.size cannot be changed in this version; restore a backup into a new cluster "
             "with the size you need");
  check.That(before.spec.storage.storage_class_name == after.spec.storage.storage_class_name,
             "spec.storage.storageClassName",
             "storage.storageClassName cannot be changed in this version; restore a backup into a "
             "new cluster with the class you need");
  check.That(before.status.cluster_id.empty() || before.spec.bootstrap == after.spec.bootstrap,
             "spec.bootstrap",
             "bootstrap cannot be changed once the cluster was formed; make a new cluster instead");
  return check.Take();
}

std::vector<Violation> ValidateChange(const EtcdMember& before, const EtcdMember& after) {
  Check check;
  const MemberSpec& a = before.spec;
  const MemberSpec& b = after.spec;
  const auto fixed = [&](bool same, std::string_view name) {
    check.That(same, "spec." + std::string(name),
               std::string(name) + " cannot be changed; members belong to the operator");
  };
  fixed(a.cluster_name == b.cluster_name, "clusterName");
  fixed(a.cluster_uid == b.cluster_uid, "clusterUID");
  fixed(a.join_mode == b.join_mode, "joinMode");
  fixed(a.reason == b.reason, "reason");
  fixed(a.replaces == b.replaces, "replaces");
  fixed(a.storage_size == b.storage_size, "storageSize");
  fixed(a.storage_class_name == b.storage_class_name, "storageClassName");
  check.That(!a.leave || a.leave == b.leave, "spec.leave",
             "leave cannot be taken back; members belong to the operator");
  return check.Take();
}

std::string Describe(const std::vector<Violation>& violations) {
  std::string text;
  for (const Violation& violation : violations) {
    if (!text.empty()) text += "; ";
    text += violation.path + ": " + violation.message;
  }
  return text;
}

}  // namespace quorate::api
