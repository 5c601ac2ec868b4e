// ConfigFile: --config-file, etcd's YAML (or JSON) with the flags' names as keys.
//
// Durations without a unit are nanoseconds, as etcd reads them. Unlike etcd, an unknown key is an
// error: a mistyped key that silently does nothing has cost people their data.
#pragma once

#include <string>

#include "base/result.h"
#include "config/options.h"

namespace quorate::config {

Result<Options> ParseConfigFile(const std::string& text);

}  // namespace quorate::config
