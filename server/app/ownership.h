// Ownership: whose a data directory is, and who may use it now.
//
// One process at a time; of the cluster that was meant; and not under the name of another member.
//
// Thread: the one that starts the member.
// Source: knowledge/reliability.md point 76.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "app/exit.h"
#include "base/ids.h"
#include "base/result.h"
#include "io/disk.h"
#include "membership/cluster.h"
#include "raft/core.h"

namespace quorate::app {

// Held while a process uses the directory; nullptr: another one does.
Result<std::unique_ptr<io::File>> LockDirectory(io::Disk& disk,
                                                const std::string& member_directory);

// The directory is another cluster's than --quorate-expected-cluster-id says.
std::optional<Ending> OwnerCluster(std::optional<ClusterId> expected, ClusterId cluster,
                                   std::string_view data_dir);

// Another member of this cluster carries our name: the data directory is somebody else's. The store
// may be far behind: what start's log has committed beyond it counts too. A directory that does not
// know its own member yet has not heard who left before, and says nothing.
std::optional<Ending> OwnerOfName(std::string_view name, const membership::Roster& roster,
                                  const raft::Start& start, MemberId self,
                                  std::string_view data_dir);

}  // namespace quorate::app
