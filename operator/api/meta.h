// ObjectMeta, Condition, Kind: what every object of the API has in common.
//
// Kind<T> says where objects of type T live on the API server; the five kinds' headers specialise
// it.
//
// Source: Kubernetes metav1.ObjectMeta, metav1.Condition, of which only what the operator reads or
// writes is kept.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/enums.h"
#include "api/values.h"

namespace quorate::api {

inline constexpr std::string_view kGroup = "quorate.dev";
inline constexpr std::string_view kVersion = "v1alpha1";
inline constexpr std::string_view kApiVersion = "quorate.dev/v1alpha1";

// kName "EtcdCluster", kPlural "etcdclusters".
template <typename T>
struct Kind;

using Labels = std::map<std::string, std::string>;

struct OwnerReference {
  std::string api_version;
  std::string kind;
  std::string name;
  std::string uid;
  bool controller = false;
  bool block_owner_deletion = false;

  bool operator==(const OwnerReference&) const = default;
};

struct ObjectMeta {
  std::string name;
  std::string namespace_name;
  std::string uid;
  std::string resource_version;  // opaque: compare for equality only
  std::int64_t generation = 0;   // rises with each change of spec
  std::optional<Time> created;
  std::optional<Time> deleted;  // set: being deleted, finalizers still hold it
  Labels labels;
  Labels annotations;
  std::vector<std::string> finalizers;
  std::vector<OwnerReference> owners;

  bool operator==(const ObjectMeta&) const = default;
};

struct Condition {
  std::string type;
  ConditionStatus status = ConditionStatus::kUnknown;
  std::int64_t observed_generation = 0;
  std::optional<Time> last_transition;  // when status last flipped
  std::string reason;                   // CamelCase, never empty
  std::string message;

  bool operator==(const Condition&) const = default;
};

// Refers to an object of the same namespace.
struct LocalRef {
  std::string name;

  bool operator==(const LocalRef&) const = default;
};

// One key of a Secret of the same namespace.
struct SecretKeyRef {
  std::string name;
  std::string key;

  bool operator==(const SecretKeyRef&) const = default;
};

}  // namespace quorate::api
