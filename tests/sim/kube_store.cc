#include "sim/kube_store.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/check.h"

namespace quorate::sim {
namespace {

using kube::Json;
using kube::ObjectRef;
using kube::Resource;
namespace resources = kube::resources;

constexpr const char* kClaimProtection = "kubernetes.io/pvc-protection";
constexpr const char* kForeground = "foregroundDeletion";

std::string TableName(const Resource& resource) {
  return std::string(resource.group) + "/" + std::string(resource.plural);
}

// "pods" or "etcdclusters.quorate.dev": how the server's texts name a kind.
std::string QualifiedName(const Resource& resource) {
  std::string name(resource.plural);
  if (!resource.group.empty()) name += "." + std::string(resource.group);
  return name;
}

KubeAnswer NotFound(const Resource& resource, const std::string& name) {
  return Refuse(404, "NotFound", QualifiedName(resource) + " \"" + name + "\" not found");
}

KubeAnswer Conflict(const Resource& resource, const std::string& name, const std::string& why) {
  return Refuse(
      409, "Conflict",
      "Operation cannot be fulfilled on " + QualifiedName(resource) + " \"" + name + "\": " + why);
}

std::string EncodeBase64(const std::string& text) {
  static constexpr char kAlphabet[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t i = 0; i < text.size(); i += 3) {
    unsigned block = 0;
    for (std::size_t j = 0; j < 3; ++j) {
      const unsigned byte = i + j < text.size() ? static_cast<unsigned char>(text[i + j]) : 0U;
      block = (block << 8U) | byte;
    }
    for (std::size_t j = 0; j < 4; ++j) {
      const bool pad = i + j > text.size();
      out += pad ? '=' : kAlphabet[(block >> (18U - 6U * static_cast<unsigned>(j))) & 63U];
    }
  }
  return out;
}

bool SameButVersion(Json a, Json b) {
  for (Json* one : {&a, &b}) {
    if (one->contains("metadata")) (*one)["metadata"].erase("resourceVersion");
  }
  return a == b;
}

// Everything whose change makes a new generation.
Json SpecPart(Json object) {
  for (const char* field : {"metadata", "status", "apiVersion", "kind"}) object.erase(field);
  return object;
}

}  // namespace

KubeAnswer Refuse(int code, std::string_view reason, const std::string& message) {
  return {code, Json{{"kind", "Status"},
                     {"apiVersion", "v1"},
                     {"metadata", Json::object()},
                     {"status", "Failure"},
                     {"message", message},
                     {"reason", std::string(reason)},
                     {"code", code}}};
}

KubeStore::KubeStore(const io::Clock& clock, std::uint64_t seed) : clock_(clock), prng_(seed) {
  using namespace resources;
  for (const Resource& resource : {kPods, kPodDisruptionBudgets}) {
    AddKind({resource, false, true, true});
  }
  for (const Resource& resource : {kPersistentVolumeClaims, kPersistentVolumes, kServices, kNodes,
                                   kNamespaces, kCustomResourceDefinitions}) {
    AddKind({resource, false, true, false});
  }
  for (const Resource& resource : {kSecrets, kConfigMaps, kServiceAccounts, kCoreEvents, kEvents,
                                   kLeases, kNetworkPolicies, kStorageClasses}) {
    AddKind({resource, false, false, false});
  }
  for (const Resource& resource :
       {kEtcdClusters, kEtcdMembers, kEtcdBackupStores, kEtcdBackups, kEtcdBackupSchedules,
        kEtcdRestores, kEtcdTasks, kEtcdUsers, kEtcdRoles}) {
    AddKind({resource, true, true, true});
  }
  for (const char* ns : {"default", "kube-system"}) {
    Create(KindOf(kNamespaces), "", kube::MakeObject(kNamespaces, {"", ns}), {});
  }
}

void KubeStore::AddKind(KubeKind kind) {
  kinds_.push_back(kind);
}

const KubeKind* KubeStore::FindKind(std::string_view group, std::string_view version,
                                    std::string_view plural) const {
  const auto it = std::ranges::find_if(kinds_, [&](const KubeKind& kind) {
    return kind.resource.group == group && kind.resource.version == version &&
           kind.resource.plural == plural;
  });
  return it == kinds_.end() ? nullptr : &*it;
}

const KubeKind& KubeStore::KindOf(const Resource& resource) const {
  const KubeKind* kind = FindKind(resource.group, resource.version, resource.plural);
  CHECK(kind != nullptr);
  return *kind;
}

const Json* KubeStore::Find(const Resource& resource, const ObjectRef& ref) const {
  const auto table = tables_.find(TableName(resource));
  if (table == tables_.end()) return nullptr;
  const auto it = table->second.find(ref);
  return it == table->second.end() ? nullptr : &it->second;
}

std::vector<Json> KubeStore::All(const Resource& resource, std::string_view ns) const {
  std::vector<Json> out;
  const auto table = tables_.find(TableName(resource));
  if (table == tables_.end()) return out;
  for (const auto& [ref, object] : table->second) {
    if (ns.empty() || ref.ns == ns) out.push_back(object);
  }
  return out;
}

KubeAnswer KubeStore::Create(const KubeKind& kind, const std::string& ns, Json object,
                             const WriteContext& context) {
  const Resource& resource = kind.resource;
  if (KubeAnswer refused = CheckNamespace(kind, ns); refused.code != 200) return refused;
  const std::string named = kube::Namespace(object);
  if (resource.namespaced && !named.empty() && named != ns) {
    return Refuse(400, "BadRequest",
                  "the namespace of the provided object does not match the namespace sent on the "
                  "request");
  }
  if (!kube::ResourceVersion(object).empty()) {
    return Refuse(500, "", "resourceVersion should not be set on objects to be created");
  }
  Json& meta = object["metadata"];
  std::string name = kube::Name(object);
  const std::string prefix = kube::Text(object, "/metadata/generateName");
  while (name.empty() && !prefix.empty()) {
    static constexpr char kLetters[] = "bcdfghjklmnpqrstvwxz2456789";
    std::string tried = prefix;
    for (int i = 0; i < 5; ++i) tried += kLetters[prng_.Below(sizeof(kLetters) - 1)];
    if (Find(resource, {ns, tried}) == nullptr) name = tried;
  }
  if (name.empty()) {
    return Refuse(422, "Invalid",
                  std::string(resource.kind) +
                      " \"\" is invalid: metadata.name: Required value: name or generateName is "
                      "required");
  }
  if (Find(resource, {ns, name}) != nullptr) {
    return Refuse(409, "AlreadyExists",
                  QualifiedName(resource) + " \"" + name + "\" already exists");
  }
  meta["name"] = name;
  if (resource.namespaced) meta["namespace"] = ns;
  meta["uid"] = NewUid();
  meta["creationTimestamp"] = kube::FormatTime(clock_.WallNow());
  for (const char* field : {"deletionTimestamp", "managedFields", "generation"}) meta.erase(field);
  if (kind.generation) meta["generation"] = 1;
  if (kind.has_status) object.erase("status");
  ApplyDefaults(kind, object);
  return Store(kind, Json(), std::move(object), context, /*note_owner=*/true);
}

KubeAnswer KubeStore::Replace(const KubeKind& kind, const ObjectRef& ref, Json object,
                              const WriteContext& context) {
  const Json* found = Find(kind.resource, ref);
  if (found == nullptr) return NotFound(kind.resource, ref.name);
  const Json live = *found;
  const std::string version = kube::ResourceVersion(object);
  if (version.empty() && kind.custom) {
    return Refuse(422, "Invalid",
                  QualifiedName(kind.resource) + " \"" + ref.name +
                      "\" is invalid: metadata.resourceVersion: Invalid value: 0: must be "
                      "specified for an update");
  }
  if (!version.empty() && version != kube::ResourceVersion(live)) {
    return Conflict(kind.resource, ref.name,
                    "the object has been modified; please apply your changes to the latest version "
                    "and try again");
  }
  if (const std::string uid = kube::Uid(object); !uid.empty() && uid != kube::Uid(live)) {
    return Conflict(kind.resource, ref.name,
                    "Precondition failed: UID in precondition: " + uid +
                        ", UID in object meta: " + kube::Uid(live));
  }
  return Store(kind, live, std::move(object), context, /*note_owner=*/true);
}

KubeAnswer KubeStore::Patch(const KubeKind& kind, const ObjectRef& ref, const Json& patch,
                            bool merge, const WriteContext& context) {
  const Json* found = Find(kind.resource, ref);
  if (found == nullptr) return NotFound(kind.resource, ref.name);
  Json changed = *found;
  if (merge) {
    changed.merge_patch(patch);
  } else {
    try {
      changed = changed.patch(patch);
    } catch (const Json::exception& e) {
      return Refuse(422, "Invalid", std::string("the server rejected our request: ") + e.what());
    }
  }
  return Replace(kind, ref, std::move(changed), context);
}

KubeAnswer KubeStore::Apply(const KubeKind& kind, const ObjectRef& ref, Json object, bool force,
                            const WriteContext& context) {
  const Json* found = Find(kind.resource, ref);
  if (found == nullptr && !context.subresource.empty()) return NotFound(kind.resource, ref.name);
  const Json live = found == nullptr ? Json() : *found;
  FieldOwners owners = found == nullptr ? FieldOwners() : OwnersOf(live);
  FieldOwners::Applied applied =
      owners.Apply(live, object, context.manager, context.subresource, force);
  if (!applied.conflicts.empty()) {
    const auto& [owner, field] = applied.conflicts.front();
    KubeAnswer refused = Refuse(409, "Conflict",
                                "Apply failed with " + std::to_string(applied.conflicts.size()) +
                                    " conflict: conflict with \"" + owner + "\": " + field);
    for (const auto& [other, path] : applied.conflicts) {
      refused.body["details"]["causes"].push_back(
          {{"reason", "FieldManagerConflict"}, {"message", other}, {"field", path}});
    }
    return refused;
  }
  KubeAnswer answer;
  if (found == nullptr) {
    answer = Create(kind, ref.ns, std::move(applied.object), context);
    // The apply owns what it brought; the create that carried it does not.
  } else {
    answer = Store(kind, live, std::move(applied.object), context, /*note_owner=*/false);
  }
  if (answer.code < 300 && !context.dry_run && Find(kind.resource, ref) != nullptr) {
    OwnersOf(answer.body) = std::move(owners);
  }
  return answer;
}

KubeAnswer KubeStore::Delete(const KubeKind& kind, const ObjectRef& ref, const Json& options) {
  const Json* found = Find(kind.resource, ref);
  if (found == nullptr) return NotFound(kind.resource, ref.name);
  const std::string uid = kube::Text(options, "/preconditions/uid");
  const std::string version = kube::Text(options, "/preconditions/resourceVersion");
  if (!uid.empty() && uid != kube::Uid(*found)) {
    return Conflict(kind.resource, ref.name,
                    "Precondition failed: UID in precondition: " + uid +
                        ", UID in object meta: " + kube::Uid(*found));
  }
  if (!version.empty() && version != kube::ResourceVersion(*found)) {
    return Conflict(kind.resource, ref.name,
                    "Precondition failed: resourceVersion in precondition: " + version +
                        ", resourceVersion in object meta: " + kube::ResourceVersion(*found));
  }
  const std::string policy = kube::Text(options, "/propagationPolicy");
  Json object = *found;
  if (policy == "Foreground" && !kube::HasFinalizer(object, kForeground)) {
    object["metadata"]["finalizers"].push_back(kForeground);
  }
  if (policy == "Orphan") {
    for (auto& [name, table] : tables_) {
      for (auto& [dependent_ref, dependent] : table) {
        if (kube::ControllerUid(dependent) == kube::Uid(object)) {
          dependent["metadata"].erase("ownerReferences");
        }
      }
    }
  }
  const Json* grace = kube::Find(options, "/gracePeriodSeconds");
  const bool at_once = grace != nullptr && *grace == 0;
  const bool graceful = kind.resource == resources::kPods && !at_once &&
                        !kube::Text(object, "/spec/nodeName").empty();
  const Json* finalizers = kube::Find(object, "/metadata/finalizers");
  const bool held = finalizers != nullptr && !finalizers->empty();
  if (!graceful && !held) {
    const std::string gone_uid = kube::Uid(object);
    Remove(kind.resource, ref);
    return {200, Json{{"kind", "Status"},
                      {"apiVersion", "v1"},
                      {"metadata", Json::object()},
                      {"status", "Success"},
                      {"details", {{"name", ref.name}, {"uid", gone_uid}}}}};
  }
  if (!kube::IsDeleting(object)) {
    object["metadata"]["deletionTimestamp"] = kube::FormatTime(clock_.WallNow());
    object["metadata"]["deletionGracePeriodSeconds"] = graceful ? 30 : 0;
    if (kind.generation) {
      object["metadata"]["generation"] = kube::Number(object, "/metadata/generation") + 1;
    }
    Mutate(kind.resource, ref, [&object](Json& live) { live = object; });
  }
  return {200, *Find(kind.resource, ref)};
}

bool KubeStore::Mutate(const Resource& resource, const ObjectRef& ref,
                       const std::function<void(Json&)>& change) {
  Objects& table = TableOf(resource);
  const auto it = table.find(ref);
  if (it == table.end()) return false;
  const Json before = it->second;
  change(it->second);
  if (SameButVersion(before, it->second)) {
    it->second = before;
    return true;
  }
  it->second["metadata"]["resourceVersion"] = std::to_string(++revision_);
  OwnersOf(before).NoteWrite(before, it->second, "other", "");
  Record(resource, before, it->second, /*deleted=*/false);
  return true;
}

bool KubeStore::Remove(const Resource& resource, const ObjectRef& ref) {
  Objects& table = TableOf(resource);
  const auto it = table.find(ref);
  if (it == table.end()) return false;
  Json last = it->second;
  owners_.erase(kube::Uid(last));
  table.erase(it);
  const Json before = last;
  last["metadata"]["resourceVersion"] = std::to_string(++revision_);
  Record(resource, before, std::move(last), /*deleted=*/true);
  return true;
}

void KubeStore::CollectGarbage() {
  for (bool changed = true; changed;) {
    changed = false;
    for (const KubeKind& kind : kinds_) {
      for (const Json& object : All(kind.resource, "")) {
        const ObjectRef ref = kube::RefOf(object);
        const Json* owners = kube::Find(object, "/metadata/ownerReferences");
        if (owners != nullptr && !owners->empty() && !kube::IsDeleting(object) &&
            std::ranges::none_of(*owners, [this](const Json& owner) {
              return UidExists(kube::Text(owner, "/uid"));
            })) {
          Delete(kind, ref, Json::object());
          changed = true;
          continue;
        }
        const bool unprotected =
            kind.resource == resources::kPersistentVolumeClaims && kube::IsDeleting(object) &&
            kube::HasFinalizer(object, kClaimProtection) && !ClaimInUse(object);
        const bool foreground = kube::IsDeleting(object) && kube::HasFinalizer(object, kForeground);
        if (!unprotected && !foreground) continue;
        Json next = object;
        Json& finalizers = next["metadata"]["finalizers"];
        const char* done = unprotected ? kClaimProtection : kForeground;
        finalizers.erase(std::ranges::find(finalizers, Json(done)));
        Store(kind, object, std::move(next), {"controller-manager", "", false}, true);
        changed = true;
      }
    }
  }
}

void KubeStore::Compact() {
  history_.clear();
  compacted_ = revision_;
}

KubeStore::Objects& KubeStore::TableOf(const Resource& resource) {
  return tables_[TableName(resource)];
}

KubeAnswer KubeStore::CheckNamespace(const KubeKind& kind, const std::string& ns) const {
  if (!kind.resource.namespaced) return {};
  const Json* found = Find(resources::kNamespaces, {"", ns});
  if (found == nullptr) return NotFound(resources::kNamespaces, ns);
  if (kube::IsDeleting(*found)) {
    return Refuse(
        403, "Forbidden",
        "unable to create new content in namespace " + ns + " because it is being terminated");
  }
  return {};
}

void KubeStore::ApplyDefaults(const KubeKind& kind, Json& object) {
  const Resource& resource = kind.resource;
  if (resource == resources::kPods) object["status"] = {{"phase", "Pending"}};
  if (resource == resources::kPersistentVolumeClaims) {
    object["metadata"]["finalizers"].push_back(kClaimProtection);
    object["status"] = {{"phase", "Pending"}};
  }
  if (resource == resources::kServices && kube::Text(object, "/spec/clusterIP").empty() &&
      kube::Text(object, "/spec/type") != "ExternalName") {
    object["spec"]["clusterIP"] =
        "10.96." + std::to_string(prng_.Below(200)) + "." + std::to_string(1 + prng_.Below(250));
  }
}

KubeAnswer KubeStore::Store(const KubeKind& kind, const Json& live, Json object,
                            const WriteContext& context, bool note_owner) {
  const Resource& resource = kind.resource;
  object["apiVersion"] = resource.ApiVersion();
  object["kind"] = std::string(resource.kind);
  if (auto text = object.find("stringData");
      text != object.end() && resource == resources::kSecrets) {
    for (const auto& [key, value] : text->items()) {
      object["data"][key] = EncodeBase64(value.get<std::string>());
    }
    object.erase("stringData");
  }
  if (!live.is_null()) {
    if (context.subresource == "status") {
      Json status = object.contains("status") ? object["status"] : Json();
      object = live;
      if (status.is_null()) {
        object.erase("status");
      } else {
        object["status"] = std::move(status);
      }
    } else if (kind.has_status) {
      object.erase("status");
      if (live.contains("status")) object["status"] = live["status"];
    }
    // What only the server writes.
    for (const char* field :
         {"name", "namespace", "uid", "creationTimestamp", "generation", "deletionTimestamp",
          "deletionGracePeriodSeconds", "resourceVersion", "managedFields"}) {
      object["metadata"].erase(field);
      if (live["metadata"].contains(field)) object["metadata"][field] = live["metadata"][field];
    }
    if (auto it = object["metadata"].find("finalizers");
        it != object["metadata"].end() && it->empty()) {
      object["metadata"].erase("finalizers");
    }
    for (const Json& finalizer : object["metadata"].value("finalizers", Json::array())) {
      if (kube::IsDeleting(live) && !kube::HasFinalizer(live, finalizer.get<std::string>())) {
        return Refuse(422, "Invalid",
                      std::string(resource.kind) + " \"" + kube::Name(live) +
                          "\" is invalid: metadata.finalizers: Forbidden: no new finalizers can "
                          "be added if the object is being deleted");
      }
    }
    if (kind.generation && SpecPart(live) != SpecPart(object)) {
      object["metadata"]["generation"] = kube::Number(live, "/metadata/generation") + 1;
    }
    if (SameButVersion(live, object)) return {200, live};
  }
  if (context.dry_run) return {live.is_null() ? 201 : 200, object};
  const ObjectRef ref = kube::RefOf(object);
  if (note_owner) OwnersOf(object).NoteWrite(live, object, context.manager, context.subresource);
  const bool finished = !live.is_null() && kube::IsDeleting(object) &&
                        !object["metadata"].contains("finalizers") &&
                        kube::Number(object, "/metadata/deletionGracePeriodSeconds") == 0;
  if (finished) {
    TableOf(resource)[ref] = object;
    Remove(resource, ref);
    return {200, object};
  }
  object["metadata"]["resourceVersion"] = std::to_string(++revision_);
  TableOf(resource)[ref] = object;
  Record(resource, live, object, /*deleted=*/false);
  return {live.is_null() ? 201 : 200, std::move(object)};
}

void KubeStore::Record(const Resource& resource, Json before, Json after, bool deleted) {
  history_.push_back({revision_, resource, std::move(before), std::move(after), deleted});
}

FieldOwners& KubeStore::OwnersOf(const Json& object) {
  return owners_[kube::Uid(object)];
}

std::string KubeStore::NewUid() {
  std::string hex;
  static constexpr char kDigits[] = "0123456789abcdef";
  while (hex.size() < 32) hex += kDigits[prng_.Below(16)];
  return hex.substr(0, 8) + "-" + hex.substr(8, 4) + "-4" + hex.substr(13, 3) + "-8" +
         hex.substr(17, 3) + "-" + hex.substr(20, 12);
}

bool KubeStore::ClaimInUse(const Json& claim) const {
  for (const Json& pod : All(resources::kPods, kube::Namespace(claim))) {
    const std::string phase = kube::Text(pod, "/status/phase");
    if (phase == "Succeeded" || phase == "Failed") continue;
    const Json* volumes = kube::Find(pod, "/spec/volumes");
    if (volumes == nullptr) continue;
    for (const Json& volume : *volumes) {
      if (kube::Text(volume, "/persistentVolumeClaim/claimName") == kube::Name(claim)) return true;
    }
  }
  return false;
}

bool KubeStore::UidExists(const std::string& uid) const {
  for (const auto& [name, table] : tables_) {
    for (const auto& [ref, object] : table) {
      if (kube::Uid(object) == uid) return true;
    }
  }
  return false;
}

}  // namespace quorate::sim
