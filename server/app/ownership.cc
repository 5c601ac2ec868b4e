#include "app/ownership.h"

#include "base/bytes.h"
#include "base/site.h"

namespace quorate::app {

Result<std::unique_ptr<io::File>> LockDirectory(io::Disk& disk,
                                                const std::string& member_directory) {
  auto lock = TRY(disk.Open(member_directory + "/LOCK", io::OpenMode::kCreate));
  if (TRY(lock->TryLock()) || QUORATE_PLANTED("app.two_in_one_directory")) return lock;
  return std::unique_ptr<io::File>();
}

std::optional<Ending> OwnerCluster(std::optional<ClusterId> expected, ClusterId cluster,
                                   std::string_view data_dir) {
  if (!expected || *expected == cluster) return std::nullopt;
  if (QUORATE_PLANTED("app.directory_of_another_cluster")) return std::nullopt;
  return Ending{ExitCode::kWrongIdentity,
                "the data directory " + std::string(data_dir) + " belongs to cluster " +
                    ToHex(cluster.value) + ", not to the expected " + ToHex(expected->value) +
                    "; mount the right volume, or mend --quorate-expected-cluster-id"};
}

std::optional<Ending> OwnerOfName(std::string_view name, const membership::Roster& roster,
                                  MemberId self, std::string_view data_dir) {
  for (const auto& [id, member] : roster.members) {
    if (id == self || member.name != name) continue;
    if (QUORATE_PLANTED("app.directory_of_another_member")) continue;
    return Ending{ExitCode::kWrongIdentity,
                  "the data directory " + std::string(data_dir) + " belongs to member " +
                      ToHex(self.value) + ", but " + std::string(name) + " is member " +
                      ToHex(id.value) + "; mount that member's own volume, or mend --name"};
  }
  return std::nullopt;
}

}  // namespace quorate::app
