// ToJson, FromJson: objects of the API to and from JSON.
//
// Reading is tolerant of unknown fields (a newer CRD may have them) and of absent ones (the default
// stays); a wrong type or an unknown word is an error that names the field. Writing leaves out what
// is empty. Both walk the one list of fields in fields.h, so they cannot disagree.
//
// Instantiated for the five kinds.
// Errors: kInvalidArgument, "spec.storage.size: want a quantity, have true".
// Thread: values.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "api/backup_kinds.h"
#include "api/etcd_cluster.h"
#include "api/etcd_member.h"
#include "base/result.h"

namespace quorate::api {

// A whole object, apiVersion and kind included. An object of another kind or apiVersion is refused.
template <typename T>
Result<T> FromJson(const nlohmann::json& object);

template <typename T>
nlohmann::json ToJson(const T& object);

// Only apiVersion, kind, metadata.name and .namespace, and the whole status: what a status write by
// server-side apply sends.
template <typename T>
nlohmann::json StatusToJson(const T& object);

}  // namespace quorate::api
