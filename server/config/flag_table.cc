#include "config/flag_table.h"

#include <array>
#include <string>

#include "base/bytes.h"
#include "base/log.h"
#include "config/flag_values.h"

namespace quorate::config {
namespace {

using Set = Status (*)(Options&, std::string_view);

template <auto Member>
Status SetText(Options& options, std::string_view value) {
  options.*Member = std::string(value);
  return {};
}
template <auto Member>
Status SetList(Options& options, std::string_view value) {
  options.*Member = value.empty() ? std::vector<std::string>() : SplitCommas(value);
  return {};
}
template <auto Member>
Status SetBool(Options& options, std::string_view value) {
  options.*Member = TRY(ParseBool(value));
  return {};
}
template <auto Member>
Status SetUnsigned(Options& options, std::string_view value) {
  options.*Member = TRY(ParseUnsigned(value));
  return {};
}
template <auto Member>
Status SetDuration(Options& options, std::string_view value) {
  options.*Member = TRY(ParseDuration(value));
  return {};
}
template <auto Member>
Status SetPositiveDuration(Options& options, std::string_view value) {
  options.*Member = TRY(ParseDuration(value));
  if ((options.*Member).count() <= 0) {
    return Error{Code::kInvalidArgument, "expected a duration above zero"};
  }
  return {};
}
// heartbeat-interval and election-timeout are bare numbers of milliseconds in etcd.
template <auto Member>
Status SetMilliseconds(Options& options, std::string_view value) {
  const std::uint64_t number = TRY(ParseUnsigned(value));
  if (number > 1'000'000)
    return Error{Code::kInvalidArgument, "expected milliseconds, up to 1000000"};
  options.*Member = std::chrono::milliseconds(number);
  return {};
}

Status SetQuota(Options& options, std::string_view value) {
  options.quota_backend_bytes = TRY(ParseSigned(value));
  return {};
}
Status SetStreams(Options& options, std::string_view value) {
  const std::uint64_t number = TRY(ParseUnsigned(value));
  if (number == 0 || number > 4294967295U) {
    return Error{Code::kInvalidArgument, "expected 1 to 4294967295"};
  }
  options.max_concurrent_streams = static_cast<std::uint32_t>(number);
  return {};
}
Status SetClusterState(Options& options, std::string_view value) {
  if (value != "new" && value != "existing") {
    return Error{Code::kInvalidArgument,
                 "unexpected clusterState \"" + std::string(value) + "\"; use new or existing"};
  }
  options.initial_cluster_existing = value == "existing";
  return {};
}
Status SetLogLevel(Options& options, std::string_view value) {
  log::Level level{};
  if (!log::ParseLevel(value, &level)) {
    return Error{Code::kInvalidArgument, "expected debug, info, warn, error, panic or fatal"};
  }
  options.log_level = std::string(value);
  return {};
}
Status SetLogFormat(Options& options, std::string_view value) {
  if (value != "json" && value != "console") {
    return Error{Code::kInvalidArgument, "expected json or console"};
  }
  options.log_format = std::string(value);
  return {};
}
Status SetLogger(Options& /*options*/, std::string_view value) {
  if (value != "zap") return Error{Code::kInvalidArgument, "expected zap"};
  return {};
}
Status SetClusterId(Options& options, std::string_view value) {
  const auto id = ParseHex(value);
  if (!id || *id == 0) {
    return Error{Code::kInvalidArgument, "expected a cluster id of 1 to 16 hex digits, not zero"};
  }
  options.expected_cluster_id = ClusterId{*id};
  return {};
}

// Gates of etcd 3.6. Those that would change nothing here are accepted; what is not built is not.
struct Gate {
  std::string_view name;
  bool Options::*target;  // nullptr: fixed
  bool fixed = false;     // the only value accepted, unless both are
  bool any = false;       // both values are accepted and change nothing
};
constexpr Gate kGates[] = {
    {"InitialCorruptCheck", &Options::initial_corrupt_check},
    {"CompactHashCheck", &Options::compact_hash_check},
    {"TxnModeWriteWithSharedBuffer", nullptr, false, true},  // of bbolt's buffers
    {"StopGRPCServiceOnDefrag", nullptr, false, true},       // defragmenting stops nothing
    {"LeaseCheckpoint", nullptr},
    {"LeaseCheckpointPersist", nullptr},
    {"SetMemberLocalAddr", nullptr},
    {"AllAlpha", nullptr},
    {"AllBeta", nullptr, false, true},
};
Status SetGate(Options& options, std::string_view name, bool on) {
  for (const Gate& gate : kGates) {
    if (gate.name != name) continue;
    if (gate.target != nullptr) {
      options.*gate.target = on;
    } else if (!gate.any && on != gate.fixed) {
      return Error{Code::kInvalidArgument,
                   "the gate " + std::string(name) + " is not supported yet; leave it out"};
    }
    return {};
  }
  return Error{Code::kInvalidArgument, "unrecognized feature gate: " + std::string(name)};
}
Status SetFeatureGates(Options& options, std::string_view value) {
  if (value.empty()) return {};
  for (const std::string& item : SplitCommas(value)) {
    const std::size_t equals = item.find('=');
    if (equals == std::string::npos) {
      return Error{Code::kInvalidArgument, "missing bool value for " + item};
    }
    const bool on = TRY(ParseBool(std::string_view(item).substr(equals + 1)));
    TRY(SetGate(options, std::string_view(item).substr(0, equals), on));
  }
  return {};
}

constexpr bool kBool = true;
constexpr bool kValue = false;

constexpr Flag Works(std::string_view name, std::string_view section, std::string_view default_text,
                     std::string_view help, Set set, bool is_bool = kValue) {
  return {name, section, default_text, help, is_bool, FlagKind::kWorks, set};
}
constexpr Flag NoEffect(std::string_view name, std::string_view default_text, std::string_view help,
                        bool is_bool = kValue) {
  return {name,    "Accepted without effect", default_text, help,
          is_bool, FlagKind::kNoEffect,       nullptr};
}
constexpr Flag Later(std::string_view name, std::string_view default_text, std::string_view topic,
                     bool is_bool = kValue) {
  return {name, "Not yet supported", default_text, topic, is_bool, FlagKind::kLater, nullptr};
}

using O = Options;

constexpr std::string_view kMember = "Member";
constexpr std::string_view kCluster = "Clustering";
constexpr std::string_view kLogs = "Logging and monitoring";
constexpr std::string_view kTuning = "Tuning";
constexpr std::string_view kGuards = "Quorate's guards";
constexpr std::string_view kTls = "TLS";
constexpr std::string_view kAuth = "authentication";
constexpr std::string_view kDiscovery = "discovery";

const auto kFlags = std::to_array<Flag>({
    Works("name", kMember, "default", "human-readable name of this member", SetText<&O::name>),
    Works("data-dir", kMember, "<name>.etcd", "folder for everything this member stores",
          SetText<&O::data_dir>),
    Works("wal-dir", kMember, "<data-dir>/member/wal", "folder for the write-ahead log alone",
          SetText<&O::wal_dir>),
    Works("snapshot-count", kMember, "10000", "applied entries between two log snapshots",
          SetUnsigned<&O::snapshot_count>),
    Works("snapshot-catchup-entries", kMember, "5000",
          "log entries kept behind a snapshot for slow followers",
          SetUnsigned<&O::snapshot_catchup_entries>),
    Works("heartbeat-interval", kMember, "100", "milliseconds between heartbeats",
          SetMilliseconds<&O::heartbeat_interval>),
    Works("election-timeout", kMember, "1000",
          "milliseconds without a leader before an election; at least 5 heartbeats",
          SetMilliseconds<&O::election_timeout>),
    Works("listen-peer-urls", kMember, "http://localhost:2380", "where to listen for peers",
          SetList<&O::listen_peer_urls>),
    Works("listen-client-urls", kMember, "http://localhost:2379", "where to listen for clients",
          SetList<&O::listen_client_urls>),
    Works("max-wals", kMember, "5", "log segments kept behind the last snapshot; 0 keeps all",
          SetUnsigned<&O::max_wals>),
    Works("quota-backend-bytes", kMember, "0",
          "size at which writes stop with an alarm; 0 is 2 GiB, negative is no limit", SetQuota),
    Works("max-txn-ops", kMember, "128", "operations in one transaction",
          SetUnsigned<&O::max_txn_ops>),
    Works("max-request-bytes", kMember, "1572864", "size of one request",
          SetUnsigned<&O::max_request_bytes>),
    Works("max-concurrent-streams", kMember, "4294967295", "streams open on one connection",
          SetStreams),
    Works("grpc-keepalive-min-time", kMember, "5s", "clients that ping more often are sent away",
          SetDuration<&O::grpc_keepalive_min_time>),
    Works("grpc-keepalive-interval", kMember, "2h", "how often to ping an idle client",
          SetDuration<&O::grpc_keepalive_interval>),
    Works("grpc-keepalive-timeout", kMember, "20s", "how long to wait for its answer",
          SetDuration<&O::grpc_keepalive_timeout>),

    Works("initial-advertise-peer-urls", kCluster, "http://localhost:2380",
          "this member's peer URLs as others reach them", SetList<&O::initial_advertise_peer_urls>),
    Works("initial-cluster", kCluster, "<name>=<initial-advertise-peer-urls>",
          "the first members: name=peer-url,...", SetText<&O::initial_cluster>),
    Works("initial-cluster-state", kCluster, "new",
          "new: form a cluster; existing: join one that runs", SetClusterState),
    Works("initial-cluster-token", kCluster, "etcd-cluster",
          "makes the ids of two clusters with the same URLs differ",
          SetText<&O::initial_cluster_token>),
    Works("advertise-client-urls", kCluster, "http://localhost:2379",
          "this member's client URLs as clients reach them", SetList<&O::advertise_client_urls>),
    Works("strict-reconfig-check", kCluster, "true",
          "refuse membership changes that would lose the quorum",
          SetBool<&O::strict_reconfig_check>, kBool),
    Works("pre-vote", kCluster, "true", "ask before an election, so that none is forced in vain",
          SetBool<&O::pre_vote>, kBool),
    Works("initial-election-tick-advance", kCluster, "true",
          "hold the first election of a started member as soon as a majority is connected",
          SetBool<&O::initial_election_tick_advance>, kBool),
    Works("max-learners", kCluster, "1", "learners a cluster may have",
          SetUnsigned<&O::max_learners>),
    Works("force-new-cluster", kCluster, "false",
          "make a one-member cluster of this data; for disasters, drop the flag afterwards",
          SetBool<&O::force_new_cluster>, kBool),

    Works("listen-metrics-urls", kLogs, "", "where /metrics, /health, /livez and /readyz stand too",
          SetList<&O::listen_metrics_urls>),
    Works("log-level", kLogs, "info", "debug, info, warn, error, panic or fatal", SetLogLevel),
    Works("log-format", kLogs, "json", "json or console", SetLogFormat),
    Works("log-outputs", kLogs, "default", "stderr, stdout or files, comma separated",
          SetList<&O::log_outputs>),
    Works("logger", kLogs, "zap", "zap is the only value", SetLogger),

    Works("compaction-batch-limit", kTuning, "1000", "revisions looked at in one compaction slice",
          SetUnsigned<&O::compaction_batch_limit>),
    Works("compaction-sleep-interval", kTuning, "10ms", "pause between two slices",
          SetDuration<&O::compaction_sleep_interval>),
    Works("auto-compaction-mode", kTuning, "periodic",
          "periodic: by time; revision: by the number of revisions",
          SetText<&O::auto_compaction_mode>),
    Works("auto-compaction-retention", kTuning, "0",
          "what compaction leaves: 5m, hours without a unit, or revisions; 0: no compaction",
          SetText<&O::auto_compaction_retention>),
    Works("watch-progress-notify-interval", kTuning, "10m",
          "how often an idle watch hears the revision",
          SetDuration<&O::watch_progress_notify_interval>),

    Works("feature-gates", kTuning, "CompactHashCheck=true,InitialCorruptCheck=true",
          "switches of etcd: Gate=true|false,...", SetFeatureGates),
    Works("initial-corrupt-check", kTuning, "true",
          "compare HashKV with the other members once after the start",
          SetBool<&O::initial_corrupt_check>, kBool),
    Works("corrupt-check-time", kTuning, "1h0m0s",
          "how often the leader compares HashKV of all members; 0s never",
          SetDuration<&O::corrupt_check_time>),
    Works("compact-hash-check-enabled", kTuning, "true",
          "the leader compares the hashes that members keep from their compactions",
          SetBool<&O::compact_hash_check>, kBool),
    Works("compact-hash-check-time", kTuning, "1m0s", "how often it does so",
          SetPositiveDuration<&O::compact_hash_check_time>),

    Works("quorate-expected-cluster-id", kGuards, "",
          "refuse to start with another cluster's data or peers (hex)", SetClusterId),
    Works("quorate-forbid-bootstrap", kGuards, "false",
          "never form a new cluster, whatever initial-cluster-state says",
          SetBool<&O::forbid_bootstrap>, kBool),
    Works("quorate-disk-reserve-bytes", kGuards, "67108864",
          "refuse writes when less than this is free, and keep as much in a file; 0: no",
          SetUnsigned<&O::disk_reserve_bytes>),

    Works("version", "Other", "false", "print the version and exit", SetBool<&O::print_version>,
          kBool),
    Works("help", "Other", "false", "print this text and exit", SetBool<&O::print_help>, kBool),

    NoEffect("max-snapshots", "5", "no snapshot files are kept here"),
    NoEffect("backend-bbolt-freelist-type", "map", "the store is not bbolt"),
    NoEffect("backend-batch-interval", "0s", "the store commits with each applied batch"),
    NoEffect("backend-batch-limit", "0", "the store commits with each applied batch"),
    NoEffect("bootstrap-defrag-threshold-megabytes", "0", "the store needs no defragmentation"),
    NoEffect("raft-read-timeout", "5s", "peer streams use 5 s"),
    NoEffect("raft-write-timeout", "5s", "peer streams use 5 s"),
    NoEffect("warning-unary-request-duration", "300ms", "slow requests are not logged yet"),
    NoEffect("warning-apply-duration", "100ms", "slow entries are not logged yet"),
    NoEffect("unsafe-no-fsync", "false", "the log is always synced", kBool),
    NoEffect("v2-deprecation", "write-only", "there is no v2 store"),
    NoEffect("enable-pprof", "false", "there is no Go profile to serve", kBool),

    Later("cert-file", "", kTls),
    Later("key-file", "", kTls),
    Later("client-cert-file", "", kTls),
    Later("client-key-file", "", kTls),
    Later("client-cert-auth", "false", kTls, kBool),
    Later("trusted-ca-file", "", kTls),
    Later("client-crl-file", "", kTls),
    Later("client-cert-allowed-hostname", "", kTls),
    Later("auto-tls", "false", kTls, kBool),
    Later("peer-cert-file", "", kTls),
    Later("peer-key-file", "", kTls),
    Later("peer-client-cert-file", "", kTls),
    Later("peer-client-key-file", "", kTls),
    Later("peer-client-cert-auth", "false", kTls, kBool),
    Later("peer-trusted-ca-file", "", kTls),
    Later("peer-crl-file", "", kTls),
    Later("peer-auto-tls", "false", kTls, kBool),
    Later("peer-cert-allowed-cn", "", kTls),
    Later("peer-cert-allowed-hostname", "", kTls),
    Later("peer-skip-client-san-verification", "false", kTls, kBool),
    Later("self-signed-cert-validity", "1", kTls),
    Later("cipher-suites", "", kTls),
    Later("tls-min-version", "TLS1.2", kTls),
    Later("tls-max-version", "", kTls),
    Later("auth-token", "simple", kAuth),
    Later("bcrypt-cost", "10", kAuth),
    Later("auth-token-ttl", "300", kAuth),
    Later("enable-grpc-gateway", "false", "the JSON gateway", kBool),
    Later("cors", "*", "the JSON gateway"),
    Later("host-whitelist", "*", "the JSON gateway"),
    Later("discovery", "", kDiscovery),
    Later("discovery-proxy", "", kDiscovery),
    Later("discovery-token", "", kDiscovery),
    Later("discovery-endpoints", "", kDiscovery),
    Later("discovery-dial-timeout", "2s", kDiscovery),
    Later("discovery-request-timeout", "5s", kDiscovery),
    Later("discovery-keepalive-time", "2s", kDiscovery),
    Later("discovery-keepalive-timeout", "6s", kDiscovery),
    Later("discovery-insecure-transport", "true", kDiscovery, kBool),
    Later("discovery-insecure-skip-tls-verify", "false", kDiscovery, kBool),
    Later("discovery-cert", "", kDiscovery),
    Later("discovery-key", "", kDiscovery),
    Later("discovery-cacert", "", kDiscovery),
    Later("discovery-user", "", kDiscovery),
    Later("discovery-password", "", kDiscovery),
    Later("discovery-fallback", "exit", kDiscovery),
    Later("discovery-srv", "", kDiscovery),
    Later("discovery-srv-name", "", kDiscovery),
    Later("listen-client-http-urls", "", "a separate HTTP listener"),
    Later("socket-reuse-port", "false", "socket options", kBool),
    Later("socket-reuse-address", "false", "socket options", kBool),
    Later("memory-mlock", "false", "locking memory", kBool),
    Later("enable-lease-checkpoint", "false", "lease checkpoints", kBool),
    Later("enable-lease-checkpoint-persist", "false", "lease checkpoints", kBool),
    Later("downgrade-check-time", "5s", "downgrades"),
    Later("metrics", "basic", "extensive metrics"),
    Later("enable-log-rotation", "false", "log rotation", kBool),
    Later("log-rotation-config-json", "", "log rotation"),
    Later("enable-distributed-tracing", "false", "tracing", kBool),
    Later("distributed-tracing-address", "localhost:4317", "tracing"),
    Later("distributed-tracing-service-name", "etcd", "tracing"),
    Later("distributed-tracing-instance-id", "", "tracing"),
    Later("distributed-tracing-sampling-rate", "0", "tracing"),
});

}  // namespace

std::span<const Flag> Flags() {
  return kFlags;
}

const Flag* FindFlag(std::string_view name) {
  constexpr std::string_view kExperimental = "experimental-";
  for (const Flag& flag : kFlags) {
    if (flag.name == name) return &flag;
  }
  if (name.starts_with(kExperimental)) return FindFlag(name.substr(kExperimental.size()));
  return nullptr;
}

Status SetFlag(Options& options, const Flag& flag, std::string_view value) {
  const std::string name(flag.name);
  if (flag.kind == FlagKind::kLater) {
    if (value == flag.default_text || (flag.is_bool && value == "false")) return {};
    return Error{Code::kUnimplemented, "--" + name + "=" + std::string(value) + ": " +
                                           std::string(flag.help) +
                                           " is not supported yet; remove the flag"};
  }
  options.set_flags.push_back(name);
  if (flag.kind == FlagKind::kNoEffect) {
    options.warnings.push_back("--" + name + " has no effect: " + std::string(flag.help));
    return {};
  }
  if (const Status status = flag.set(options, value); !status.ok()) {
    return Error{Code::kInvalidArgument, "invalid value \"" + std::string(value) + "\" for flag -" +
                                             name + ": " + status.error().message};
  }
  return {};
}

bool Options::IsSet(std::string_view flag) const {
  for (const std::string& set : set_flags) {
    if (set == flag) return true;
  }
  return false;
}

}  // namespace quorate::config
