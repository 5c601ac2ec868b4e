#include "config/config_file.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <utility>

#include "config/flag_table.h"
#include "config/flag_values.h"

namespace quorate::config {
namespace {

// In these sections etcd nests the TLS flags: {cert-file: x} is --cert-file, or --peer-cert-file.
constexpr std::array<std::pair<std::string_view, std::string_view>, 2> kSections = {
    {{"client-transport-security", ""}, {"peer-transport-security", "peer-"}}};

Status SetKey(Options& options, const std::string& key, std::string value) {
  const Flag* flag = FindFlag(key);
  if (flag == nullptr || key == "help" || key == "version") {
    return Error{Code::kInvalidArgument, "unknown key \"" + key + "\"; keys are the flags' names"};
  }
  const bool is_duration = flag->kind == FlagKind::kWorks && flag->default_text != "0" &&
                           ParseDuration(flag->default_text).ok();
  if (is_duration && ParseUnsigned(value).ok()) value += "ns";
  return SetFlag(options, *flag, value);
}

Status SetNode(Options& options, const std::string& key, const YAML::Node& node) {
  if (node.IsNull()) return {};
  if (node.IsSequence()) {
    std::string list;
    for (const YAML::Node& item : node) list += (list.empty() ? "" : ",") + item.as<std::string>();
    return SetKey(options, key, list);
  }
  if (!node.IsScalar()) {
    return Error{Code::kInvalidArgument, "key \"" + key + "\": expected a text, number or boolean"};
  }
  return SetKey(options, key, node.as<std::string>());
}

Status SetAll(Options& options, const YAML::Node& root) {
  if (root.IsNull()) return {};
  if (!root.IsMap()) {
    return Error{Code::kInvalidArgument, "expected a map of keys; write name: value lines"};
  }
  for (const auto& entry : root) {
    const auto key = entry.first.as<std::string>();
    const auto* section = std::find_if(kSections.begin(), kSections.end(),
                                       [&key](const auto& s) { return s.first == key; });
    if (section == kSections.end()) {
      TRY(SetNode(options, key, entry.second));
      continue;
    }
    for (const auto& nested : entry.second) {
      TRY(SetNode(options, std::string(section->second) + nested.first.as<std::string>(),
                  nested.second));
    }
  }
  return {};
}

}  // namespace

Result<Options> ParseConfigFile(const std::string& text) {
  Options options;
  try {
    TRY(SetAll(options, YAML::Load(text)));
  } catch (const YAML::Exception& e) {
    return Error{Code::kInvalidArgument, std::string("not readable as YAML: ") + e.what()};
  }
  return options;
}

}  // namespace quorate::config
