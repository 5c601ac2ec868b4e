// Client: what one does with Kubernetes objects: get, list, write, apply, delete and watch them.
//
// Objects are JSON; typed layers stand above. The client keeps no copy of anything. It obeys
// Retry-After: after a 429 or 503 that names a time, calls fail with kResourceExhausted without
// being sent until that time has passed, so that callers only ever requeue.
//
// Errors: see kube/api_error.h. A write that failed with IsOutcomeUnknown() may have happened.
// Ownership: borrows the Http and the Clock, which must outlive it.
// Thread: any.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "kube/api_error.h"
#include "kube/http.h"
#include "kube/object.h"
#include "kube/reader.h"
#include "kube/resource.h"
#include "kube/watch.h"

namespace quorate::io {
class Clock;
}  // namespace quorate::io

namespace quorate::kube {

struct ListOptions {
  std::string label_selector;
  std::string field_selector;
  std::int64_t limit = 500;    // objects a page; 0: no limit
  std::string continue_token;  // of the page before
  // "": consistent with the last write; "0": whatever the server's cache has.
  std::string resource_version;
};

struct ObjectPage {
  std::vector<Json> items;       // each with its apiVersion and kind
  std::string resource_version;  // of the list: where a watch goes on
  std::string continue_token;    // empty on the last page
};

enum class PatchType { kMerge, kJson, kApply };

struct PatchOptions {
  std::string subresource;    // "status", or empty
  std::string field_manager;  // empty: the client's
  bool force = true;          // kApply: take fields that others own
  bool dry_run = false;
};

enum class Propagation { kBackground, kForeground, kOrphan };

struct DeleteOptions {
  std::string uid;               // precondition; empty: none
  std::string resource_version;  // precondition; empty: none
  Propagation propagation = Propagation::kBackground;
  std::optional<std::int64_t> grace_seconds;  // absent: the kind's own
};

class Client : public Reader {
 public:
  struct Options {
    std::string field_manager = "quorate-operator";
    std::chrono::milliseconds request_quiet_max{30'000};
    // Asked before every write; false makes it fail with kFailedPrecondition. Empty: always.
    std::function<bool()> may_write;
    // Called after each answer or failure (status 0), for metrics. Empty: nobody.
    std::function<void(std::string_view method, int status)> on_answer;
  };

  Client(Http& http, io::Clock& clock, Options options);

  Result<Json> Get(const Resource& resource, const ObjectRef& ref) override;
  // One page.
  Result<ObjectPage> ListPage(const Resource& resource, std::string_view ns,
                              const ListOptions& options);
  // All pages of one consistent listing; starts anew, once, when its continue token has become too
  // old.
  Result<ObjectPage> ListAll(const Resource& resource, std::string_view ns, ListOptions options);
  Result<std::vector<ObjectPtr>> List(const Resource& resource, std::string_view ns,
                                      std::string_view label_selector) override;

  // The object as the server stored it. `object` names its own namespace and name (or
  // generateName).
  Result<Json> Create(const Resource& resource, const Json& object);
  // Replaces; kAborted unless metadata.resourceVersion is current (when it is given).
  Result<Json> Update(const Resource& resource, const Json& object);
  Result<Json> UpdateStatus(const Resource& resource, const Json& object);
  Result<Json> Patch(const Resource& resource, const ObjectRef& ref, PatchType type,
                     const Json& patch, const PatchOptions& options);
  // Server-side apply: creates or changes exactly the fields that `object` has, and drops those it
  // had before.
  Result<Json> Apply(const Resource& resource, const Json& object, const PatchOptions& options);

  // Ok when the deletion was accepted, even if finalizers keep the object for a while. kNotFound
  // when it is not there; kAborted when a precondition does not hold.
  Status Delete(const Resource& resource, const ObjectRef& ref, const DeleteOptions& options);

  // See kube/watch.h. Returns at once.
  std::unique_ptr<WatchStream> Watch(const Resource& resource, std::string_view ns,
                                     const WatchOptions& options);

  // GET of any path ("/readyz", "/version"): the body.
  Result<std::string> GetRaw(std::string_view target);

 private:
  Result<Json> Call(HttpRequest request, std::string_view what);
  Result<HttpResponse> Exchange(const HttpRequest& request, std::string_view what);
  Status MayWrite(std::string_view what) const;
  Status NotThrottled(std::string_view what) const;
  void NoteRetryAfter(const HttpResponse& response);

  Http& http_;
  io::Clock& clock_;
  const Options options_;
  // Monotonic nanoseconds until which the server asked for silence; 0: it did not.
  std::atomic<std::int64_t> silent_until_{0};
};

}  // namespace quorate::kube
