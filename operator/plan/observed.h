// Observed: everything about one cluster, read once.
//
// Facts only, each as its source told it; nothing here is a judgement. What could not be read is
// absent, and absence is never evidence: a member list nobody answered is nullopt, not empty.
//
// Invariants: slots are sorted by name; a pod or volume is under its slot when its name and cluster
// UID match, else among the strays. Immutable once made. Thread: values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "api/etcd_member.h"
#include "base/ids.h"

namespace quorate::plan {

using api::Time;

// The server's typed exits (server/README.md).
enum class ExitCode : std::int32_t {
  kRemoved = 10,
  kDataUnusable = 11,
  kWrongIdentity = 12,
  kDiskFull = 13,
  kBadConfiguration = 14,
  kBootstrapForbidden = 15,
  kWentBack = 16,
};

struct Exit {
  std::int32_t code = 0;
  std::string message;

  bool operator==(const Exit&) const = default;
};

enum class PodPhase { kPending, kRunning, kSucceeded, kFailed, kUnknown };

struct PodFacts {
  std::string name;
  std::string uid;
  PodPhase phase = PodPhase::kPending;
  bool terminating = false;
  bool ready = false;                 // its Ready condition
  std::optional<Time> ready_changed;  // when that condition last flipped
  std::optional<Time> created;
  std::string node;      // "": not scheduled
  std::string endpoint;  // client URL under which its server is asked; "": none yet
  std::optional<Time> node_silent_since;  // its node's Ready condition is not True since then
  std::string revision;                   // of the spec it was made from
  bool starts_new = false;                // may form a cluster
  std::string initial_cluster;            // as given at its making
  std::string role;                       // its role label: "voter", "learner" or ""
  std::int32_t restarts = 0;
  std::optional<Exit> last_exit;  // of the server container's last termination
  std::string problem;  // why it does not start, e.g. "ImagePullBackOff: ..."; "": none known

  bool operator==(const PodFacts&) const = default;
};

struct VolumeFacts {
  std::string name;
  std::string uid;
  std::string member;  // its member label
  bool bound = false;
  bool lost = false;  // phase Lost: the volume behind the claim is gone
  bool terminating = false;
  bool node_gone = false;  // tied to a node that no longer exists
  std::string cluster_id;  // annotation, hex; "": never bound to a member
  std::string member_id;   // annotation, hex
  bool retained = false;   // kept on purpose after its member went
  std::string problem;     // why it is not bound; "": none known

  bool operator==(const VolumeFacts&) const = default;
};

// What a member's own server said, a moment ago. Absent: it did not answer.
struct ServerFacts {
  MemberId id;
  ClusterId cluster_id;
  MemberId leader;  // 0: it knows none
  Term term;
  LogIndex applied;
  bool learner = false;
  std::string version;
  std::vector<std::string> alarms;

  bool operator==(const ServerFacts&) const = default;
};

// One entry of the linearizable member list.
struct ListedMember {
  MemberId id;
  std::string name;  // "": never started
  std::vector<std::string> peer_urls;
  std::vector<std::string> client_urls;
  bool learner = false;

  bool operator==(const ListedMember&) const = default;
};

struct Slot {
  api::EtcdMember object;
  std::optional<PodFacts> pod;
  std::optional<VolumeFacts> volume;
  std::optional<ServerFacts> server;

  bool operator==(const Slot&) const = default;
};

// A backup that spec.bootstrap.restore names, resolved.
struct RestoreSource {
  std::string problem;  // sentence; "": it can be used
  std::string store_name;
  std::string path;  // folder below the store's prefix

  bool operator==(const RestoreSource&) const = default;
};

struct Observed {
  std::vector<Slot> slots;
  std::optional<std::vector<ListedMember>> members;  // nullopt: no quorum answered
  std::string members_error;                         // why, when nullopt
  std::vector<PodFacts> stray_pods;                  // of this cluster's UID, without a slot
  std::vector<VolumeFacts> stray_volumes;
  std::string annotated_cluster_id;  // on the EtcdCluster, hex
  bool has_finalizer = false;
  bool peer_service = false;  // there, and as it should be
  bool client_service = false;
  std::string service_problem;         // a foreign object has the name; "": none
  std::optional<std::int32_t> budget;  // minAvailable of our PodDisruptionBudget; nullopt: none
  RestoreSource restore;               // only looked up before the cluster is formed
  std::string fresh_name;              // an unused name for the next slot

  bool operator==(const Observed&) const = default;
};

}  // namespace quorate::plan
