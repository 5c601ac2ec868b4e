// Object: reading Kubernetes objects as JSON without surprises.
//
// Missing fields and fields of another type read as empty, 0 or false: a stranger's object must not
// stop the operator.
//
// Thread: values.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "kube/resource.h"

namespace quorate::kube {

using Json = nlohmann::json;

// The value at a JSON pointer ("/metadata/name"), or nullptr. A key with a slash is written "~1".
const Json* Find(const Json& object, std::string_view pointer);
std::string Text(const Json& object, std::string_view pointer);
std::int64_t Number(const Json& object, std::string_view pointer);
bool Flag(const Json& object, std::string_view pointer);
std::map<std::string, std::string> TextMap(const Json& object, std::string_view pointer);

std::string Name(const Json& object);
std::string Namespace(const Json& object);
ObjectRef RefOf(const Json& object);
std::string Uid(const Json& object);
std::string ResourceVersion(const Json& object);
std::string Label(const Json& object, std::string_view key);
std::string Annotation(const Json& object, std::string_view key);
bool IsDeleting(const Json& object);  // has a deletionTimestamp
bool HasFinalizer(const Json& object, std::string_view finalizer);
// The uid of the owner whose reference says controller: true; empty when there is none.
std::string ControllerUid(const Json& object);

// An ownerReference to `owner` with controller and blockOwnerDeletion set; the owner must be in the
// same namespace.
Json OwnerReference(const Resource& resource, const Json& owner);

// {"apiVersion", "kind", "metadata": {"namespace", "name"}}: what every object starts with.
Json MakeObject(const Resource& resource, const ObjectRef& ref);

// Compact JSON text; bytes that are not UTF-8 become U+FFFD instead of an exception.
std::string Dump(const Json& value);

// RFC 3339 as Kubernetes writes it: "2026-11-21T07:30:00Z"; the micro form has six decimals.
// Reading takes any number of decimals and refuses everything that is not UTC.
std::string FormatTime(std::chrono::system_clock::time_point time);
std::string FormatMicroTime(std::chrono::system_clock::time_point time);
std::optional<std::chrono::system_clock::time_point> ParseTime(std::string_view text);

// Whether labels match a selector as the API takes it: "a=b,c!=d,e in (x,y),f,!g". False for a
// selector that does not parse.
bool LabelsMatch(const std::map<std::string, std::string>& labels, std::string_view selector);

}  // namespace quorate::kube
