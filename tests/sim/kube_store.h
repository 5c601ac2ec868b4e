// KubeStore: the objects of the simulated API server, their rules and their history.
//
// One revision counter for everything. Every change is an event of the history, from which watches
// are fed; Compact() forgets it. The rules are those that the operator can notice: names and
// generateName, uids, generations, the status subresource, conflicts, preconditions, finalizers,
// graceful deletion of pods, owner references, protected volume claims.
//
// Thread: one at a time; KubeApi locks.
// Source: Kubernetes API conventions; tests/contracts/kube_contract_test.cc.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "io/clock.h"
#include "kube/object.h"
#include "kube/resource.h"
#include "sim/kube_apply.h"
#include "sim/prng.h"

namespace quorate::sim {

struct KubeKind {
  kube::Resource resource;
  bool custom = false;      // defined by a CustomResourceDefinition
  bool has_status = true;   // status is a subresource of its own
  bool generation = false;  // metadata.generation counts changes of the spec
};

// What the server answers: an object, a list, or a Status.
struct KubeAnswer {
  int code = 200;
  kube::Json body;
};

KubeAnswer Refuse(int code, std::string_view reason, const std::string& message);

struct KubeEvent {
  std::uint64_t revision = 0;
  kube::Resource resource;
  kube::Json before;  // null when the object is new
  kube::Json after;   // the last state, with the deletion's own revision, when it is gone
  bool deleted = false;
};

class KubeStore {
 public:
  KubeStore(const io::Clock& clock, std::uint64_t seed);

  void AddKind(KubeKind kind);
  const KubeKind* FindKind(std::string_view group, std::string_view version,
                           std::string_view plural) const;
  // REQUIRES: the kind is known.
  const KubeKind& KindOf(const kube::Resource& resource) const;

  const kube::Json* Find(const kube::Resource& resource, const kube::ObjectRef& ref) const;
  // Sorted by namespace and name; ns "" means all.
  std::vector<kube::Json> All(const kube::Resource& resource, std::string_view ns) const;

  struct WriteContext {
    std::string manager = "test";
    std::string subresource;  // "status" or empty
    bool dry_run = false;
  };
  KubeAnswer Create(const KubeKind& kind, const std::string& ns, kube::Json object,
                    const WriteContext& context);
  KubeAnswer Replace(const KubeKind& kind, const kube::ObjectRef& ref, kube::Json object,
                     const WriteContext& context);
  KubeAnswer Patch(const KubeKind& kind, const kube::ObjectRef& ref, const kube::Json& patch,
                   bool merge, const WriteContext& context);
  KubeAnswer Apply(const KubeKind& kind, const kube::ObjectRef& ref, kube::Json object, bool force,
                   const WriteContext& context);
  KubeAnswer Delete(const KubeKind& kind, const kube::ObjectRef& ref, const kube::Json& options);

  // A change by another component (kubelet, scheduler, a person): no rules, but a revision and an
  // event. False when the object is not there.
  bool Mutate(const kube::Resource& resource, const kube::ObjectRef& ref,
              const std::function<void(kube::Json&)>& change);
  // Gone at once, finalizers or not.
  bool Remove(const kube::Resource& resource, const kube::ObjectRef& ref);

  // What the garbage collector and the claim protection controller of a real cluster would do now.
  void CollectGarbage();

  std::uint64_t revision() const { return revision_; }
  std::uint64_t compacted() const { return compacted_; }
  const std::vector<KubeEvent>& history() const { return history_; }
  void Compact();

 private:
  using Objects = std::map<kube::ObjectRef, kube::Json>;

  Objects& TableOf(const kube::Resource& resource);
  KubeAnswer CheckNamespace(const KubeKind& kind, const std::string& ns) const;
  void ApplyDefaults(const KubeKind& kind, kube::Json& object);
  KubeAnswer Store(const KubeKind& kind, const kube::Json& live, kube::Json object,
                   const WriteContext& context, bool note_owner);
  void Record(const kube::Resource& resource, kube::Json before, kube::Json after, bool deleted);
  FieldOwners& OwnersOf(const kube::Json& object);
  std::string NewUid();
  bool ClaimInUse(const kube::Json& claim) const;
  bool UidExists(const std::string& uid) const;

  const io::Clock& clock_;
  Prng prng_;
  std::vector<KubeKind> kinds_;
  std::map<std::string, Objects> tables_;      // group/plural -> objects
  std::map<std::string, FieldOwners> owners_;  // by uid
  std::vector<KubeEvent> history_;             // ascending revisions
  std::uint64_t revision_ = 100;
  std::uint64_t compacted_ = 100;  // watches from before this are too old
};

}  // namespace quorate::sim
