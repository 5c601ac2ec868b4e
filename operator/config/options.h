// Options: what a quorate-operator process is told at its start.
//
// Flags come first, then QUORATE_OPERATOR_* variables (the flag's name in capitals, dashes as
// underscores), then the defaults here. POD_NAME and POD_NAMESPACE, which the chart sets, name this
// process.
//
// Errors: kInvalidArgument, with the flag and what it takes.
// Thread: values.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"

namespace quorate::config {

struct Options {
  // empty: $KUBECONFIG, ~/.kube/config, or the pod's own account
  std::string kubeconfig;
  std::string context;                  // empty: the kubeconfig's current one
  std::vector<std::string> namespaces;  // empty: all
  bool leader_elect = true;
  std::string leader_elect_namespace;  // empty: the pod's, else the kubeconfig's
  std::string leader_elect_name = "quorate-operator";
  std::chrono::milliseconds leader_elect_lease_duration{15'000};
  std::chrono::milliseconds leader_elect_renew_deadline{10'000};
  std::chrono::milliseconds leader_elect_retry_period{2'000};
  std::string metrics_bind_address = ":8080";       // "0": none
  std::string health_probe_bind_address = ":8081";  // "0": none
  std::string log_level = "info";                   // debug, info, warn, error
  std::string log_format = "json";                  // json, console
  std::string server_image_repository = "quorate.dev/quorate";
  int workers = 4;  // clusters reconciled at the same time, 1..64
  // between two looks at a cluster's members, 1s..5m
  std::chrono::milliseconds poll_period{10'000};
  std::string pod_name;       // POD_NAME; empty: the host's name
  std::string pod_namespace;  // POD_NAMESPACE

  bool show_help = false;
  bool show_version = false;
};

using Environment = std::map<std::string, std::string>;

// arguments: without the program's name. "--flag=value", "--flag value"; a boolean flag alone means
// true.
Result<Options> ParseOptions(const std::vector<std::string>& arguments,
                             const Environment& environment);

// Everything --help prints.
std::string HelpText();

}  // namespace quorate::config
