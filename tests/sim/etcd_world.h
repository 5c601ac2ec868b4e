// EtcdWorld: the etcd servers of the simulated Kubernetes: what they keep, say and refuse.
//
// A model, not a server: membership, quorum, learners that catch up, data bound to volumes, the
// typed exits. It answers etcdclient calls by endpoint, and it remembers every crime against data
// that an operator could commit (violations()).
//
// Thread: one at a time.
// Source: DESIGN.md 4.7 and 5.2, etcd's membership rules and texts.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/ids.h"
#include "etcdclient/client.h"
#include "kube/object.h"

namespace quorate::sim {

class EtcdWorld {
 public:
  struct Exit {
    int code = 0;
    std::string message;
  };

  // The server of a pod starts on the data of the claim with this uid. nullopt: it runs.
  std::optional<Exit> Start(const kube::Json& pod, const std::string& claim_uid);
  void Stop(const std::string& pod_uid);
  bool Running(const std::string& pod_uid) const { return processes_.contains(pod_uid); }
  // It answers a linearizable read.
  bool Ready(const std::string& pod_uid) const;
  // Removed members end; learners catch up; leaders are elected. Exits by pod uid.
  std::map<std::string, Exit> Tick();

  void EraseVolume(const std::string& claim_uid) { data_.erase(claim_uid); }

  // A client for these endpoints ("http://a.b-peer.ns.svc:2379", any scheme).
  std::unique_ptr<etcdclient::Client> Connect(std::vector<std::string> endpoints);
  // Every later call by Connect()ed clients fails so often, after (or before) it took effect.
  void LoseAnswers(int times, bool after) {
    lost_answers_ = times;
    lost_after_ = after;
  }

  struct MemberInfo {
    std::uint64_t id = 0;
    std::string peer_url;
    std::string name;  // empty: never started
    bool learner = false;
  };
  // Of the only cluster there is; empty when there is none.
  std::vector<MemberInfo> members() const;
  std::size_t clusters_formed() const { return clusters_.size(); }
  std::size_t calls() const { return calls_; }
  const std::vector<std::string>& violations() const { return violations_; }

 private:
  class Client;
  struct Cluster {
    std::uint64_t id = 0;
    std::map<std::uint64_t, MemberInfo> members;
    std::set<std::uint64_t> removed;
    std::uint64_t leader = 0;
    std::uint64_t term = 1;
    std::uint64_t index = 10;
  };
  struct Data {  // on a volume
    std::uint64_t cluster = 0;
    std::uint64_t member = 0;
    int behind = 0;  // ticks until caught up
  };
  struct Process {  // of a pod
    std::string claim_uid;
    std::string host;  // "<pod>.<subdomain>.<namespace>", without what may follow
    std::string version;
  };
  struct Launch;

  Cluster* FindCluster(std::uint64_t id);
  const Process* Answering(const std::string& endpoint) const;
  bool HasQuorum(const Cluster& cluster, std::optional<std::uint64_t> without = {}) const;
  bool Runs(std::uint64_t cluster, std::uint64_t member) const;
  std::optional<Exit> StartFresh(const Launch& launch, const std::string& claim_uid);
  std::optional<Exit> FormCluster(const Launch& launch, const std::string& claim_uid);
  Status Serve(const etcdclient::Method& method, const google::protobuf::MessageLite& request,
               google::protobuf::MessageLite& response, const std::vector<std::string>& endpoints);
  Status Change(Cluster& cluster, const etcdclient::Method& method,
                const google::protobuf::MessageLite& request,
                google::protobuf::MessageLite& response);
  void Violate(std::string what) { violations_.push_back(std::move(what)); }

  std::vector<std::unique_ptr<Cluster>> clusters_;
  std::map<std::string, Data> data_;          // by claim uid
  std::map<std::string, Process> processes_;  // by pod uid
  std::map<std::string, Exit> exits_;         // since the last Tick
  std::uint64_t next_id_ = 0x8e9e05c52164694dU;
  int lost_answers_ = 0;
  bool lost_after_ = false;
  std::size_t calls_ = 0;
  std::vector<std::string> violations_;
};

}  // namespace quorate::sim
