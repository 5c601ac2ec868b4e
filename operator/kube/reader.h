// Reader: reads objects, either live from the API server (Client) or from informers
//   (runtime/caches.h).
//
// Who only looks takes a Reader and does not care. Who destroys something takes the live one
// (reliability.md, INV-11).
//
// Thread: any.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "kube/object.h"
#include "kube/resource.h"

namespace quorate::kube {

// Shared and never changed: caches hand out what they hold without copying.
using ObjectPtr = std::shared_ptr<const Json>;

class Reader {
 public:
  virtual ~Reader() = default;

  // kNotFound when there is no such object.
  virtual Result<Json> Get(const Resource& resource, const ObjectRef& ref) = 0;
  // All objects of a namespace ("" for all) whose labels match ("" for any), in no particular
  // order.
  virtual Result<std::vector<ObjectPtr>> List(const Resource& resource, std::string_view ns,
                                              std::string_view label_selector) = 0;
};

}  // namespace quorate::kube
