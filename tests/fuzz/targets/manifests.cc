// Objects of our kinds as an API server may hand them over: read, judged, written and read again.
#include <nlohmann/json.hpp>

#include "api/cluster_defaults.h"
#include "api/json.h"
#include "api/validate.h"
#include "base/check.h"
#include "fuzz/feed.h"
#include "fuzz/target.h"

namespace quorate::api {
namespace {

using nlohmann::json;

void Judge(const EtcdCluster& cluster) {
  (void)Describe(Validate(cluster));
  (void)ValidateChange(cluster, EtcdCluster{});
  (void)ImageOf(cluster.spec, "quorate");
  (void)QuotaBytesOf(cluster.spec);
}
void Judge(const EtcdMember& member) {
  (void)ValidateChange(member, EtcdMember{});
}
void Judge(const EtcdBackupStore& store) {
  (void)Describe(Validate(store));
}
void Judge(const EtcdBackup& backup) {
  (void)Describe(Validate(backup));
  (void)ValidateChange(backup, EtcdBackup{});
}
void Judge(const EtcdBackupSchedule& schedule) {
  (void)Describe(Validate(schedule));
}

template <typename T>
void Read(json object, bool name_it) {
  if (name_it) {
    object["apiVersion"] = std::string(kApiVersion);
    object["kind"] = std::string(Kind<T>::kName);
  }
  const auto read = FromJson<T>(object);
  if (!read.ok()) return;
  Judge(*read);
  (void)StatusToJson(*read);
  const json written = ToJson(*read);
  const auto again = FromJson<T>(written);
  CHECK(again.ok());
  CHECK(ToJson(*again) == written);
}

FUZZ_TARGET(manifests) {
  fuzz::Feed feed(input);
  const std::uint64_t kind = feed.Below(5);
  const bool name_it = feed.Below(8) != 0;
  const json object = json::parse(feed.Rest(), nullptr, /*allow_exceptions=*/false);
  if (name_it && !object.is_object()) return;
  switch (kind) {
    case 0:
      return Read<EtcdCluster>(object, name_it);
    case 1:
      return Read<EtcdMember>(object, name_it);
    case 2:
      return Read<EtcdBackupStore>(object, name_it);
    case 3:
      return Read<EtcdBackup>(object, name_it);
    default:
      return Read<EtcdBackupSchedule>(object, name_it);
  }
}

}  // namespace
}  // namespace quorate::api
