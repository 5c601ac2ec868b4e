// Store: the objects of one informer, readable from any thread.
//
// Objects are shared and never changed, without their managedFields. Caches are the stores of all
// informers as one kube::Reader; a kind without an informer is read live.
//
// Invariants: what a Store holds was true once, perhaps not now: who destroys reads live.
// Thread: any.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "kube/reader.h"
#include "runtime/informer.h"

namespace quorate::runtime {

class Store {
 public:
  explicit Store(std::string label_selector) : label_selector_(std::move(label_selector)) {}

  void Apply(const Change& change);

  // nullptr when there is none.
  kube::ObjectPtr Get(const kube::ObjectRef& ref) const;
  std::vector<kube::ObjectPtr> List(std::string_view ns, std::string_view label_selector) const;
  std::size_t size() const;
  // Objects without these labels are not here.
  const std::string& label_selector() const { return label_selector_; }

 private:
  const std::string label_selector_;
  mutable Mutex mutex_;
  std::map<kube::ObjectRef, kube::ObjectPtr> objects_ QUORATE_GUARDED_BY(mutex_);
};

class Caches : public kube::Reader {
 public:
  // live: asked for kinds without a store.
  explicit Caches(kube::Reader& live) : live_(live) {}

  // Before anybody reads. REQUIRES: at most one store for a kind.
  Store& Add(const kube::Resource& resource, const std::string& label_selector);

  // From a store that holds only labelled objects, Get asks live for what it does not find.
  Result<kube::Json> Get(const kube::Resource& resource, const kube::ObjectRef& ref) override;
  Result<std::vector<kube::ObjectPtr>> List(const kube::Resource& resource, std::string_view ns,
                                            std::string_view label_selector) override;

 private:
  kube::Reader& live_;
  std::map<kube::Resource, std::unique_ptr<Store>> stores_;
};

}  // namespace quorate::runtime
