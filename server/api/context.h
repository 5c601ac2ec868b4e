// Context: what every service stands on, and Environment: what only app can give.
//
// A handler runs on a connection's loop: it decodes, checks, and hands the work to the node;
// whatever touches the store, leases or watchers runs on the raft+apply loop.
//
// Ownership: borrows everything; all of it outlives the last call.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "apply/answer.h"
#include "apply/applier.h"
#include "base/result.h"
#include "lease/lessor.h"
#include "membership/cluster.h"
#include "membership/reconfig_check.h"
#include "mvcc/store.h"
#include "node/node.h"
#include "rpc/call.h"
#include "watch/hub.h"

namespace quorate::api {

// SnapshotReceiver: takes a snapshot piece by piece on a background thread, which it may hold back.
class SnapshotReceiver {
 public:
  virtual ~SnapshotReceiver() = default;
  // `enough`, once true, ends whatever Write waits for; it outlives End.
  virtual void Begin(std::uint64_t bytes_total, const std::atomic<bool>& enough) = 0;
  // False: the receiver is gone, or it is enough.
  virtual bool Write(std::string_view piece) = 0;
  virtual void End(Status status) = 0;
  // It asks for no more. Any thread.
  virtual bool gone() const = 0;
};

struct SystemFacts {
  std::uint64_t disk_free_bytes = 0;
  std::uint64_t disk_total_bytes = 0;
  std::string data_dir;
  std::int64_t started_unix_seconds = 0;
};

struct ProcessFacts {
  double cpu_seconds = 0;
  std::uint64_t resident_bytes = 0;
  std::uint64_t open_files = 0;
  std::uint64_t open_files_max = 0;
};

class Environment {
 public:
  virtual ~Environment() = default;

  virtual membership::Liveness liveness() const = 0;  // any thread
  virtual std::int64_t unix_seconds() const = 0;      // any thread
  virtual SystemFacts facts() const = 0;              // any thread
  virtual ProcessFacts process() const = 0;           // any thread
  virtual storage::Sizes sizes() const = 0;           // any thread

  // POSTs to a path of the leader's peer port ("/leases"); the body of a 200 answer, or the error
  // it stands for. `done` on any thread.
  using Answered = std::function<void(Result<std::string>)>;
  virtual void AskLeader(std::string path, std::string body, Answered done) = 0;

  // A consistent snapshot of the store as it is when the receiver's turn comes. Called on the
  // raft+apply loop.
  virtual void StreamSnapshot(std::shared_ptr<SnapshotReceiver> receiver) = 0;

  // Runs a task after a while, on the raft+apply loop.
  virtual void After(std::chrono::nanoseconds delay, std::function<void()> task) = 0;
};

struct Limits {
  std::size_t request_bytes_max = 1572864;  // --max-request-bytes
  std::size_t txn_ops_max = 128;            // --max-txn-ops
  bool strict_reconfig_check = true;
  std::chrono::nanoseconds watch_progress_interval = std::chrono::minutes(10);
};

struct Context {
  apply::Identity identity;
  Limits limits;
  node::Node* node;
  apply::Applier* applier;             // loop only, but for alarms().Raised() and quota()
  mvcc::Store* store;                  // loop only
  lease::Lessor* lessor;               // loop only
  watch::Hub* hub;                     // loop only
  const membership::Cluster* cluster;  // roster() from any thread
  Environment* environment;

  // A response header, as bytes. Revision 0: left out, as the Cluster service answers.
  std::string Header(Revision revision) const {
    return apply::MakeHeader(identity, revision, node->term());
  }
  // The response header of a message object.
  template <typename Response>
  void FillHeader(Response& response, Revision revision) const {
    auto* header = response.mutable_header();
    header->set_cluster_id(identity.cluster.value);
    header->set_member_id(identity.member.value);
    header->set_revision(revision.value);
    header->set_raft_term(node->term().value);
  }
};

}  // namespace quorate::api
