// RestoreFlags: etcdutl's flags for the member that a snapshot becomes. Shared by snapshot restore
// and backup restore.
//
// Only .cc files of this room include it (it needs CLI11).
#pragma once

#include <string>

#include "base/bytes.h"
#include "offline/restore.h"

namespace quorate::commands {

template <typename App>
void AddRestoreFlags(App& command, offline::RestoreOptions& options) {
  command.add_option("--data-dir", options.data_directory, "where the member is made (NAME.etcd)");
  command.add_option("--wal-dir", options.wal_directory, "its write-ahead log (DATA/member/wal)");
  command.add_option("--name", options.name, "human-readable name of the member (default)");
  command.add_option(
      "--initial-cluster", options.initial_cluster,
      "all members of the new cluster: name=peerURL,... (default=http://localhost:2380)");
  command.add_option("--initial-cluster-token", options.initial_cluster_token,
                     "sets the new cluster apart from every other (etcd-cluster)");
  command.add_option("--initial-advertise-peer-urls", options.initial_advertise_peer_urls,
                     "this member's peer URLs (http://localhost:2380)");
  command.add_option("--bump-revision", options.bump_revision,
                     "raise the next revision by this, so that caching clients notice");
  command.add_flag("--mark-compacted", options.mark_compacted,
                   "end watches of older revisions; needed with --bump-revision");
}

// "member 8e9e05c52164694d of cluster cdf818194e3a8c32 in DIR, revision 27"
inline std::string Describe(const offline::Restored& restored) {
  std::string text = "member " + ToHex(restored.self.value) + " of cluster " +
                     ToHex(restored.cluster.value) + " in " + restored.data_directory +
                     ", revision " + std::to_string(restored.revision);
  if (restored.revision_bumped > 0) {
    text += " raised to " + std::to_string(restored.revision_bumped);
  }
  return text;
}

}  // namespace quorate::commands
