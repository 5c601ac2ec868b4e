// Validate: the checks of the CRDs, made again by the operator.
//
// An API server without CEL, or one that was given an older CRD, must not be able to hand the
// operator a spec it would act on wrongly. Every message here is a message of a rule in crds/, and
// the other way round: the schema test compares.
//
// Thread: pure functions.
#pragma once

#include <string>
#include <vector>

#include "api/backup_kinds.h"
#include "api/etcd_cluster.h"
#include "api/etcd_member.h"

namespace quorate::api {

struct Violation {
  std::string path;     // "spec.replicas"
  std::string message;  // lower case, ends with what to do

  bool operator==(const Violation&) const = default;
};

// Empty: the object is valid. The limits of the schema (ranges, patterns, lengths) and its rules.
std::vector<Violation> Validate(const EtcdCluster& cluster);
std::vector<Violation> Validate(const EtcdBackupStore& store);
std::vector<Violation> Validate(const EtcdBackup& backup);
std::vector<Violation> Validate(const EtcdBackupSchedule& schedule);

// Transition rules: what may not change between two versions of one object.
std::vector<Violation> ValidateChange(const EtcdCluster& before, const EtcdCluster& after);
std::vector<Violation> ValidateChange(const EtcdMember& before, const EtcdMember& after);
std::vector<Violation> ValidateChange(const EtcdBackup& before, const EtcdBackup& after);

// "spec.a: message; spec.b: message"; "" when there are none.
std::string Describe(const std::vector<Violation>& violations);

}  // namespace quorate::api
