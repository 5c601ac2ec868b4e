// Context: what every step's file works with, and the live looks they share.
//
// Ownership: borrows everything, for the length of one step.
// Thread: one thread.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "act/actor.h"
#include "api/etcd_cluster.h"
#include "api/etcd_member.h"

namespace quorate::act {

struct Context {
  kube::Client& kube;
  const Connector& connect;
  io::Clock& clock;
  std::chrono::milliseconds patience;
  const plan::Desired& desired;
  const plan::Observed& observed;

  kube::ObjectRef Ref(const std::string& name) const { return {desired.ns(), name}; }
  kube::ObjectRef ClusterRef() const { return Ref(desired.name()); }

  // The cluster as it is now; kFailedPrecondition when another one took its name.
  Result<api::EtcdCluster> LiveCluster() const;
  // The slot as it is now; nullopt when there is none.
  Result<std::optional<api::EtcdMember>> LiveSlot(const std::string& name) const;
  // A client for the members that answered in the look; kUnavailable when none did.
  Result<std::unique_ptr<etcdclient::Client>> Etcd() const;
  etcdclient::CallOptions Call() const;
  // The linearizable member list, asked now.
  Result<etcdserverpb::MemberListResponse> LiveMembers(etcdclient::Client& etcd) const;

  // An object of this cluster: kind, name, labels; owned by the EtcdCluster unless it is a volume.
  kube::Json MakeOwned(const kube::Resource& resource, const std::string& name) const;
  kube::Json MakeLabelled(const kube::Resource& resource, const std::string& name) const;
  // Creates; one that is there already is fine when it is this cluster's.
  Status CreateOnce(const kube::Resource& resource, const kube::Json& object) const;
  // Deletes that very object; one that is gone already is fine.
  Status DeleteOnce(const kube::Resource& resource, const std::string& name,
                    const std::string& uid) const;
  Status Merge(const kube::Resource& resource, const std::string& name,
               const kube::Json& patch) const;
};

inline Error OutOfDate(std::string why) {
  return {Code::kFailedPrecondition, std::move(why)};
}

}  // namespace quorate::act
