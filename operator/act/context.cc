#include "act/context.h"

#include <utility>

#include "api/json.h"
#include "api/names.h"
#include "kube/resource.h"

namespace quorate::act {

using kube::Json;
namespace resources = kube::resources;

Result<api::EtcdCluster> Context::LiveCluster() const {
  const Json object = TRY(kube.Get(resources::kEtcdClusters, ClusterRef()));
  if (kube::Uid(object) != desired.uid()) return OutOfDate("another cluster has taken this name");
  return api::FromJson<api::EtcdCluster>(object);
}

Result<std::optional<api::EtcdMember>> Context::LiveSlot(const std::string& name) const {
  const auto object = kube.Get(resources::kEtcdMembers, Ref(name));
  if (!object.ok() && kube::IsNotFound(object.error())) return std::optional<api::EtcdMember>();
  if (!object.ok()) return object.error();
  auto slot = TRY(api::FromJson<api::EtcdMember>(*object));
  if (slot.spec.cluster_uid != desired.uid()) {
    return OutOfDate("member " + name + " belongs to another cluster");
  }
  return std::optional<api::EtcdMember>(std::move(slot));
}

Result<std::unique_ptr<etcdclient::Client>> Context::Etcd() const {
  std::vector<std::string> endpoints;
  for (const plan::Slot& slot : observed.slots) {
    const bool serves = slot.server && slot.server->leader.value != 0 && !slot.server->learner;
    if (serves && slot.pod) endpoints.push_back(slot.pod->endpoint);
  }
  if (endpoints.empty()) return Error{Code::kUnavailable, "no member answers"};
  return connect(std::move(endpoints));
}

etcdclient::CallOptions Context::Call() const {
  etcdclient::CallOptions options;
  options.timeout = patience;
  return options;
}

Result<etcdserverpb::MemberListResponse> Context::LiveMembers(etcdclient::Client& etcd) const {
  auto list = etcd.MemberList(/*linearizable=*/true, Call());
  if (!list.ok()) return Annotate(list.error(), "list members");
  return list;
}

Json Context::MakeLabelled(const kube::Resource& resource, const std::string& name) const {
  Json object = kube::MakeObject(resource, Ref(name));
  object["metadata"]["labels"] = api::ClusterLabels(desired.name(), desired.uid());
  return object;
}

Json Context::MakeOwned(const kube::Resource& resource, const std::string& name) const {
  Json object = MakeLabelled(resource, name);
  Json owner = kube::MakeObject(resources::kEtcdClusters, ClusterRef());
  owner["metadata"]["uid"] = desired.uid();
  object["metadata"]["ownerReferences"] =
      Json::array({kube::OwnerReference(resources::kEtcdClusters, owner)});
  return object;
}

Status Context::CreateOnce(const kube::Resource& resource, const Json& object) const {
  const auto created = kube.Create(resource, object);
  if (created.ok()) return {};
  if (!kube::IsAlreadyExists(created.error())) return created.error();
  const Json present = TRY(kube.Get(resource, kube::RefOf(object)));
  if (kube::Label(present, api::kLabelClusterUid) == desired.uid()) return {};
  return Error{Code::kFailedPrecondition, std::string(resource.kind) + " " + kube::Name(object) +
                                              " belongs to somebody else; remove it"};
}

Status Context::DeleteOnce(const kube::Resource& resource, const std::string& name,
                           const std::string& uid) const {
  kube::DeleteOptions options;
  options.uid = uid;
  const Status deleted = kube.Delete(resource, Ref(name), options);
  if (!deleted.ok() && kube::IsNotFound(deleted.error())) return {};
  // Another object has the name: the one that was meant is gone.
  if (!deleted.ok() && kube::IsConflict(deleted.error())) return {};
  return deleted;
}

Status Context::Merge(const kube::Resource& resource, const std::string& name,
                      const Json& patch) const {
  const auto merged = kube.Patch(resource, Ref(name), kube::PatchType::kMerge, patch, {});
  if (!merged.ok()) return merged.error();
  return {};
}

}  // namespace quorate::act
