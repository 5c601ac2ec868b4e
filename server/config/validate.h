// Validate: the checks across flags, and the defaults that depend on others. Texts are etcd's where
// it has one.
#pragma once

#include "base/result.h"
#include "config/options.h"

namespace quorate::config {

// Fills data_dir, wal_dir and initial_cluster when they are empty, and sorts the URL lists.
// Returns the first thing that must be mended.
Status Complete(Options& options);

}  // namespace quorate::config
