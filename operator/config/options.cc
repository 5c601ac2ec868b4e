#include "config/options.h"

#include <algorithm>
#include <charconv>
#include <functional>
#include <optional>
#include <utility>

namespace quorate::config {
namespace {

struct Flag {
  std::string name;
  std::string takes;  // what the value is, for --help; empty: a boolean
  std::string help;
  std::function<bool(Options&, const std::string&)> set;  // false: not such a value
};

bool ParseBool(const std::string& text, bool* out) {
  if (text == "true" || text == "1") {
    *out = true;
  } else if (text == "false" || text == "0") {
    *out = false;
  } else {
    return false;
  }
  return true;
}

bool ParseInt(const std::string& text, int least, int most, int* out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *out);
  return error == std::errc() && end == text.data() + text.size() && *out >= least && *out <= most;
}

// "15s", "500ms", "2m".
bool ParseDuration(const std::string& text, std::chrono::milliseconds* out) {
  static const std::vector<std::pair<std::string, int>> kUnits = {
      {"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}};
  for (const auto& [unit, factor] : kUnits) {
    int number = 0;
    if (!text.ends_with(unit)) continue;
    if (!ParseInt(text.substr(0, text.size() - unit.size()), 1, 1'000'000, &number)) continue;
    *out = std::chrono::milliseconds(std::int64_t{number} * factor);
    return true;
  }
  return false;
}

std::vector<std::string> SplitCommas(const std::string& text) {
  std::vector<std::string> parts;
  std::size_t begin = 0;
  while (begin <= text.size()) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    if (end > begin) parts.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

Flag TextFlag(std::string name, std::string takes, std::string help, std::string Options::*field) {
  return {std::move(name), std::move(takes), std::move(help),
          [field](Options& options, const std::string& text) {
            options.*field = text;
            return true;
          }};
}

Flag DurationFlag(std::string name, std::string help, std::chrono::milliseconds Options::*field,
                  std::chrono::milliseconds least, std::chrono::milliseconds most) {
  return {std::move(name), "DURATION", std::move(help),
          [=](Options& options, const std::string& text) {
            auto& value = options.*field;
            return ParseDuration(text, &value) && value >= least && value <= most;
          }};
}

Flag ChoiceFlag(std::string name, std::vector<std::string> choices, std::string help,
                std::string Options::*field) {
  std::string takes;
  for (const std::string& choice : choices) takes += (takes.empty() ? "" : "|") + choice;
  return {std::move(name), std::move(takes), std::move(help),
          [field, choices = std::move(choices)](Options& options, const std::string& text) {
            options.*field = text;
            return std::ranges::find(choices, text) != choices.end();
          }};
}

std::vector<Flag> WhereFlags() {
  return {
      TextFlag("kubeconfig", "FILE",
               "kubeconfig of the API server. Default: $KUBECONFIG, then ~/.kube/config; in a pod "
               "without them its service account.",
               &Options::kubeconfig),
      TextFlag("context", "NAME", "context of the kubeconfig. Default: its current-context.",
               &Options::context),
      {"namespaces", "A,B,...",
       "watch only these namespaces; a Role in each is enough then. Default: all.",
       [](Options& options, const std::string& text) {
         options.namespaces = SplitCommas(text);
         return true;
       }},
      TextFlag("server-image-repository", "REPOSITORY",
               "image repository of members whose cluster names none; the tag is spec.version. "
               "Default: quorate.dev/quorate.",
               &Options::server_image_repository),
      {"workers", "N", "clusters that are worked on at the same time, 1 to 64. Default: 4.",
       [](Options& options, const std::string& text) {
         return ParseInt(text, 1, 64, &options.workers);
       }},
      DurationFlag("poll-period",
                   "time between two looks at the members of a cluster, 1s to 5m; changes of "
                   "Kubernetes objects are seen at once. Default: 10s.",
                   &Options::poll_period, std::chrono::seconds(1), std::chrono::minutes(5)),
  };
}

std::vector<Flag> ElectionFlags() {
  const auto least = std::chrono::milliseconds(100);
  const auto most = std::chrono::minutes(10);
  return {
      {"leader-elect", "",
       "act only while holding a Lease, so that several replicas can stand by. Default: true.",
       [](Options& options, const std::string& text) {
         return ParseBool(text, &options.leader_elect);
       }},
      TextFlag("leader-elect-namespace", "NAMESPACE",
               "where the Lease is. Default: this pod's namespace.",
               &Options::leader_elect_namespace),
      TextFlag("leader-elect-name", "NAME",
               "name of the Lease; operators for different namespaces need different ones. "
               "Default: quorate-operator.",
               &Options::leader_elect_name),
      DurationFlag("leader-elect-lease-duration",
                   "how long others wait for a holder that does not renew. Default: 15s.",
                   &Options::leader_elect_lease_duration, least, most),
      DurationFlag("leader-elect-renew-deadline",
                   "a holder that cannot renew for this long ends itself. Default: 10s.",
                   &Options::leader_elect_renew_deadline, least, most),
      DurationFlag("leader-elect-retry-period", "time between two attempts. Default: 2s.",
                   &Options::leader_elect_retry_period, least, most),
  };
}

std::vector<Flag> ObserveFlags() {
  return {
      TextFlag("metrics-bind-address", "HOST:PORT",
               "where /metrics answers, without TLS: leave it to the pod network or bind it to "
               "127.0.0.1. 0: nowhere. Default: :8080.",
               &Options::metrics_bind_address),
      TextFlag("health-probe-bind-address", "HOST:PORT",
               "where /healthz, /livez and /readyz answer. 0: nowhere. Default: :8081.",
               &Options::health_probe_bind_address),
      ChoiceFlag("log-level", {"debug", "info", "warn", "error"},
                 "least level that is logged. Default: info.", &Options::log_level),
      ChoiceFlag("log-format", {"json", "console"}, "form of the log lines. Default: json.",
                 &Options::log_format),
  };
}

struct Group {
  std::string title;
  std::vector<Flag> flags;
};

const std::vector<Group>& Groups() {
  static const std::vector<Group> kGroups = {
      {"Kubernetes and clusters", WhereFlags()},
      {"Leader election", ElectionFlags()},
      {"Health, metrics and logs", ObserveFlags()},
  };
  return kGroups;
}

const Flag* FindFlag(const std::string& name) {
  for (const Group& group : Groups()) {
    for (const Flag& flag : group.flags) {
      if (flag.name == name) return &flag;
    }
  }
  return nullptr;
}

std::string VariableOf(const std::string& flag) {
  std::string name = "QUORATE_OPERATOR_" + flag;
  for (char& c : name) {
    if (c == '-') c = '_';
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return name;
}

Status Set(Options& options, const Flag& flag, const std::string& value,
           const std::string& written) {
  if (flag.set(options, value)) return {};
  return Error{Code::kInvalidArgument, written + ": '" + value + "' is not " +
                                           (flag.takes.empty() ? "true or false" : flag.takes) +
                                           "; see --help"};
}

Status Validate(const Options& options) {
  if (options.leader_elect_lease_duration <= options.leader_elect_renew_deadline ||
      options.leader_elect_renew_deadline <= options.leader_elect_retry_period) {
    return Error{Code::kInvalidArgument,
                 "--leader-elect-lease-duration must be longer than -renew-deadline, and that "
                 "longer than -retry-period"};
  }
  if (options.leader_elect_lease_duration % std::chrono::seconds(1) != std::chrono::seconds(0)) {
    return Error{Code::kInvalidArgument,
                 "--leader-elect-lease-duration must be whole seconds, as a Lease has them"};
  }
  return {};
}

std::string Wrap(const std::string& text, std::size_t indent, std::size_t width) {
  std::string out;
  std::size_t column = 0;
  std::size_t begin = 0;
  while (begin < text.size()) {
    const std::size_t end = std::min(text.find(' ', begin), text.size());
    const std::size_t length = end - begin;
    if (column > 0 && column + 1 + length > width - indent) {
      out += "\n" + std::string(indent, ' ');
      column = 0;
    } else if (column > 0) {
      out += ' ';
      ++column;
    }
    out += text.substr(begin, length);
    column += length;
    begin = end + 1;
  }
  return out;
}

}  // namespace

Result<Options> ParseOptions(const std::vector<std::string>& arguments,
                             const Environment& environment) {
  Options options;
  for (const auto& [name, field] : {std::pair{"POD_NAME", &Options::pod_name},
                                    std::pair{"POD_NAMESPACE", &Options::pod_namespace}}) {
    if (const auto it = environment.find(name); it != environment.end()) {
      options.*field = it->second;
    }
  }
  for (const Group& group : Groups()) {
    for (const Flag& flag : group.flags) {
      const std::string variable = VariableOf(flag.name);
      const auto it = environment.find(variable);
      if (it != environment.end()) TRY(Set(options, flag, it->second, variable));
    }
  }
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string& argument = arguments[i];
    if (argument == "--help" || argument == "-h") {
      options.show_help = true;
      return options;
    }
    if (argument == "--version") {
      options.show_version = true;
      return options;
    }
    const std::size_t equals = std::min(argument.find('='), argument.size());
    const std::string written = argument.substr(0, equals);
    const Flag* flag = written.starts_with("--") ? FindFlag(written.substr(2)) : nullptr;
    if (flag == nullptr) {
      return Error{Code::kInvalidArgument, "unknown argument '" + written + "'; see --help"};
    }
    std::string value = "true";
    if (equals < argument.size()) {
      value = argument.substr(equals + 1);
    } else if (!flag->takes.empty()) {
      if (++i >= arguments.size()) {
        return Error{Code::kInvalidArgument, written + " takes " + flag->takes + "; see --help"};
      }
      value = arguments[i];
    }
    TRY(Set(options, *flag, value, written));
  }
  TRY(Validate(options));
  return options;
}

std::string HelpText() {
  std::string text =
      "quorate-operator runs etcd clusters on Kubernetes.\n\n"
      "It watches EtcdCluster and the backup kinds of quorate.dev/v1alpha1, and takes one step at "
      "a\ntime towards what they ask. Every step and every wait is in `kubectl describe "
      "etcdcluster`.\n\n"
      "Usage: quorate-operator [flags]\n";
  constexpr std::size_t kColumn = 8;
  constexpr std::size_t kWidth = 96;
  for (const Group& group : Groups()) {
    text += "\n" + group.title + ":\n";
    for (const Flag& flag : group.flags) {
      text += "  --" + flag.name + (flag.takes.empty() ? "" : "=" + flag.takes) + "\n" +
              std::string(kColumn, ' ') + Wrap(flag.help, kColumn, kWidth) + "\n";
    }
  }
  text +=
      "\n  --version\n        print the version and end.\n"
      "\nEach flag can be given as a variable, --log-level as QUORATE_OPERATOR_LOG_LEVEL; the flag "
      "wins.\n"
      "Exit codes: 0 stopped by a signal, 1 cannot work (the last log line says why), 2 bad "
      "flags,\n3 lost the leader lease (start again).\n";
  return text;
}

}  // namespace quorate::config
