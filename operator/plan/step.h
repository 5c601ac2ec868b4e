// Step: one thing the operator does, and everything needed to do it.
//
// Every step is idempotent and says by id and UID what it is about, so that a repeat, or a step
// planned on a stale view, does nothing or fails; act/ has one file per kind.
//
// Thread: values.
#pragma once

#include <cstdint>
#include <string>
#include <variant>

#include "api/enums.h"
#include "base/ids.h"

namespace quorate::plan {

struct AddFinalizer {};
struct RemoveFinalizer {};
// Peer and client Service, created or brought back to what they should be.
struct EnsureServices {};
// min_available 0: the budget is removed.
struct SetDisruptionBudget {
  std::int32_t min_available = 0;
};

// Writes the cluster id onto the EtcdCluster: from here on no pod may form a cluster any more.
struct LatchClusterId {
  ClusterId cluster_id;
};

// Records a member to be: the intent before everything else.
struct CreateSlot {
  std::string slot;
  api::JoinMode join_mode = api::JoinMode::kLearner;
  api::SlotReason reason = api::SlotReason::kScaleUp;
  std::string replaces;  // "": none
};
// Records that a member is to go.
struct MarkLeaving {
  std::string slot;
  api::SlotReason reason = api::SlotReason::kScaleDown;
  std::string message;  // the evidence
  MemberId id;          // 0: it never was in the member list
};
struct DeleteSlot {
  std::string slot;
};

struct CreateVolume {
  std::string slot;
};
// Writes onto the volume whose data it holds.
struct BindVolume {
  std::string slot;
  std::string uid;  // of the claim
  ClusterId cluster_id;
  MemberId member_id;
};
// Marks a volume that stays although its member is gone.
struct RetainVolume {
  std::string volume;
  std::string uid;
};
struct DeleteVolume {
  std::string volume;
  std::string uid;
};

enum class Start { kNew, kRestore, kExisting };
struct CreatePod {
  std::string slot;
  Start start = Start::kExisting;
  std::string initial_cluster;  // "a=http://...,b=http://..."
  ClusterId cluster_id;         // 0 only while the cluster is being formed
  std::string role;             // "voter" or "learner"
};
struct DeletePod {
  std::string pod;
  std::string uid;
};
struct LabelPod {
  std::string pod;
  std::string uid;
  std::string role;
};

struct MemberAdd {  // always as a learner
  std::string slot;
  std::string peer_url;
};
struct MemberRemove {
  std::string slot;  // "": a member without one
  MemberId id;
  std::string peer_url;
};
struct MemberPromote {
  std::string slot;
  MemberId id;
};
struct MoveLeader {
  std::string from;
  std::string to;
  MemberId to_id;
};

using Step = std::variant<AddFinalizer, RemoveFinalizer, EnsureServices, SetDisruptionBudget,
                          LatchClusterId, CreateSlot, MarkLeaving, DeleteSlot, CreateVolume,
                          BindVolume, RetainVolume, DeleteVolume, CreatePod, DeletePod, LabelPod,
                          MemberAdd, MemberRemove, MemberPromote, MoveLeader>;

}  // namespace quorate::plan
