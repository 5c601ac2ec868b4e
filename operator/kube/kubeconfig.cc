#include <yaml-cpp/yaml.h>

#include <cstdlib>
#include <optional>
#include <utility>
#include <vector>

#include "io/disk.h"
#include "kube/config.h"

namespace quorate::kube {
namespace {

constexpr std::string_view kServiceAccountRoot = "/var/run/secrets/kubernetes.io/serviceaccount";

// One entry of a kubeconfig's lists, with the folder that its file names are relative to.
struct Entry {
  YAML::Node node;
  std::string folder;
};

// Several kubeconfigs as one: of each name the first one counts, as kubectl merges them.
struct Kubeconfig {
  std::string current_context;
  std::map<std::string, Entry> clusters;
  std::map<std::string, Entry> users;
  std::map<std::string, Entry> contexts;
};

Error Bad(std::string message) {
  return Error{Code::kInvalidArgument, std::move(message)};
}

std::string Scalar(const YAML::Node& node, const char* key) {
  if (!node.IsMap()) return {};
  const YAML::Node value = node[key];
  return value && value.IsScalar() ? value.Scalar() : std::string();
}

bool IsTrue(const YAML::Node& node, const char* key) {
  const std::string text = Scalar(node, key);
  return text == "true" || text == "True" || text == "TRUE";
}

void Collect(const YAML::Node& list, const char* inner, std::string_view folder,
             std::map<std::string, Entry>& out) {
  if (!list || !list.IsSequence()) return;
  for (const YAML::Node& item : list) {
    const YAML::Node body = item.IsMap() ? item[inner] : YAML::Node();
    if (body && body.IsMap()) out.emplace(Scalar(item, "name"), Entry{body, std::string(folder)});
  }
}

Status Merge(std::string_view text, std::string_view folder, Kubeconfig& into) {
  try {
    const YAML::Node root = YAML::Load(std::string(text));
    if (!root.IsMap()) return Bad("not a kubeconfig: the document is no mapping");
    if (into.current_context.empty()) into.current_context = Scalar(root, "current-context");
    Collect(root["clusters"], "cluster", folder, into.clusters);
    Collect(root["users"], "user", folder, into.users);
    Collect(root["contexts"], "context", folder, into.contexts);
    return {};
  } catch (const YAML::Exception& e) {
    return Bad(std::string("not a kubeconfig: ") + e.what());
  }
}

std::optional<std::string> DecodeBase64(std::string_view text) {
  std::string out;
  unsigned bits = 0;
  unsigned buffer = 0;
  for (const char c : text) {
    unsigned value = 0;
    if (c >= 'A' && c <= 'Z') {
      value = static_cast<unsigned>(c - 'A');
    } else if (c >= 'a' && c <= 'z') {
      value = static_cast<unsigned>(c - 'a') + 26U;
    } else if (c >= '0' && c <= '9') {
      value = static_cast<unsigned>(c - '0') + 52U;
    } else if (c == '+' || c == '-') {
      value = 62U;
    } else if (c == '/' || c == '_') {
      value = 63U;
    } else if (c == '=' || c == '\n' || c == '\r' || c == ' ') {
      continue;
    } else {
      return std::nullopt;
    }
    buffer = (buffer << 6U) | value;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      out += static_cast<char>((buffer >> bits) & 0xFFU);
    }
  }
  return out;
}

std::string Absolute(std::string_view folder, const std::string& file) {
  if (file.empty() || file.front() == '/' || folder.empty()) return file;
  return io::JoinPath(folder, file);
}

// "<key>-data" (base64, wins) or "<key>" (a file).
Result<Material> ReadMaterial(const Entry& entry, const std::string& key) {
  Material material;
  const std::string data = Scalar(entry.node, (key + "-data").c_str());
  if (!data.empty()) {
    auto decoded = DecodeBase64(data);
    if (!decoded) return Bad(key + "-data is not base64; copy it again from its source");
    material.inline_text = std::move(*decoded);
    return material;
  }
  material.file = Absolute(entry.folder, Scalar(entry.node, key.c_str()));
  return material;
}

Status ReadCluster(const Entry& entry, ConnectionConfig& config) {
  config.server = Scalar(entry.node, "server");
  if (config.server.empty()) return Bad("the cluster names no server; add 'server: https://...'");
  config.ca = TRY(ReadMaterial(entry, "certificate-authority"));
  config.insecure_skip_tls_verify = IsTrue(entry.node, "insecure-skip-tls-verify");
  config.tls_server_name = Scalar(entry.node, "tls-server-name");
  config.proxy_url = Scalar(entry.node, "proxy-url");
  return {};
}

Status ReadUser(const Entry& entry, ConnectionConfig& config) {
  if (entry.node["exec"]) {
    return Bad(
        "the user runs a credential plugin (exec), which this program does not do; use a "
        "token or a client certificate, for example 'kubectl create token'");
  }
  if (entry.node["auth-provider"]) {
    return Bad(
        "the user has an auth-provider, which Kubernetes itself removed; use a token or a "
        "client certificate, for example 'kubectl create token'");
  }
  config.client_certificate = TRY(ReadMaterial(entry, "client-certificate"));
  config.client_key = TRY(ReadMaterial(entry, "client-key"));
  if (config.client_certificate.empty() != config.client_key.empty()) {
    return Bad("a client certificate needs its key and the reverse; name both");
  }
  config.token.inline_text = Scalar(entry.node, "token");
  config.token.file = Absolute(entry.folder, Scalar(entry.node, "tokenFile"));
  config.username = Scalar(entry.node, "username");
  config.password = Scalar(entry.node, "password");
  config.impersonate = Scalar(entry.node, "as");
  return {};
}

std::string NamesOf(const std::map<std::string, Entry>& entries) {
  std::string names;
  for (const auto& [name, entry] : entries) names += (names.empty() ? "" : ", ") + name;
  return names.empty() ? "none" : names;
}

Result<ConnectionConfig> Resolve(const Kubeconfig& all, const std::string& wanted) {
  const std::string context = wanted.empty() ? all.current_context : wanted;
  if (context.empty()) {
    return Bad("no current-context; choose one of: " + NamesOf(all.contexts) +
               " ('kubectl config use-context NAME')");
  }
  const auto at = all.contexts.find(context);
  if (at == all.contexts.end()) {
    return Bad("no context '" + context + "'; there are: " + NamesOf(all.contexts));
  }
  try {
    const std::string cluster = Scalar(at->second.node, "cluster");
    const std::string user = Scalar(at->second.node, "user");
    const auto cluster_at = all.clusters.find(cluster);
    if (cluster_at == all.clusters.end()) {
      return Bad("context '" + context + "' names cluster '" + cluster + "', which is not there");
    }
    ConnectionConfig config;
    if (auto status = ReadCluster(cluster_at->second, config); !status.ok()) {
      return Annotate(std::move(status).error(), "cluster '" + cluster + "'");
    }
    if (const auto user_at = all.users.find(user); user_at != all.users.end()) {
      if (auto status = ReadUser(user_at->second, config); !status.ok()) {
        return Annotate(std::move(status).error(), "user '" + user + "'");
      }
    } else if (!user.empty()) {
      return Bad("context '" + context + "' names user '" + user + "', which is not there");
    }
    const std::string ns = Scalar(at->second.node, "namespace");
    if (!ns.empty()) config.ns = ns;
    return config;
  } catch (const YAML::Exception& e) {
    return Bad(std::string("not a kubeconfig: ") + e.what());
  }
}

// A file that is not there is skipped unless `required`. True when it was read.
Result<bool> MergeFile(io::Disk& disk, const std::string& path, bool required, Kubeconfig& into) {
  auto text = io::ReadFile(disk, path);
  if (!text.ok() && text.error().code == Code::kNotFound && !required) return false;
  if (!text.ok()) return Annotate(std::move(text).error(), "kubeconfig");
  if (auto status = Merge(*text, io::ParentOf(path), into); !status.ok()) {
    return Annotate(std::move(status).error(), path);
  }
  return true;
}

std::string Lookup(const Environment& environment, const std::string& name) {
  const auto it = environment.find(name);
  return it == environment.end() ? std::string() : it->second;
}

}  // namespace

