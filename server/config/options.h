// Options: everything a user can set on one member, with etcd's names, defaults and units.
//
// Filled once at start by config/parse.h from flags, ETCD_* variables or a file; checked by
// config/validate.h; read by app, which hands each room its own part. Nothing changes afterwards.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.h"

namespace quorate::config {

struct Options {
  // Member
  std::string name = "default";
  std::string data_dir;                  // empty: <name>.etcd
  std::string wal_dir;                   // empty: <data_dir>/member/wal
  std::uint64_t snapshot_count = 10000;  // applied entries between log snapshots; > 0
  std::uint64_t snapshot_catchup_entries =
      5000;  // entries kept behind a snapshot for slow followers
  std::chrono::milliseconds heartbeat_interval{100};  // > 0
  std::chrono::milliseconds election_timeout{1000};   // >= 5 heartbeats, < 50 s
  std::vector<std::string> listen_peer_urls = {"http://localhost:2380"};
  std::vector<std::string> listen_client_urls = {"http://localhost:2379"};
  std::vector<std::string> listen_metrics_urls;
  std::uint64_t max_wals = 5;            // WAL segments kept behind the last snapshot; 0: all
  std::int64_t quota_backend_bytes = 0;  // 0: 2 GiB; < 0: none
  std::uint64_t max_txn_ops = 128;
  std::uint64_t max_request_bytes = 1572864;
  std::uint32_t max_concurrent_streams = 4294967295U;
  std::chrono::nanoseconds grpc_keepalive_min_time = std::chrono::seconds(5);
  std::chrono::nanoseconds grpc_keepalive_interval = std::chrono::hours(2);
  std::chrono::nanoseconds grpc_keepalive_timeout = std::chrono::seconds(20);

  // Clustering
  std::vector<std::string> initial_advertise_peer_urls = {"http://localhost:2380"};
  std::string initial_cluster;  // empty: <name>=<initial_advertise_peer_urls>
  bool initial_cluster_existing = false;
  std::string initial_cluster_token = "etcd-cluster";
  std::vector<std::string> advertise_client_urls = {"http://localhost:2379"};
  bool strict_reconfig_check = true;
  bool pre_vote = true;
  bool initial_election_tick_advance = true;
  std::uint64_t max_learners = 1;
  bool force_new_cluster = false;

  // Logging and monitoring
  std::string log_level = "info";
  std::string log_format = "json";
  std::vector<std::string> log_outputs = {"default"};

  // Tuning
  std::uint64_t compaction_batch_limit = 1000;
  std::chrono::nanoseconds compaction_sleep_interval = std::chrono::milliseconds(10);
  std::chrono::nanoseconds watch_progress_notify_interval = std::chrono::minutes(10);

  // Automatic compaction; both 0: none. Made of -mode and -retention by Complete().
  std::string auto_compaction_mode = "periodic";  // or revision
  std::string auto_compaction_retention = "0";
  std::chrono::nanoseconds auto_compaction_period{};
  std::int64_t auto_compaction_revisions = 0;

  // Corruption checks; on unless switched off, unlike etcd's
  bool initial_corrupt_check = true;  // gate InitialCorruptCheck
  bool compact_hash_check = true;     // gate CompactHashCheck
  std::chrono::nanoseconds compact_hash_check_time = std::chrono::minutes(1);  // > 0
  std::chrono::nanoseconds corrupt_check_time = std::chrono::hours(1);         // 0: never

  // Quorate's own guards
  std::optional<ClusterId> expected_cluster_id;
  bool forbid_bootstrap = false;
  std::uint64_t disk_reserve_bytes = 64 << 20;  // 0: none

  // How it was asked to start
  bool print_version = false;
  bool print_help = false;

  // Flags that were set by the user, for the checks that depend on it (flag names, without dashes).
  std::vector<std::string> set_flags;
  // What the log shall say once it is open: accepted flags without effect here, unknown ETCD_*
  // variables.
  std::vector<std::string> warnings;

  bool IsSet(std::string_view flag) const;
};

}  // namespace quorate::config
