// ConnectionConfig: where the API server is and who we are to it.
//
// Found as kubectl finds it: an explicit kubeconfig, then $KUBECONFIG, then ~/.kube/config; a pod
// without any of these uses its service account. Certificates and tokens that stand in files are
// named here and read when a connection is made, so that rotated ones are taken up; inline ones are
// kept.
//
// Errors: kNotFound (no configuration anywhere), kInvalidArgument (broken, or asks for what we do
//   not do: exec and auth-provider plugins). Every text ends with what to do.
// Thread: values; loading is for the start of a program.
// Source: client-go tools/clientcmd and rest (behaviour).
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/result.h"

namespace quorate::io {
class Disk;
}  // namespace quorate::io

namespace quorate::kube {

// Text that is either given or read from a file each time it is needed. Both empty: not there.
struct Material {
  std::string inline_text;
  std::string file;

  bool empty() const { return inline_text.empty() && file.empty(); }
};

struct ConnectionConfig {
  std::string server;           // "https://10.96.0.1:443"; a path prefix is kept
  Material ca;                  // PEM; empty: the system's authorities
  Material client_certificate;  // PEM chain
  Material client_key;          // PEM
  Material token;               // bearer token
  std::string username;         // basic authentication, when not empty
  std::string password;
  std::string tls_server_name;  // verified instead of the server's host, when not empty
  bool insecure_skip_tls_verify = false;
  std::string proxy_url;
  std::string ns = "default";  // the context's namespace, or the pod's own
  std::string impersonate;     // "as"; empty: nobody
  bool in_cluster = false;
};

using Environment = std::map<std::string, std::string>;

// The variables of this process that LoadConfig reads: KUBECONFIG, HOME, KUBERNETES_SERVICE_HOST
// and _PORT.
Environment ProcessEnvironment();

// kubeconfig: the --kubeconfig flag, context: the --context flag; empty: not given.
Result<ConnectionConfig> LoadConfig(io::Disk& disk, const Environment& environment,
                                    const std::string& kubeconfig, const std::string& context);

// One kubeconfig's text (YAML or JSON); relative file names are relative to `folder`.
Result<ConnectionConfig> ParseKubeconfig(std::string_view text, std::string_view folder,
                                         const std::string& context);

// The service account of this pod. `root` is /var/run/secrets/kubernetes.io/serviceaccount.
Result<ConnectionConfig> InClusterConfig(io::Disk& disk, const Environment& environment,
                                         const std::string& root);

}  // namespace quorate::kube
