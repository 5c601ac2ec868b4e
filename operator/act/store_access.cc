#include "act/store_access.h"

namespace quorate::act {
namespace {

using kube::Json;

constexpr const char* kStoreFolder = "/backup";
constexpr const char* kAuthorityFolder = "/etc/quorate/store-ca";
constexpr const char* kAuthorityFile = "ca.crt";

Json FromSecret(const std::string& variable, const std::string& secret) {
  return {{"name", variable},
          {"valueFrom", {{"secretKeyRef", {{"name", secret}, {"key", variable}}}}}};
}

void Mount(Json& pod_spec, Json& container, const std::string& name, Json volume,
           const std::string& path, bool read_only) {
  volume["name"] = name;
  pod_spec["volumes"].push_back(std::move(volume));
  container["volumeMounts"].push_back(
      {{"name", name}, {"mountPath", path}, {"readOnly", read_only}});
}

}  // namespace

std::vector<std::string> StoreArguments(const api::BackupStoreSpec& store) {
  if (store.pvc) {
    const std::string& sub = store.pvc->sub_path;
    return {std::string("--store=dir://") + kStoreFolder + (sub.empty() ? "" : "/" + sub)};
  }
  std::vector<std::string> words;
  if (!store.s3) return words;
  const api::S3Spec& s3 = *store.s3;
  words.push_back("--store=s3://" + s3.bucket + (s3.prefix.empty() ? "" : "/" + s3.prefix));
  words.push_back("--s3-region=" + s3.region);
  if (!s3.endpoint.empty()) words.push_back("--s3-endpoint=" + s3.endpoint);
  if (s3.ca_bundle_secret_ref) {
    words.push_back(std::string("--s3-ca=") + kAuthorityFolder + "/" + kAuthorityFile);
  }
  return words;
}

void AddStoreAccess(const api::BackupStoreSpec& store, Json& pod_spec, Json& container) {
  if (store.pvc) {
    Mount(pod_spec, container, "store",
          {{"persistentVolumeClaim", {{"claimName", store.pvc->claim_name}}}}, kStoreFolder, false);
  }
  if (!store.s3) return;
  if (store.s3->credentials_secret_ref) {
    const std::string& secret = store.s3->credentials_secret_ref->name;
    container["env"].push_back(FromSecret("AWS_ACCESS_KEY_ID", secret));
    container["env"].push_back(FromSecret("AWS_SECRET_ACCESS_KEY", secret));
  }
  if (const auto& ref = store.s3->ca_bundle_secret_ref) {
    const Json item = {{"key", ref->key}, {"path", kAuthorityFile}};
    Mount(pod_spec, container, "store-ca",
          {{"secret", {{"secretName", ref->name}, {"items", Json::array({item})}}}},
          kAuthorityFolder, true);
  }
}

}  // namespace quorate::act
