#include "api/json.h"

#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "api/fields.h"

namespace quorate::api {
namespace {

using Json = nlohmann::json;

// Reader: fills the members whose names the object has. Remembers the first error.
class Reader {
 public:
  Reader(const Json& object, std::string path) : object_(object), path_(std::move(path)) {}

  template <typename T>
  void operator()(std::string_view name, T& member) {
    if (!status_.ok() || !object_.is_object()) return;
    const auto found = object_.find(std::string(name));
    if (found == object_.end() || found->is_null()) return;
    status_ =
        Read(*found, path_.empty() ? std::string(name) : path_ + "." + std::string(name), member);
  }

  Status status() const { return status_; }

 private:
  static Status Wrong(const Json& value, const std::string& path, std::string_view want) {
    const std::string have = value.is_array()    ? "a list"
                             : value.is_object() ? "an object"
                                                 : value.dump();
    return Error{Code::kInvalidArgument, path + ": want " + std::string(want) + ", have " + have};
  }

  static Status Read(const Json& value, const std::string& path, std::string& out) {
    if (!value.is_string()) return Wrong(value, path, "a string");
    out = value.get<std::string>();
    return {};
  }
  static Status Read(const Json& value, const std::string& path, bool& out) {
    if (!value.is_boolean()) return Wrong(value, path, "true or false");
    out = value.get<bool>();
    return {};
  }
  static Status Read(const Json& value, const std::string& path, std::int64_t& out) {
    if (!value.is_number_integer()) return Wrong(value, path, "a whole number");
    out = value.get<std::int64_t>();
    return {};
  }
  static Status Read(const Json& value, const std::string& path, std::int32_t& out) {
    std::int64_t wide = 0;
    TRY(Read(value, path, wide));
    if (wide > std::numeric_limits<std::int32_t>::max() ||
        wide < std::numeric_limits<std::int32_t>::min()) {
      return Wrong(value, path, "a number of 32 bits");
    }
    out = static_cast<std::int32_t>(wide);
    return {};
  }
  static Status Read(const Json& value, const std::string& path, Quantity& out) {
    Quantity quantity;
    if (value.is_string()) quantity.text = value.get<std::string>();
    if (value.is_number_integer()) quantity.text = std::to_string(value.get<std::int64_t>());
    if (!quantity.Units()) return Wrong(value, path, "a quantity such as 8Gi");
    out = quantity;
    return {};
  }
  static Status Read(const Json& value, const std::string& path, Duration& out) {
    const auto parsed = value.is_string() ? ParseDuration(value.get<std::string>()) : std::nullopt;
    if (!parsed) return Wrong(value, path, "a duration such as 1h30m or 100ms");
    out = *parsed;
    return {};
  }
  static Status Read(const Json& value, const std::string& path, Time& out) {
    const auto parsed = value.is_string() ? ParseTime(value.get<std::string>()) : std::nullopt;
    if (!parsed) return Wrong(value, path, "a time such as 2026-11-21T07:30:00Z");
    out = *parsed;
    return {};
  }
  template <typename E>
  requires std::is_enum_v<E>
  static Status Read(const Json& value, const std::string& path, E& out) {
    const auto parsed = value.is_string() ? FromWord<E>(value.get<std::string>()) : std::nullopt;
    if (parsed) {
      out = *parsed;
      return {};
    }
    std::string words;
    for (const std::string_view word : EnumWords<E>::kWords) {
      words += words.empty() ? "" : ", ";
      words += word;
    }
    return Wrong(value, path, "one of " + words);
  }
  template <typename T>
  static Status Read(const Json& value, const std::string& path, std::optional<T>& out) {
    T inner{};
    TRY(Read(value, path, inner));
    out = std::move(inner);
    return {};
  }
  template <typename T>
  static Status Read(const Json& value, const std::string& path, std::vector<T>& out) {
    if (!value.is_array()) return Wrong(value, path, "a list");
    out.clear();
    for (std::size_t i = 0; i < value.size(); ++i) {
      T item{};
      TRY(Read(value[i], path + "[" + std::to_string(i) + "]", item));
      out.push_back(std::move(item));
    }
    return {};
  }
  template <typename T>
  static Status Read(const Json& value, const std::string& path, std::map<std::string, T>& out) {
    if (!value.is_object()) return Wrong(value, path, "a map");
    out.clear();
    for (const auto& [key, item] : value.items()) TRY(Read(item, path + "." + key, out[key]));
    return {};
  }
  template <typename T>
  requires requires(Reader& reader, T& object) { Fields(reader, object); }
  static Status Read(const Json& value, const std::string& path, T& out) {
    if (!value.is_object()) return Wrong(value, path, "an object");
    Reader inner(value, path);
    Fields(inner, out);
    return inner.status();
  }

