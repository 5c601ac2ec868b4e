#include "sim/kube_apply.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

namespace quorate::sim {
namespace {

using kube::Json;

constexpr char kSeparator = '\x1f';  // between the segments of a field's path

// Lists that are maps in disguise, and the fields that tell their elements apart.
const std::map<std::string, std::vector<std::string>, std::less<>>& KeyedLists() {
  static const std::map<std::string, std::vector<std::string>, std::less<>> kLists = {
      {"containers", {"name"}},        {"initContainers", {"name"}},
      {"volumes", {"name"}},           {"env", {"name"}},
      {"imagePullSecrets", {"name"}},  {"members", {"name"}},
      {"conditions", {"type"}},        {"ownerReferences", {"uid"}},
      {"volumeMounts", {"mountPath"}}, {"ports", {"containerPort", "port", "protocol"}},
  };
  return kLists;
}

bool IsSetList(std::string_view field) {
  return field == "finalizers";
}

// The key segment of a keyed list's element; nullopt when the list is not one.
std::optional<std::string> KeyOf(std::string_view field, const Json& element) {
  const auto it = KeyedLists().find(field);
  if (it == KeyedLists().end() || !element.is_object()) return std::nullopt;
  std::string key = "k:";
  for (const std::string& part : it->second) {
    if (element.contains(part)) key += part + "=" + element[part].dump() + ",";
  }
  if (key == "k:") return std::nullopt;
  return key;
}

bool IsKeyed(std::string_view field, const Json& list) {
  return !list.empty() && std::ranges::all_of(list, [field](const Json& element) {
    return KeyOf(field, element).has_value();
  });
}

using Leaves = std::map<std::string, Json>;

void Collect(const Json& value, const std::string& path, std::string_view field, Leaves& out) {
  if (value.is_object() && !value.empty()) {
    for (const auto& [key, child] : value.items()) {
      Collect(child, path + kSeparator + "f:" + key, key, out);
    }
    return;
  }
  if (value.is_array() && IsSetList(field)) {
    for (const Json& element : value) out[path + kSeparator + "v:" + element.dump()] = element;
    return;
  }
  if (value.is_array() && IsKeyed(field, value)) {
    for (const Json& element : value) {
      Collect(element, path + kSeparator + *KeyOf(field, element), {}, out);
    }
    return;
  }
  out[path] = value;
}

// Every field that somebody can own, with its value. The server's own fields belong to nobody.
Leaves LeavesOf(const Json& object) {
  Leaves out;
  if (!object.is_object()) return out;
  Json stripped = object;
  for (const char* field : {"apiVersion", "kind"}) stripped.erase(field);
  if (auto meta = stripped.find("metadata"); meta != stripped.end()) {
    for (const char* field :
         {"name", "namespace", "uid", "resourceVersion", "generation", "creationTimestamp",
          "deletionTimestamp", "deletionGracePeriodSeconds", "managedFields", "generateName"}) {
      meta->erase(field);
    }
    if (meta->empty()) stripped.erase("metadata");
  }
  if (!stripped.empty()) Collect(stripped, "", {}, out);
  return out;
}

void MergeInto(Json& live, const Json& applied, std::string_view field) {
  if (live.is_object() && applied.is_object()) {
    for (const auto& [key, value] : applied.items()) {
      if (live.contains(key)) {
        MergeInto(live[key], value, key);
      } else {
        live[key] = value;
      }
    }
    return;
  }
  const bool lists = live.is_array() && applied.is_array();
  if (lists && IsSetList(field)) {
    for (const Json& element : applied) {
      if (std::ranges::find(live, element) == live.end()) live.push_back(element);
    }
    return;
  }
  if (lists && IsKeyed(field, applied) && (live.empty() || IsKeyed(field, live))) {
    for (const Json& element : applied) {
      const auto key = KeyOf(field, element);
      const auto at =
          std::ranges::find_if(live, [&](const Json& one) { return KeyOf(field, one) == key; });
      if (at == live.end()) {
        live.push_back(element);
      } else {
        MergeInto(*at, element, {});
      }
    }
    return;
  }
  live = applied;
}

// Removes the field at `path` (its first separator already gone) and what it leaves empty.
void RemovePath(Json& value, std::string_view path, std::string_view field) {
  const std::size_t end = path.find(kSeparator);
  const std::string segment(path.substr(0, end));
  const bool last = end == std::string_view::npos;
  const std::string_view rest = last ? std::string_view() : path.substr(end + 1);
  if (segment.starts_with("f:") && value.is_object()) {
    const auto at = value.find(segment.substr(2));
    if (at == value.end()) return;
    if (!last) RemovePath(*at, rest, segment.substr(2));
    if (last || (at->is_structured() && at->empty())) value.erase(at);
    return;
  }
  if (!value.is_array()) return;
  for (std::size_t i = 0; i < value.size(); ++i) {
    const bool hit = segment.starts_with("v:") ? "v:" + value[i].dump() == segment
                                               : KeyOf(field, value[i]) == segment;
    if (!hit) continue;
    if (!last) RemovePath(value[i], rest, {});
    const bool only_keys = !last && LeavesOf(value[i]).empty();
    if (last || value[i].empty() || only_keys) value.erase(i);
    return;
  }
}

std::string Readable(const std::string& path) {
  std::string out;
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (path[i] == kSeparator) {
      out += '.';
      if (path.compare(i + 1, 2, "f:") == 0) i += 2;
    } else {
      out += path[i];
    }
  }
  return out;
}

}  // namespace

