// Holds crds/*.yaml and the C++ types together: the same fields, types, words and defaults on both
// sides.
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "api/fields.h"
#include "api/json.h"
#include "operator/api/crd.h"

namespace quorate::api {
namespace {

using FieldTypes = std::map<std::string, std::string>;  // "spec.storage.size" -> "quantity"

// Lister: what the C++ side has.
class Lister {
 public:
  Lister(FieldTypes& out, std::string path) : out_(out), path_(std::move(path)) {}

  template <typename T>
  void operator()(std::string_view name, T& member) {
    List(path_ + "." + std::string(name), member);
  }

 private:
  void List(const std::string& path, std::string&) { out_[path] = "string"; }
  void List(const std::string& path, bool&) { out_[path] = "boolean"; }
  void List(const std::string& path, std::int32_t&) { out_[path] = "int32"; }
  void List(const std::string& path, std::int64_t&) { out_[path] = "int64"; }
  void List(const std::string& path, Quantity&) { out_[path] = "quantity"; }
  void List(const std::string& path, Duration&) { out_[path] = "duration"; }
  void List(const std::string& path, Time&) { out_[path] = "time"; }
  template <typename E>
  requires std::is_enum_v<E>
  void List(const std::string& path, E&) {
    std::string words = "enum";
    for (const std::string_view word : EnumWords<E>::kWords) words += " " + std::string(word);
    out_[path] = words;
  }
  template <typename T>
  void List(const std::string& path, std::optional<T>&) {
    T inner{};
    List(path, inner);
  }
  template <typename T>
  void List(const std::string& path, std::vector<T>&) {
    T inner{};
    List(path + "[]", inner);
  }
  template <typename T>
  void List(const std::string& path, std::map<std::string, T>&) {
    T inner{};
    List(path + "{}", inner);
  }
  template <typename T>
  requires requires(Lister& lister, T& object) { Fields(lister, object); }
  void List(const std::string& path, T& object) {
    Lister inner(out_, path);
    Fields(inner, object);
  }

