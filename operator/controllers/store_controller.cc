#include "controllers/store_controller.h"

#include <algorithm>
#include <utility>

#include "api/json.h"
#include "api/validate.h"
#include "controllers/backup_summary.h"
#include "controllers/listing.h"
#include "io/clock.h"

namespace quorate::controllers {
namespace {

using kube::Json;
using runtime::EventType;
using runtime::Requeue;
namespace resources = kube::resources;

constexpr std::chrono::minutes kLookAgain{5};  // at Secrets, which are not watched

}  // namespace

StoreController::StoreController(kube::Client& live, kube::Reader& cached, io::Clock& clock,
                                 runtime::EventRecorder& events)
    : live_(live), cached_(cached), clock_(clock), events_(events) {}

Result<Requeue> StoreController::Reconcile(const kube::ObjectRef& ref) {
  auto object = cached_.Get(resources::kEtcdBackupStores, ref);
  if (!object.ok() && kube::IsNotFound(object.error())) return Requeue{};
  if (!object.ok()) return std::move(object).error();
  auto parsed = api::FromJson<api::EtcdBackupStore>(*object);
  if (!parsed.ok()) {
    events_.Record(*object, EventType::kWarning, "InvalidSpec", "Validate", parsed.error().message);
    return Requeue{};
  }
  api::EtcdBackupStore& store = *parsed;
  if (store.meta.deleted) return Requeue{};
  const api::BackupStoreStatus before = store.status;
  const Verdict verdict = TRY(Judge(store, store.status.last_used));
  auto& conditions = store.status.conditions;
  auto it = std::ranges::find(conditions, "Reachable", &api::Condition::type);
  const bool flipped = it == conditions.end() || it->status != verdict.status;
  if (it == conditions.end()) {
    conditions.push_back({"Reachable", verdict.status, 0, std::nullopt, "", ""});
    it = std::prev(conditions.end());
  }
  it->status = verdict.status;
  it->reason = verdict.reason;
  it->message = verdict.message;
  it->observed_generation = store.meta.generation;
  if (flipped) it->last_transition = std::chrono::floor<std::chrono::seconds>(clock_.WallNow());
  store.status.observed_generation = store.meta.generation;
  if (store.status != before) {
    kube::PatchOptions options;
    options.subresource = "status";
    TRY(live_.Apply(resources::kEtcdBackupStores, api::StatusToJson(store), options));
    if (flipped && verdict.status == api::ConditionStatus::kFalse) {
      events_.Record(*object, EventType::kWarning, verdict.reason, "Check", verdict.message);
    }
  }
  return Requeue{kLookAgain};
}

Result<StoreController::Verdict> StoreController::Judge(const api::EtcdBackupStore& store,
                                                        std::optional<api::Time>& last_used) {
  const auto violations = api::Validate(store);
  if (!violations.empty()) {
    return Verdict{api::ConditionStatus::kFalse, "InvalidSpec", api::Describe(violations)};
  }
  const std::string trouble = TRY(SecretTrouble(store));
  if (!trouble.empty()) {
    return Verdict{api::ConditionStatus::kFalse, "CredentialsMissing", trouble};
  }
  const auto backups = TRY(
      ListObjects<api::EtcdBackup>(cached_, resources::kEtcdBackups, store.meta.namespace_name));
  const StoreSummary summary = SummarizeStore(backups, store.meta.name);
  if (summary.last_used) last_used = summary.last_used;
  if (summary.failing) {
    return Verdict{api::ConditionStatus::kFalse, summary.reason, summary.message};
  }
  if (last_used) {
    return Verdict{api::ConditionStatus::kTrue, "Used",
                   "the last run that reached this store succeeded"};
  }
  return Verdict{api::ConditionStatus::kUnknown, "NeverUsed",
                 "no backup was made here yet; the first one will tell"};
}

Result<std::string> StoreController::SecretTrouble(const api::EtcdBackupStore& store) {
  if (!store.spec.s3) return std::string();
  const std::string& ns = store.meta.namespace_name;
  if (store.spec.s3->credentials_secret_ref) {
    for (const char* key : {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}) {
      std::string trouble = TRY(KeyTrouble(ns, store.spec.s3->credentials_secret_ref->name, key));
      if (!trouble.empty()) return trouble;
    }
  }
  if (store.spec.s3->ca_bundle_secret_ref) {
    return KeyTrouble(ns, store.spec.s3->ca_bundle_secret_ref->name,
                      store.spec.s3->ca_bundle_secret_ref->key);
  }
  return std::string();
}

Result<std::string> StoreController::KeyTrouble(const std::string& ns, const std::string& secret,
                                                const std::string& key) {
  const auto object = live_.Get(resources::kSecrets, {ns, secret});
  if (!object.ok() && kube::IsNotFound(object.error())) {
    return "Secret " + secret + " does not exist; create it with key " + key;
  }
  if (!object.ok()) return object.error();
  const auto data = kube::TextMap(*object, "/data");
  if (!data.contains(key)) return "Secret " + secret + " has no key " + key + "; add it";
  return std::string();
}

}  // namespace quorate::controllers
