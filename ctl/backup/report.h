// Report: how a backup command ended, as one line of JSON for the program that started it.
//
//   {"ok":true,"location":"ns/db/uid/20261121T084300Z-42","revision":42,...}
//   {"ok":false,"reason":"StoreUnreachable","message":"..."}
//
// Stage: who was being asked when something failed. Together with the error's code it makes the
// reason, a word that programs and people can act on.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "backup/manifest.h"
#include "base/result.h"

namespace quorate::backup {

enum class Stage {
  kArguments,  // the command line
  kCluster,    // a member
  kStore,      // the object store
  kBackup,     // what the store holds
  kDisk,       // files here
};

// "StoreUnreachable", "AccessDenied", "BackupDamaged", ...
std::string ReasonOf(Stage stage, Code code);

// "" for a success without a manifest.
std::string SuccessReport(const std::string& location, const Manifest& manifest,
                          const std::vector<std::pair<std::string, std::string>>& more = {});
std::string FailureReport(Stage stage, const Error& error);

}  // namespace quorate::backup
