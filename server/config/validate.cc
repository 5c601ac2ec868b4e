#include "config/validate.h"

#include <algorithm>
#include <cstdint>

#include "config/flag_values.h"

namespace quorate::config {
namespace {

Error Bad(std::string text) {
  return Error{Code::kInvalidArgument, std::move(text)};
}

std::string Join(const std::vector<std::string>& parts) {
  std::string out;
  for (const std::string& part : parts) out += (out.empty() ? "" : ",") + part;
  return out;
}

Status CheckTimes(const Options& options) {
  const auto heartbeat = options.heartbeat_interval.count();
  const auto election = options.election_timeout.count();
  if (heartbeat == 0) return Bad("--heartbeat-interval must be >0 (set to 0ms)");
  if (election == 0) return Bad("--election-timeout must be >0 (set to 0ms)");
  if (5 * heartbeat > election) {
    return Bad("--election-timeout[" + std::to_string(election) +
               "ms] should be at least as 5 times as --heartbeat-interval[" +
               std::to_string(heartbeat) + "ms]");
  }
  if (election > 50000) {
    return Bad("--election-timeout[" + std::to_string(election) +
               "ms] is too long, and should be set less than 50000ms");
  }
  if (options.watch_progress_notify_interval < std::chrono::milliseconds(100)) {
    return Bad("--watch-progress-notify-interval must be at least 100ms");
  }
  return {};
}

// The host of scheme://host:port, without brackets.
std::string_view HostOf(std::string_view url) {
  const std::size_t scheme = url.find("://");
  if (scheme != std::string_view::npos) url.remove_prefix(scheme + 3);
  url = url.substr(0, url.rfind(':'));
  if (url.starts_with("[") && url.ends_with("]")) url = url.substr(1, url.size() - 2);
  return url;
}

bool IsAddress(std::string_view host) {
  if (host == "localhost" || host.empty()) return true;
  if (host.find(':') != std::string_view::npos) return true;  // IPv6
  return host.find_first_not_of("0123456789.") == std::string_view::npos;
}

Status CheckListeners(const std::vector<std::string>& urls, const char* flag) {
  for (const std::string& url : urls) {
    if (url.starts_with("https://") || url.starts_with("unixs://")) {
      return Bad(std::string("--") + flag + "=" + url +
                 ": TLS is not supported yet; use an http URL");
    }
    if (url.starts_with("unix://")) continue;
    if (!url.starts_with("http://")) {
      return Bad(std::string("--") + flag +
                 ": URL scheme must be http, https, unix, or unixs: " + url);
    }
    if (!IsAddress(HostOf(url))) {
      return Bad(std::string("--") + flag + ": expected IP in URL for binding (" + url + ")");
    }
  }
  return {};
}

Status CheckCounts(const Options& options) {
  if (options.snapshot_count == 0) return Bad("--snapshot-count must be >0");
  if (options.max_txn_ops == 0) return Bad("--max-txn-ops must be >0");
  if (options.max_request_bytes == 0) return Bad("--max-request-bytes must be >0");
  if (options.max_request_bytes > (std::uint64_t{1} << 30U)) {
    return Bad("--max-request-bytes must be at most 1073741824");
  }
  if (options.compaction_batch_limit == 0) return Bad("--compaction-batch-limit must be >0");
  if (options.name.empty()) return Bad("--name must not be empty");
  return {};
}

// A bare number is hours in the mode periodic, and revisions in the mode revision.
Status CompleteAutoCompaction(Options& options) {
  const std::string& retention = options.auto_compaction_retention;
  const Result<std::uint64_t> number = ParseUnsigned(retention);
  if (options.auto_compaction_mode == "revision") {
    if (!number.ok() || *number > static_cast<std::uint64_t>(INT64_MAX)) {
      return Bad("--auto-compaction-retention=" + retention + ": expected a number of revisions");
    }
    options.auto_compaction_revisions = static_cast<std::int64_t>(*number);
    return {};
  }
  if (options.auto_compaction_mode != "periodic") {
    return Bad("--auto-compaction-mode=" + options.auto_compaction_mode +
               ": expected periodic or revision");
  }
  if (number.ok()) {
    constexpr std::uint64_t kHoursMax = 2'000'000;
    if (*number > kHoursMax)
      return Bad("--auto-compaction-retention=" + retention + " is too long");
    options.auto_compaction_period = std::chrono::hours(*number);
    return {};
  }
  const auto period = ParseDuration(retention);
  if (!period.ok()) {
    return Bad("--auto-compaction-retention=" + retention + ": " + period.error().message);
  }
  options.auto_compaction_period = *period;
  return {};
}

}  // namespace

Status Complete(Options& options) {
  TRY(CheckTimes(options));
  TRY(CheckCounts(options));
  TRY(CompleteAutoCompaction(options));
  if (options.listen_peer_urls.empty()) return Bad("--listen-peer-urls must not be empty");
  if (options.listen_client_urls.empty()) return Bad("--listen-client-urls must not be empty");
  TRY(CheckListeners(options.listen_peer_urls, "listen-peer-urls"));
  TRY(CheckListeners(options.listen_client_urls, "listen-client-urls"));
  TRY(CheckListeners(options.listen_metrics_urls, "listen-metrics-urls"));
  if (options.IsSet("listen-client-urls") && !options.IsSet("advertise-client-urls")) {
    return Bad("--advertise-client-urls is required when --listen-client-urls is set explicitly");
  }
  if (options.quota_backend_bytes > (std::int64_t{8} << 30U)) {
    options.warnings.push_back("quota exceeds the recommended maximum of 8 GiB");
  }
  std::sort(options.initial_advertise_peer_urls.begin(), options.initial_advertise_peer_urls.end());
  if (options.data_dir.empty()) options.data_dir = options.name + ".etcd";
  if (options.wal_dir.empty()) options.wal_dir = options.data_dir + "/member/wal";
  if (options.initial_cluster.empty()) {
    for (const std::string& url : options.initial_advertise_peer_urls) {
      options.initial_cluster +=
          (options.initial_cluster.empty() ? "" : ",") + options.name + "=" + url;
    }
  }
  if (options.initial_cluster.empty()) {
    return Bad("initial cluster unset and no discovery URL found; set --initial-cluster to " +
               options.name + "=" + Join(options.initial_advertise_peer_urls));
  }
  return {};
}

}  // namespace quorate::config
