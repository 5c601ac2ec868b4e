// EtcdMember: one member slot, a place in a cluster that pods and a volume fill. Written by the
// operator only.
//
// The slot is the intent that is on record before anything is done: it exists before its volume,
// pod and membership, and `spec.leave` is set before its member is removed. A slot is used once: a
// replacement gets a fresh slot, name and volume, so an old volume is never mounted under a new
// identity.
//
// Invariants: spec is immutable but for leave, which is set once and never taken back. status is
// derived: wiping it loses nothing that safety needs.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "api/meta.h"

namespace quorate::api {

struct LeaveSpec {
  SlotReason reason = SlotReason::kScaleDown;
  std::string message;    // the evidence, a sentence
  std::string member_id;  // hex; the member this decision was about, "": none was known
  std::optional<Time> time;

  bool operator==(const LeaveSpec&) const = default;
};

struct MemberSpec {
  std::string cluster_name;
  std::string cluster_uid;
  JoinMode join_mode = JoinMode::kLearner;
  SlotReason reason = SlotReason::kScaleUp;
  std::string replaces;  // the slot whose place this one takes; "": none
  Quantity storage_size;
  std::string storage_class_name;  // "": the default class
  std::optional<LeaveSpec> leave;

  bool operator==(const MemberSpec&) const = default;
};

struct ServerReport {
  std::int32_t exit_code = 0;  // of the last termination
  std::string message;

  bool operator==(const ServerReport&) const = default;
};

struct MemberStatus {
  std::int64_t observed_generation = -1;  // -1: not looked at yet
  MemberPhase phase = MemberPhase::kPlanned;
  std::string member_id;  // hex; latched once added
  std::string cluster_id;
  std::string pod_uid;
  std::string pvc_uid;  // latched: another claim under the same name is not this member's
  std::string node_name;
  bool ready = false;
  std::optional<Time> unhealthy_since;  // nullopt: healthy, or never was a voter
  std::optional<ServerReport> server_report;
  std::string message;

  bool operator==(const MemberStatus&) const = default;
};

struct EtcdMember {
  ObjectMeta meta;
  MemberSpec spec;
  MemberStatus status;

  bool operator==(const EtcdMember&) const = default;
};

template <>
struct Kind<EtcdMember> {
  static constexpr std::string_view kName = "EtcdMember";
  static constexpr std::string_view kPlural = "etcdmembers";
};

}  // namespace quorate::api
