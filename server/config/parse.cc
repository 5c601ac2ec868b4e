#include "config/parse.h"

#include <optional>
#include <set>

#include "config/flag_table.h"

namespace quorate::config {
namespace {

constexpr std::string_view kEnvironmentPrefix = "ETCD_";
constexpr std::string_view kOwnPrefix = "QUORATE_";
constexpr std::string_view kConfigFile = "config-file";

// "data-dir" -> "ETCD_DATA_DIR"; Quorate's own flags -> "QUORATE_...".
std::string VariableName(std::string_view flag) {
  std::string out;
  constexpr std::string_view kOwnFlag = "quorate-";
  if (flag.starts_with(kOwnFlag)) {
    out = kOwnPrefix;
    flag.remove_prefix(kOwnFlag.size());
  } else {
    out = kEnvironmentPrefix;
  }
  for (const char c : flag) {
    out += c == '-' ? '_' : static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  }
  return out;
}

struct Argument {
  std::string name;
  std::optional<std::string> value;
};

// "--name=value" -> {name, value}; nullopt when it is no flag.
std::optional<Argument> SplitArgument(std::string_view text) {
  if (text.size() < 2 || text[0] != '-') return std::nullopt;
  text.remove_prefix(text.starts_with("--") ? 2 : 1);
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos) return Argument{std::string(text), std::nullopt};
  return Argument{std::string(text.substr(0, equals)), std::string(text.substr(equals + 1))};
}

class Parser {
 public:
  Parser(const std::vector<std::string>& arguments,
         const std::map<std::string, std::string>& environment)
      : arguments_(arguments), environment_(environment) {}

  ParseOutcome Run() {
    ReadArguments();
    if (outcome_.errors.empty()) ReadEnvironment();
    return std::move(outcome_);
  }

 private:
  void Fail(int exit_code, std::string message) {
    outcome_.errors.push_back({exit_code, std::move(message)});
  }

  void ReadArguments() {
    for (std::size_t i = 0; i < arguments_.size() && outcome_.errors.empty(); ++i) {
      auto argument = SplitArgument(arguments_[i]);
      if (!argument) {
        Fail(1, "\"" + arguments_[i] + "\" is not a valid flag");
        return;
      }
      if (argument->name == "h") argument->name = "help";
      const bool is_config = argument->name == kConfigFile;
      const Flag* flag = is_config ? nullptr : FindFlag(argument->name);
      if (!is_config && flag == nullptr) {
        Fail(2, "flag provided but not defined: -" + argument->name + "; --help lists the flags");
        return;
      }
      if (!argument->value) {
        if (flag != nullptr && flag->is_bool) {
          argument->value = "true";
        } else if (i + 1 < arguments_.size()) {
          argument->value = arguments_[++i];
        } else {
          Fail(2, "flag needs an argument: -" + argument->name);
          return;
        }
      }
      Take(flag, argument->name, *argument->value);
    }
  }

  void Take(const Flag* flag, const std::string& name, const std::string& value) {
    if (flag == nullptr) {
      outcome_.config_file = value;
      return;
    }
    given_.insert(std::string(flag->name));
    if (name != flag->name) {
      if (spelled_[std::string(flag->name)] == flag->name) {
        Fail(1, "cannot set --" + name + " and --" + std::string(flag->name) + " at the same time");
        return;
      }
      outcome_.options.warnings.push_back("--" + name + " is deprecated; use --" +
                                          std::string(flag->name));
    }
    spelled_[std::string(flag->name)] = name;
    if (const Status status = SetFlag(outcome_.options, *flag, value); !status.ok()) {
      Fail(status.error().code == Code::kInvalidArgument ? 2 : 1, status.error().message);
    }
  }

  void ReadEnvironment() {
    std::set<std::string> known;
    const auto config = environment_.find(VariableName(kConfigFile));
    known.insert(VariableName(kConfigFile));
    if (config != environment_.end() && outcome_.config_file.empty()) {
      outcome_.config_file = config->second;
    }
    for (const Flag& flag : Flags()) ReadVariable(flag, VariableName(flag.name), known);
    for (const Flag& flag : Flags()) {
      ReadVariable(flag, VariableName("experimental-" + std::string(flag.name)), known);
    }
    for (const auto& [name, value] : environment_) {
      if (name.starts_with(kEnvironmentPrefix) && !known.contains(name)) {
        outcome_.options.warnings.push_back("unrecognized environment variable " + name);
      }
    }
  }

  void ReadVariable(const Flag& flag, const std::string& variable, std::set<std::string>& known) {
    known.insert(variable);
    const auto found = environment_.find(variable);
    if (found == environment_.end() || found->second.empty()) return;
    if (given_.contains(std::string(flag.name))) {
      Fail(1, "conflicting environment variable \"" + variable +
                  "\" is shadowed by corresponding command-line flag (either unset environment "
                  "variable or disable flag)");
      return;
    }
    if (const Status status = SetFlag(outcome_.options, flag, found->second); !status.ok()) {
      Fail(1, variable + ": " + status.error().message);
    }
  }

  const std::vector<std::string>& arguments_;
  const std::map<std::string, std::string>& environment_;
  std::set<std::string> given_;                 // canonical names
  std::map<std::string, std::string> spelled_;  // canonical name -> as the user wrote it
  ParseOutcome outcome_;
};

}  // namespace

ParseOutcome ParseCommandLine(const std::vector<std::string>& arguments,
                              const std::map<std::string, std::string>& environment) {
  return Parser(arguments, environment).Run();
}

}  // namespace quorate::config
