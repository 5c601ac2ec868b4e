#include "runtime/store.h"

#include "base/check.h"

namespace quorate::runtime {

void Store::Apply(const Change& change) {
  const kube::ObjectRef ref = kube::RefOf(change.object());
  MutexLock lock(mutex_);
  if (change.after) {
    objects_[ref] = change.after;
  } else {
    objects_.erase(ref);
  }
}

kube::ObjectPtr Store::Get(const kube::ObjectRef& ref) const {
  MutexLock lock(mutex_);
  const auto it = objects_.find(ref);
  return it == objects_.end() ? nullptr : it->second;
}

std::vector<kube::ObjectPtr> Store::List(std::string_view ns,
                                         std::string_view label_selector) const {
  std::vector<kube::ObjectPtr> out;
  MutexLock lock(mutex_);
  auto it = ns.empty() ? objects_.begin() : objects_.lower_bound({std::string(ns), ""});
  for (; it != objects_.end() && (ns.empty() || it->first.ns == ns); ++it) {
    const bool matches =
        label_selector.empty() ||
        kube::LabelsMatch(kube::TextMap(*it->second, "/metadata/labels"), label_selector);
    if (matches) out.push_back(it->second);
  }
  return out;
}

std::size_t Store::size() const {
  MutexLock lock(mutex_);
  return objects_.size();
}

Store& Caches::Add(const kube::Resource& resource, const std::string& label_selector) {
  auto& store = stores_[resource];
  CHECK(store == nullptr);
  store = std::make_unique<Store>(label_selector);
  return *store;
}

Result<kube::Json> Caches::Get(const kube::Resource& resource, const kube::ObjectRef& ref) {
  const auto it = stores_.find(resource);
  if (it == stores_.end()) return live_.Get(resource, ref);
  if (const auto object = it->second->Get(ref)) return *object;
  if (!it->second->label_selector().empty()) return live_.Get(resource, ref);
  return Error{Code::kNotFound, std::string(resource.plural) + " \"" + ref.name + "\" not found"};
}

Result<std::vector<kube::ObjectPtr>> Caches::List(const kube::Resource& resource,
                                                  std::string_view ns,
                                                  std::string_view label_selector) {
  const auto it = stores_.find(resource);
  if (it == stores_.end()) return live_.List(resource, ns, label_selector);
  return it->second->List(ns, label_selector);
}

}  // namespace quorate::runtime
