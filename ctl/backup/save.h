// Save: streams one member's snapshot into a store.
//
// Bytes go member -> zstd -> store without touching a disk. The manifest is written last, so a
// backup is there with all of it or not at all; what a failed run had sent is given up.
//
// Thread: one.
#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "backup/manifest.h"
#include "backup/report.h"
#include "base/result.h"
#include "etcdclient/client.h"
#include "objectstore/object_store.h"

namespace quorate::backup {

// Called as bytes pass. total 0: not known.
using Watcher = std::function<void(std::uint64_t done, std::uint64_t total)>;

struct SaveOptions {
  // Whose backups they are: <namespace>/<name>/<uid>. Without a uid the cluster's id stands for it.
  std::string name_space{};
  std::string cluster_name{};
  std::string cluster_uid{};
  bool from_leader = false;  // else from a follower, if one answers
  std::string tool{};        // for the manifest
};

struct Saved {
  std::string location;  // the backup's folder below the store
  Manifest manifest;
};

// `now` names the backup. `stage` says at a failure what failed.
Result<Saved> Save(etcdclient::Client& client, objectstore::ObjectStore& store,
                   const SaveOptions& options, std::chrono::system_clock::time_point now,
                   const Watcher& watcher, Stage& stage);

// The member to read from: a healthy follower with the highest applied index, else the leader, else
// any that answers.
struct Source {
  std::string endpoint;
  std::string name;
  etcdserverpb::StatusResponse status;
};
Result<Source> ChooseSource(etcdclient::Client& client, bool from_leader);

// "20261121T084300Z".
std::string CompactTime(std::chrono::system_clock::time_point time);
// "2026-11-21T08:43:00Z".
std::string IsoTime(std::chrono::system_clock::time_point time);

}  // namespace quorate::backup
