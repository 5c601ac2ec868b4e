// Crd: the schemas under crds/, as JSON, for the tests that hold them and the C++ types together.
#pragma once

#include <yaml-cpp/yaml.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "support/root.h"

namespace quorate::api {

using Json = nlohmann::json;

inline Json FromYaml(const YAML::Node& node) {
  if (node.IsMap()) {
    Json map = Json::object();
    for (const auto& pair : node) map[pair.first.as<std::string>()] = FromYaml(pair.second);
    return map;
  }
  if (node.IsSequence()) {
    Json list = Json::array();
    for (const auto& item : node) list.push_back(FromYaml(item));
    return list;
  }
  const std::string text = node.IsNull() ? "" : node.Scalar();
  if (node.Tag() == "!") return text;  // quoted
  const Json parsed = Json::parse(text, nullptr, false);
  return parsed.is_boolean() || parsed.is_number() ? parsed : Json(text);
}

inline Json LoadCrd(const std::string& plural) {
  return FromYaml(YAML::LoadFile(test::SourceRoot() + "/crds/" + plural + ".yaml"));
}

inline Json SchemaOf(const Json& crd) {
  return crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
}

inline const std::vector<std::string>& Plurals() {
  static const std::vector<std::string> plurals = {
      "etcdclusters", "etcdmembers", "etcdbackupstores", "etcdbackups", "etcdbackupschedules"};
  return plurals;
}

}  // namespace quorate::api
