#include <algorithm>

#include "act/steps.h"
#include "api/names.h"
#include "base/bytes.h"
#include "kube/resource.h"

namespace quorate::act {
namespace {

using kube::Json;
namespace resources = kube::resources;

// Merges annotations into the claim with this very uid.
Status AnnotateClaim(const Context& context, const std::string& name, const std::string& uid,
                     const Json& annotations) {
  const Status merged = context.Merge(resources::kPersistentVolumeClaims, name,
                                      {{"metadata", {{"uid", uid}, {"annotations", annotations}}}});
  // A claim that is gone, or another one under its name, has nothing to be told.
  if (!merged.ok() && (kube::IsNotFound(merged.error()) || kube::IsConflict(merged.error()))) {
    return {};
  }
  return merged;
}

bool IsMemberListed(const etcdserverpb::MemberListResponse& list, const Json& claim,
                    const std::string& peer_url) {
  const std::string id = kube::Annotation(claim, api::kAnnotationMemberId);
  return std::any_of(list.members().begin(), list.members().end(), [&](const auto& member) {
    const auto& urls = member.peerurls();
    return (!id.empty() && ToHex(member.id()) == id) ||
           std::find(urls.begin(), urls.end(), peer_url) != urls.end();
  });
}

}  // namespace

// No owner reference: no garbage collector ever takes data away.
Status Do(const Context& context, const plan::CreateVolume& step) {
  const auto slot = TRY(context.LiveSlot(step.slot));
  if (!slot || slot->spec.leave) return OutOfDate("member " + step.slot + " is not to be");
  Json claim = context.MakeLabelled(resources::kPersistentVolumeClaims, api::VolumeName(step.slot));
  claim["metadata"]["labels"][std::string(api::kLabelMember)] = step.slot;
  claim["metadata"]["labels"][std::string(api::kLabelComponent)] = "member";
  claim["spec"] = {{"accessModes", {"ReadWriteOnce"}},
                   {"resources", {{"requests", {{"storage", slot->spec.storage_size.text}}}}}};
  if (!slot->spec.storage_class_name.empty()) {
    claim["spec"]["storageClassName"] = slot->spec.storage_class_name;
  }
  return context.CreateOnce(resources::kPersistentVolumeClaims, claim);
}

Status Do(const Context& context, const plan::BindVolume& step) {
  return AnnotateClaim(context, api::VolumeName(step.slot), step.uid,
                       {{std::string(api::kAnnotationClusterId), ToHex(step.cluster_id.value)},
                        {std::string(api::kAnnotationMemberId), ToHex(step.member_id.value)}});
}

Status Do(const Context& context, const plan::RetainVolume& step) {
  const auto now = std::chrono::floor<std::chrono::seconds>(context.clock.WallNow());
  return AnnotateClaim(context, step.volume, step.uid,
                       {{std::string(api::kAnnotationRetained), api::FormatTime(now)}});
}

// The member list is asked again at this very moment: data goes only when its member is out of it,
// or when the person who deleted the cluster said so.
Status Do(const Context& context, const plan::DeleteVolume& step) {
  const auto claim = context.kube.Get(resources::kPersistentVolumeClaims, context.Ref(step.volume));
  if (!claim.ok() && kube::IsNotFound(claim.error())) return {};
  if (!claim.ok()) return claim.error();
  if (kube::Uid(*claim) != step.uid) return {};
  if (kube::Label(*claim, api::kLabelClusterUid) != context.desired.uid()) {
    return OutOfDate("volume claim " + step.volume + " belongs to somebody else");
  }
  const api::EtcdCluster cluster = TRY(context.LiveCluster());
  const bool by_word =
      cluster.meta.deleted && cluster.spec.storage.reclaim.on_delete == api::Reclaim::kDelete;
  if (!by_word) {
    const auto etcd = TRY(context.Etcd());
    const auto list = TRY(context.LiveMembers(*etcd));
    const std::string member = kube::Label(*claim, api::kLabelMember);
    const std::string url = api::PeerUrl(member, context.desired.name(), context.desired.ns());
    if (IsMemberListed(list, *claim, url)) {
      return OutOfDate("volume claim " + step.volume + " holds the data of a member");
    }
  }
  return context.DeleteOnce(resources::kPersistentVolumeClaims, step.volume, step.uid);
}

}  // namespace quorate::act