  const Json& object_;
  const std::string path_;
  Status status_;
};

// Writer: the members that are not empty.
class Writer {
 public:
  template <typename T>
  void operator()(std::string_view name, T& member) {
    Json value = Write(member);
    if (!value.is_null()) object_[std::string(name)] = std::move(value);
  }

  Json Take() { return object_.empty() ? Json() : std::move(object_); }

 private:
  static Json Write(const std::string& text) { return text.empty() ? Json() : Json(text); }
  static Json Write(bool flag) { return flag; }
  static Json Write(std::int64_t number) { return number; }
  static Json Write(std::int32_t number) { return number; }
  static Json Write(const Quantity& quantity) { return Write(quantity.text); }
  static Json Write(Duration duration) { return FormatDuration(duration); }
  static Json Write(Time time) { return FormatTime(time); }
  template <typename E>
  requires std::is_enum_v<E>
  static Json Write(E value) { return std::string(Word(value)); }
  // Present but empty is not absent: "bootstrap: {}" stays.
  template <typename T>
  static Json Write(std::optional<T>& value) {
    if (!value) return Json();
    Json inner = Write(*value);
    return inner.is_null() ? Json::object() : inner;
  }
  template <typename T>
  static Json Write(std::vector<T>& items) {
    if (items.empty()) return Json();
    Json list = Json::array();
    for (T& item : items) list.push_back(WriteItem(item));
    return list;
  }
  template <typename T>
  static Json Write(std::map<std::string, T>& items) {
    if (items.empty()) return Json();
    Json map = Json::object();
    for (auto& [key, item] : items) map[key] = WriteItem(item);
    return map;
  }
  // Of a list or a map: it has its place also when it is empty, and a null could not be read again.
  template <typename T>
  static Json WriteItem(T& item) {
    Json value = Write(item);
    if (!value.is_null()) return value;
    if constexpr (requires(Writer & writer) { Fields(writer, item); }) {
      return Json::object();
    } else {
      return Json("");
    }
  }
  // metav1.Condition wants its message present, even when there is nothing to say.
  static Json Write(Condition& condition) {
    Writer inner;
    Fields(inner, condition);
    inner.object_.emplace("message", "");
    return inner.Take();
  }
  template <typename T>
  requires requires(Writer& writer, T& object) { Fields(writer, object); }
  static Json Write(T& object) {
    Writer inner;
    Fields(inner, object);
    return inner.Take();
  }

  Json object_ = Json::object();
};

template <typename T>
Json Head() {
  return {{"apiVersion", std::string(kApiVersion)}, {"kind", std::string(Kind<T>::kName)}};
}

template <typename T>
Json WriteOne(T value) {
  Writer writer;
  Fields(writer, value);
  Json json = writer.Take();
  return json.is_null() ? Json::object() : json;
}

// Whether the field is there and is this very text.
bool Says(const Json& object, const char* field, std::string_view text) {
  const auto found = object.find(field);
  return found != object.end() && found->is_string() &&
         found->get_ref<const std::string&>() == text;
}

}  // namespace

template <typename T>
Result<T> FromJson(const Json& object) {
  if (!object.is_object() || !Says(object, "apiVersion", kApiVersion) ||
      !Says(object, "kind", Kind<T>::kName)) {
    return Error{Code::kInvalidArgument,
                 "not a " + std::string(kApiVersion) + " " + std::string(Kind<T>::kName)};
  }
  T result;
  Reader reader(object, "");
  reader("metadata", result.meta);
  reader("spec", result.spec);
  reader("status", result.status);
  TRY(reader.status());
  return result;
}

template <typename T>
Json ToJson(const T& object) {
  Json json = Head<T>();
  json["metadata"] = WriteOne(object.meta);
  json["spec"] = WriteOne(object.spec);
  json["status"] = WriteOne(object.status);
  return json;
}

template <typename T>
Json StatusToJson(const T& object) {
  Json json = Head<T>();
  json["metadata"] = {{"name", object.meta.name}, {"namespace", object.meta.namespace_name}};
  json["status"] = WriteOne(object.status);
  return json;
}

#define QUORATE_API_KIND(T)                    \
  template Result<T> FromJson<T>(const Json&); \
  template Json ToJson<T>(const T&);           \
  template Json StatusToJson<T>(const T&)

QUORATE_API_KIND(EtcdCluster);
QUORATE_API_KIND(EtcdMember);
QUORATE_API_KIND(EtcdBackupStore);
QUORATE_API_KIND(EtcdBackup);
QUORATE_API_KIND(EtcdBackupSchedule);

}  // namespace quorate::api
