// ListObjects: every object of a kind in a namespace, typed.
//
// Objects that cannot be read (a newer or broken version) are left out and logged: one stranger
// must not blind the operator to the others.
//
// Thread: any.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/json.h"
#include "base/log.h"
#include "kube/reader.h"

namespace quorate::controllers {

template <typename T>
Result<std::vector<T>> ListObjects(kube::Reader& reader, const kube::Resource& resource,
                                   std::string_view ns) {
  const std::vector<kube::ObjectPtr> objects = TRY(reader.List(resource, ns, ""));
  std::vector<T> out;
  out.reserve(objects.size());
  for (const kube::ObjectPtr& object : objects) {
    auto parsed = api::FromJson<T>(*object);
    if (parsed.ok()) {
      out.push_back(std::move(parsed).value());
    } else {
      log::Warn("object left out", {{"object", kube::ToString(kube::RefOf(*object))},
                                    {"error", parsed.error().message}});
    }
  }
  return out;
}

}  // namespace quorate::controllers
