// Desired: what a cluster should be: its validated object and what follows from it.
//
// revision names everything a member pod is made from; a pod with another revision is to be rolled.
// It is a digest of spec fields alone, never of the operator's version, so that a new operator
// restarts nothing.
//
// Thread: values.
#pragma once

#include <string>
#include <string_view>

#include "api/etcd_cluster.h"
#include "base/result.h"

namespace quorate::plan {

struct Desired {
  api::EtcdCluster cluster;
  std::string image;
  std::string revision;  // 10 hex digits

  const api::ClusterSpec& spec() const { return cluster.spec; }
  const std::string& name() const { return cluster.meta.name; }
  const std::string& ns() const { return cluster.meta.namespace_name; }
  const std::string& uid() const { return cluster.meta.uid; }
  bool deleted() const { return cluster.meta.deleted.has_value(); }
};

// Errors: kInvalidArgument with every violation, when the spec is not valid. A cluster that is
// being deleted is never refused: a broken spec must not keep it alive.
Result<Desired> MakeDesired(const api::EtcdCluster& cluster, std::string_view default_repository);

}  // namespace quorate::plan
