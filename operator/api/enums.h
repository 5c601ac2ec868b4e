// Enums: every closed set of words in quorate.dev/v1alpha1, with its spelling.
//
// The order of the enumerators is the order of the words in EnumWords<E>; both count from 0 without
// gaps. The words are the API: they never change, and new ones go at the end.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>

namespace quorate::api {

template <typename E>
struct EnumWords;

#define QUORATE_API_ENUM(Name, ...)                                                \
  template <>                                                                      \
  struct EnumWords<Name> {                                                         \
    static constexpr auto kWords = std::to_array<std::string_view>({__VA_ARGS__}); \
  }

template <typename E>
constexpr std::string_view Word(E value) {
  return EnumWords<E>::kWords[static_cast<std::size_t>(value)];
}

template <typename E>
constexpr std::optional<E> FromWord(std::string_view word) {
  for (std::size_t i = 0; i < EnumWords<E>::kWords.size(); ++i) {
    if (EnumWords<E>::kWords[i] == word) return static_cast<E>(i);
  }
  return std::nullopt;
}

enum class Reclaim { kRetain, kDelete };
QUORATE_API_ENUM(Reclaim, "Retain", "Delete");

enum class PullPolicy { kAlways, kIfNotPresent, kNever };
QUORATE_API_ENUM(PullPolicy, "Always", "IfNotPresent", "Never");

enum class LogLevel { kDebug, kInfo, kWarn, kError };
QUORATE_API_ENUM(LogLevel, "Debug", "Info", "Warn", "Error");

enum class AntiAffinity { kPreferred, kRequired, kNone };
QUORATE_API_ENUM(AntiAffinity, "Preferred", "Required", "None");

enum class ServiceType { kClusterIP, kNodePort, kLoadBalancer };
QUORATE_API_ENUM(ServiceType, "ClusterIP", "NodePort", "LoadBalancer");

enum class TlsMode { kNone };
QUORATE_API_ENUM(TlsMode, "None");

enum class RepairPolicy { kAuto, kOff };
QUORATE_API_ENUM(RepairPolicy, "Auto", "Off");

// How a slot's first pod starts: forming the cluster, forming it from a backup, or joining it as a
// learner.
enum class JoinMode { kSeed, kRestore, kLearner };
QUORATE_API_ENUM(JoinMode, "Seed", "Restore", "Learner");

// Why a slot was made, or why it leaves.
enum class SlotReason {
  kBootstrap,
  kScaleUp,
  kReplace,
  kScaleDown,
  kRemovedByHand,
  kStuck,  // a learner that never caught up
};
QUORATE_API_ENUM(SlotReason, "Bootstrap", "ScaleUp", "Replace", "ScaleDown", "RemovedByHand",
                 "Stuck");

enum class MemberPhase {
  kPlanned,       // the slot is recorded, nothing else exists
  kProvisioning,  // volume and pod are being made and placed
  kAdding,        // placed; about to be, or being, added to the member list
  kSyncing,       // a learner that catches up
  kReady,         // a voter that answers
  kUnhealthy,     // a voter that does not answer
  kRecreating,    // a voter whose pod is being made again
  kLeaving,       // being removed
  kGone,          // out of the member list, its pod proven gone
};
QUORATE_API_ENUM(MemberPhase, "Planned", "Provisioning", "Adding", "Syncing", "Ready", "Unhealthy",
                 "Recreating", "Leaving", "Gone");

enum class MemberRole { kUnstarted, kLearner, kFollower, kLeader, kUnknown };
QUORATE_API_ENUM(MemberRole, "Unstarted", "Learner", "Follower", "Leader", "Unknown");

// What the cluster is busy with, for people.
enum class Operation {
  kNone,
  kBootstrap,
  kScaleUp,
  kScaleDown,
  kReplace,
  kRecreate,
  kRoll,
  kHibernate,
  kDelete,
  kBlocked,
};
QUORATE_API_ENUM(Operation, "None", "Bootstrap", "ScaleUp", "ScaleDown", "Replace", "Recreate",
                 "Roll", "Hibernate", "Delete", "Blocked");

enum class ConditionStatus { kTrue, kFalse, kUnknown };
QUORATE_API_ENUM(ConditionStatus, "True", "False", "Unknown");

enum class BackupPhase { kPending, kRunning, kCompleted, kFailed };
QUORATE_API_ENUM(BackupPhase, "Pending", "Running", "Completed", "Failed");

enum class ConcurrencyPolicy { kForbid, kReplace };
QUORATE_API_ENUM(ConcurrencyPolicy, "Forbid", "Replace");

}  // namespace quorate::api
