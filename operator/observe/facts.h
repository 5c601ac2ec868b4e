// Facts: single Kubernetes objects as the planner knows them. Reading only, no judgement.
//
// Thread: pure functions.
#pragma once

#include <optional>
#include <string>

#include "kube/object.h"
#include "plan/desired.h"
#include "plan/observed.h"

namespace quorate::observe {

// Without what takes a look at the node (node_silent_since) and the endpoint.
plan::PodFacts PodFactsOf(const kube::Json& pod);
// Without what takes a look at the volume behind the claim (node_gone).
plan::VolumeFacts VolumeFactsOf(const kube::Json& claim);

// Since when a node's Ready condition is not True; nullopt: it is.
std::optional<plan::Time> NodeSilentSince(const kube::Json& node);

// A Service of ours, and as the spec wants it.
bool IsPeerServiceRight(const plan::Desired& desired, const kube::Json& service);
bool IsClientServiceRight(const plan::Desired& desired, const kube::Json& service);
// The object carries this cluster's UID.
bool IsOurs(const plan::Desired& desired, const kube::Json& object);

}  // namespace quorate::observe