  FieldTypes& out_;
  const std::string path_;
};

template <typename T>
FieldTypes TypesOfKind() {
  FieldTypes types;
  T object;
  Lister spec(types, "spec");
  Fields(spec, object.spec);
  Lister status(types, "status");
  Fields(status, object.status);
  return types;
}

std::string TypeOfLeaf(const Json& schema) {
  if (schema.value("x-kubernetes-int-or-string", false)) return "quantity";
  const std::string type = schema["type"];
  if (type == "boolean") return type;
  if (type == "integer") return schema["format"];
  if (schema.contains("enum")) {
    std::string words = "enum";
    for (const auto& word : schema["enum"]) words += " " + word.get<std::string>();
    return words;
  }
  if (schema.value("format", "") == "date-time") return "time";
  const std::string pattern = schema.value("pattern", "");
  if (pattern.find("(ms|s|m|h)") != std::string::npos) return "duration";
  if (pattern.find("Ki|Mi|Gi") != std::string::npos) return "quantity";
  return "string";
}

// What the schema has.
void ListSchema(const Json& schema, const std::string& path, FieldTypes& out) {
  if (schema.contains("properties")) {
    for (const auto& [name, property] : schema["properties"].items()) {
      ListSchema(property, path.empty() ? name : path + "." + name, out);
    }
  } else if (schema.contains("additionalProperties")) {
    ListSchema(schema["additionalProperties"], path + "{}", out);
  } else if (schema.value("type", "") == "array") {
    ListSchema(schema["items"], path + "[]", out);
  } else {
    out[path] = TypeOfLeaf(schema);
  }
}

template <typename T>
void ExpectSameFields() {
  const Json crd = LoadCrd(std::string(Kind<T>::kPlural));
  EXPECT_EQ(crd["spec"]["names"]["kind"], Kind<T>::kName);
  FieldTypes schema;
  ListSchema(SchemaOf(crd)["properties"]["spec"], "spec", schema);
  ListSchema(SchemaOf(crd)["properties"]["status"], "status", schema);
  // Words of Kubernetes' own that pass through untouched.
  for (const char* path :
       {"spec.scheduling.tolerations[].operator", "spec.scheduling.tolerations[].effect"}) {
    if (schema.contains(path)) schema[path] = "string";
  }
  EXPECT_EQ(TypesOfKind<T>(), schema);
}

TEST(SchemaTest, EveryFieldOfEveryKindIsOnBothSidesWithTheSameType) {
  ExpectSameFields<EtcdCluster>();
  ExpectSameFields<EtcdMember>();
  ExpectSameFields<EtcdBackupStore>();
  ExpectSameFields<EtcdBackup>();
  ExpectSameFields<EtcdBackupSchedule>();
}

// The object an API server would store for `value`.
void ApplyDefaults(const Json& schema, Json& value) {
  if (!schema.contains("properties") || !value.is_object()) return;
  for (const auto& [name, property] : schema["properties"].items()) {
    if (!value.contains(name) && property.contains("default")) value[name] = property["default"];
    if (value.contains(name)) ApplyDefaults(property, value[name]);
  }
}

// Every default of the schema is C++'s, and what only C++ writes is a required field, or nothing
// (0, false).
void ExpectSameDefaults(const Json& schema, const Json& defaulted, const Json& ours,
                        const std::string& path) {
  for (const auto& [name, value] : defaulted.items()) {
    ASSERT_TRUE(ours.contains(name)) << path << "." << name << " has a default in the CRD only";
    if (value.is_object()) {
      ExpectSameDefaults(schema["properties"].value(name, Json::object()), value, ours[name],
                         path + "." + name);
    } else {
      EXPECT_EQ(value, ours[name]) << path << "." << name;
    }
  }
  for (const auto& [name, value] : ours.items()) {
    if (defaulted.contains(name)) continue;
    const Json required = schema.value("required", Json::array());
    const bool is_required = std::find(required.begin(), required.end(), name) != required.end();
    EXPECT_TRUE(is_required || value == 0 || value == false)
        << path << "." << name << " has a default in C++ only: " << value;
  }
}

template <typename T>
void ExpectSameDefaults() {
  const Json schema = SchemaOf(LoadCrd(std::string(Kind<T>::kPlural)));
  Json defaulted = {{"spec", Json::object()}};
  ApplyDefaults(schema, defaulted);
  const Json ours = ToJson(T());
  ExpectSameDefaults(schema["properties"]["spec"], defaulted["spec"], ours["spec"], "spec");
  EXPECT_EQ(defaulted["status"]["observedGeneration"], -1);
  EXPECT_EQ(T().status.observed_generation, -1);
}

TEST(SchemaTest, DefaultsAreTheSameOnBothSides) {
  ExpectSameDefaults<EtcdCluster>();
  ExpectSameDefaults<EtcdMember>();
  ExpectSameDefaults<EtcdBackupStore>();
  ExpectSameDefaults<EtcdBackup>();
  ExpectSameDefaults<EtcdBackupSchedule>();
}

void ExpectTidy(const Json& schema, const std::string& path) {
  EXPECT_FALSE(schema.value("description", "").empty()) << path << " has no description";
  if (schema.contains("properties")) {
    for (const auto& [name, property] : schema["properties"].items()) {
      if (path.empty() && (name == "metadata")) continue;
      ExpectTidy(property, path + "." + name);
    }
  }
  const std::string type = schema.value("type", "");
  EXPECT_TRUE(type != "array" || schema.contains("maxItems")) << path;
  EXPECT_TRUE(!schema.contains("additionalProperties") || schema.contains("maxProperties")) << path;
  if (type == "string" && path != ".apiVersion" && path != ".kind") {
    EXPECT_TRUE(schema.contains("maxLength") || schema.contains("enum") ||
                schema.contains("format"))
        << path << " is unbounded, which makes rules too costly";
  }
  EXPECT_FALSE(schema.contains("x-kubernetes-preserve-unknown-fields")) << path;
}

TEST(SchemaTest, EveryFieldIsDescribedAndBounded) {
  for (const std::string& plural : Plurals()) {
    SCOPED_TRACE(plural);
    const Json schema = SchemaOf(LoadCrd(plural));
    ExpectTidy(schema["properties"]["spec"], "spec");
    ExpectTidy(schema["properties"]["status"], "status");
  }
}

TEST(SchemaTest, EveryKindIsNamespacedWithAStatusSubresourceAndKeptByHelm) {
  for (const std::string& plural : Plurals()) {
    SCOPED_TRACE(plural);
    const Json crd = LoadCrd(plural);
    EXPECT_EQ(crd["metadata"]["name"], plural + ".quorate.dev");
    EXPECT_EQ(crd["metadata"]["annotations"]["helm.sh/resource-policy"], "keep");
    EXPECT_EQ(crd["spec"]["scope"], "Namespaced");
    EXPECT_TRUE(crd["spec"]["versions"][0]["subresources"].contains("status"));
    EXPECT_FALSE(crd["spec"]["names"]["shortNames"].empty());
  }
}

}  // namespace
}  // namespace quorate::api
