#include "plan/desired.h"

#include "api/cluster_defaults.h"
#include "api/validate.h"
#include "base/bytes.h"
#include "base/digest.h"

namespace quorate::plan {
namespace {

// Canon: the fields a pod is made from, as text. A field enters only when it is not at its default,
// so that a field added later leaves every revision as it is.
class Canon {
 public:
  void Add(std::string_view name, std::string_view value) {
    text_ += name;
    text_ += '=';
    text_ += value;
    text_ += '\n';
  }
  template <typename T>
  void AddUnless(std::string_view name, const T& value, const T& usual, const std::string& text) {
    if (value != usual) Add(name, text);
  }
  void AddAll(std::string_view name, const api::Labels& labels) {
    for (const auto& [key, value] : labels) Add(std::string(name) + "." + key, value);
  }
  std::string Digest() const { return ToHex(Sha256::Of(text_)).substr(0, 10); }

 private:
  std::string text_;
};

void AddConfig(Canon& canon, const api::ClusterSpec& spec) {
  const api::ConfigSpec usual;
  const api::ConfigSpec& config = spec.config;
  canon.Add("quota", std::to_string(api::QuotaBytesOf(spec)));
  canon.AddUnless("snapshotCount", config.snapshot_count, usual.snapshot_count,
                  std::to_string(config.snapshot_count));
  canon.AddUnless("heartbeat", config.heartbeat_interval, usual.heartbeat_interval,
                  api::FormatDuration(config.heartbeat_interval));
  canon.AddUnless("election", config.election_timeout, usual.election_timeout,
                  api::FormatDuration(config.election_timeout));
  canon.AddUnless("maxRequest", config.max_request_bytes, usual.max_request_bytes,
                  config.max_request_bytes.text);
  canon.AddUnless("logLevel", config.log_level, usual.log_level,
                  std::string(api::Word(config.log_level)));
}

void AddScheduling(Canon& canon, const api::SchedulingSpec& scheduling) {
  const api::SchedulingSpec usual;
  canon.AddUnless("antiAffinity", scheduling.anti_affinity, usual.anti_affinity,
                  std::string(api::Word(scheduling.anti_affinity)));
  canon.AddUnless("topologyKey", scheduling.topology_key, usual.topology_key,
                  scheduling.topology_key);
  canon.AddAll("nodeSelector", scheduling.node_selector);
  for (const api::Toleration& t : scheduling.tolerations) {
    canon.Add("toleration", t.key + "|" + t.op + "|" + t.value + "|" + t.effect + "|" +
                                std::to_string(t.toleration_seconds.value_or(-1)));
  }
  canon.AddUnless("priority", scheduling.priority_class_name, usual.priority_class_name,
                  scheduling.priority_class_name);
}

std::string RevisionOf(const api::ClusterSpec& spec, const std::string& image) {
  Canon canon;
  canon.Add("image", image);
  AddConfig(canon, spec);
  for (const auto& [name, quantity] : spec.resources.requests) {
    canon.Add("request." + name, quantity.text);
  }
  for (const auto& [name, quantity] : spec.resources.limits) {
    canon.Add("limit." + name, quantity.text);
  }
  AddScheduling(canon, spec.scheduling);
  canon.AddAll("label", spec.pod.labels);
  canon.AddAll("annotation", spec.pod.annotations);
  canon.AddUnless("grace", spec.pod.termination_grace_period_seconds,
                  api::PodSpec().termination_grace_period_seconds,
                  std::to_string(spec.pod.termination_grace_period_seconds));
  for (const api::LocalRef& secret : spec.image.pull_secrets) {
    canon.Add("pullSecret", secret.name);
  }
  return canon.Digest();
}

}  // namespace

Result<Desired> MakeDesired(const api::EtcdCluster& cluster, std::string_view default_repository) {
  const auto violations = api::Validate(cluster);
  if (!violations.empty() && !cluster.meta.deleted) {
    return Error{Code::kInvalidArgument, api::Describe(violations)};
  }
  Desired desired{cluster, api::ImageOf(cluster.spec, default_repository), ""};
  desired.revision = RevisionOf(cluster.spec, desired.image);
  return desired;
}

}  // namespace quorate::plan
