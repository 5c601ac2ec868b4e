// Parse: from a command line and an environment to Options, by etcd's rules.
//
// One or two dashes, `=` or a space; a boolean may stand alone and needs `=` to be false.
// ETCD_DATA_DIR is --data-dir; a flag given both ways is an error, an unknown ETCD_ variable only a
// warning (Kubernetes sets such for its service links). --config-file replaces every other flag and
// variable.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "config/options.h"

namespace quorate::config {

// How a refused start ends: etcd exits 2 for a command line it cannot read and 1 for what it reads
// but refuses.
struct ParseError {
  int exit_code = 1;
  std::string message;
};

struct ParseOutcome {
  Options options;
  std::vector<ParseError> errors;  // empty: the options may be validated and used
  std::string config_file;         // when --config-file or ETCD_CONFIG_FILE was given
};

// arguments without the program's name; environment as NAME -> value (all of it; others are
// skipped).
ParseOutcome ParseCommandLine(const std::vector<std::string>& arguments,
                              const std::map<std::string, std::string>& environment);

}  // namespace quorate::config