Environment ProcessEnvironment() {
  Environment environment;
  for (const char* name :
       {"KUBECONFIG", "HOME", "KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT"}) {
    if (const char* value = std::getenv(name); value != nullptr) environment[name] = value;
  }
  return environment;
}

Result<ConnectionConfig> LoadConfig(io::Disk& disk, const Environment& environment,
                                    const std::string& kubeconfig, const std::string& context) {
  Kubeconfig all;
  if (!kubeconfig.empty()) {
    TRY(MergeFile(disk, kubeconfig, /*required=*/true, all));
    return Resolve(all, context);
  }
  bool found = false;
  std::string list = Lookup(environment, "KUBECONFIG");
  const std::string home = Lookup(environment, "HOME");
  const bool in_pod = !Lookup(environment, "KUBERNETES_SERVICE_HOST").empty();
  if (list.empty() && !home.empty() && !in_pod) list = home + "/.kube/config";
  while (!list.empty()) {
    const std::size_t end = std::min(list.find(':'), list.size());
    const std::string path = list.substr(0, end);
    list.erase(0, end + 1);
    if (!path.empty()) found |= TRY(MergeFile(disk, path, /*required=*/false, all));
  }
  if (found) return Resolve(all, context);
  if (in_pod) return InClusterConfig(disk, environment, std::string(kServiceAccountRoot));
  return Error{Code::kNotFound,
               "no way to an API server: no --kubeconfig, no $KUBECONFIG, no ~/.kube/config and "
               "no service account of a pod; give --kubeconfig=FILE"};
}

Result<ConnectionConfig> ParseKubeconfig(std::string_view text, std::string_view folder,
                                         const std::string& context) {
  Kubeconfig all;
  TRY(Merge(text, folder, all));
  return Resolve(all, context);
}

Result<ConnectionConfig> InClusterConfig(io::Disk& disk, const Environment& environment,
                                         const std::string& root) {
  const std::string host = Lookup(environment, "KUBERNETES_SERVICE_HOST");
  const std::string port = Lookup(environment, "KUBERNETES_SERVICE_PORT");
  if (host.empty() || port.empty()) {
    return Error{Code::kNotFound,
                 "not in a pod: KUBERNETES_SERVICE_HOST and _PORT are not set; give --kubeconfig"};
  }
  ConnectionConfig config;
  config.in_cluster = true;
  const bool ipv6 = host.find(':') != std::string::npos;
  config.server = "https://" + (ipv6 ? "[" + host + "]" : host) + ":" + port;
  config.ca.file = io::JoinPath(root, "ca.crt");
  config.token.file = io::JoinPath(root, "token");
  if (auto token = io::ReadFile(disk, config.token.file); !token.ok()) {
    return Annotate(std::move(token).error(),
                    "the pod has no service account token (automountServiceAccountToken?)");
  }
  auto ns = io::ReadFile(disk, io::JoinPath(root, "namespace"));
  if (ns.ok() && !ns->empty()) config.ns = *ns;
  return config;
}

}  // namespace quorate::kube