FieldOwners::Applied FieldOwners::Apply(const Json& live, const Json& applied,
                                        const std::string& manager, const std::string& subresource,
                                        bool force) {
  const std::string self = "apply/" + manager + "/" + subresource;
  const Leaves before = LeavesOf(live);
  const Leaves wanted = LeavesOf(applied);
  Applied out;
  for (auto& [owner, fields] : owned_) {
    if (owner == self) continue;
    for (const auto& [path, value] : wanted) {
      if (!fields.contains(path)) continue;
      const auto at = before.find(path);
      if (at == before.end() || at->second == value) continue;
      out.conflicts.emplace_back(owner, Readable(path));
    }
  }
  if (!out.conflicts.empty() && !force) return out;
  out.conflicts.clear();
  for (auto& [owner, fields] : owned_) {
    if (owner == self) continue;
    for (const auto& [path, value] : wanted) {
      const auto at = before.find(path);
      if (at != before.end() && at->second != value) fields.erase(path);
    }
  }
  out.object = live.is_null() ? applied : live;
  if (!live.is_null()) MergeInto(out.object, applied, {});
  for (const std::string& path : owned_[self]) {
    if (wanted.contains(path)) continue;
    const bool shared = std::ranges::any_of(owned_, [&](const auto& entry) {
      return entry.first != self && entry.second.contains(path);
    });
    if (!shared) RemovePath(out.object, std::string_view(path).substr(1), {});
  }
  std::set<std::string> fields;
  for (const auto& [path, value] : wanted) fields.insert(path);
  owned_[self] = std::move(fields);
  return out;
}

void FieldOwners::NoteWrite(const Json& before, const Json& after, const std::string& manager,
                            const std::string& subresource) {
  const std::string self = "update/" + manager + "/" + subresource;
  const Leaves old = LeavesOf(before);
  const Leaves now = LeavesOf(after);
  for (auto& [owner, fields] : owned_) {
    std::erase_if(fields, [&](const std::string& path) {
      const auto at = now.find(path);
      if (at == now.end()) return true;
      const auto was = old.find(path);
      return owner != self && was != old.end() && was->second != at->second;
    });
  }
  for (const auto& [path, value] : now) {
    const auto was = old.find(path);
    if (was == old.end() || was->second != value) owned_[self].insert(path);
  }
}

}  // namespace quorate::sim
