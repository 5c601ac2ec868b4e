#include "runtime/informer.h"

#include <algorithm>
#include <utility>

namespace quorate::runtime {

Informer::Informer(Options options, io::Random& random)
    : options_(std::move(options)), random_(random), backoff_({}) {}

Informer::Next Informer::next(io::Clock::Instant now) {
  Next next;
  if (now < not_before_) {
    next.what = Next::What::kWait;
    next.not_before = not_before_;
    return next;
  }
  if (version_.empty() || !continue_token_.empty()) {
    next.what = Next::What::kList;
    next.list.label_selector = options_.label_selector;
    next.list.continue_token = continue_token_;
    return next;
  }
  next.what = Next::What::kWatch;
  next.watch.label_selector = options_.label_selector;
  next.watch.resource_version = version_;
  const auto spread = options_.watch_timeout_max - options_.watch_timeout_min;
  next.watch.timeout = options_.watch_timeout_min +
                       std::chrono::seconds(static_cast<std::int64_t>(
                           random_.Below(static_cast<std::uint64_t>(spread.count()) + 1)));
  return next;
}

void Informer::OnPage(kube::ObjectPage page, io::Clock::Instant now) {
  for (kube::Json& item : page.items) Upsert(listing_, std::move(item));
  continue_token_ = std::move(page.continue_token);
  trouble_.clear();
  if (!continue_token_.empty()) return;
  version_ = std::move(page.resource_version);
  listed_at_ = now;
  ReplaceAll();
  synced_ = true;
  backoff_.Reset();
}

void Informer::OnListFailed(const Error& error, io::Clock::Instant now) {
  trouble_ = error.message;
  listing_.clear();
  continue_token_.clear();
  version_.clear();
  // A continue token that expired is no trouble: the listing starts anew.
  if (!kube::IsGone(error)) not_before_ = now + backoff_.Next(random_);
}

void Informer::OnEvent(kube::WatchEvent event) {
  using Kind = kube::WatchEvent::Kind;
  trouble_.clear();
  backoff_.Reset();
  if (!event.resource_version.empty()) version_ = event.resource_version;
  if (event.kind == Kind::kAdded || event.kind == Kind::kModified) {
    const kube::ObjectRef ref = kube::RefOf(event.object);
    const auto known = known_.find(ref);
    kube::ObjectPtr before = known == known_.end() ? nullptr : known->second;
    Upsert(known_, std::move(event.object));
    Tell(std::move(before), known_[ref]);
  } else if (event.kind == Kind::kDeleted) {
    const auto known = known_.find(kube::RefOf(event.object));
    if (known == known_.end()) return;
    Tell(known->second, nullptr);
    known_.erase(known);
  }
}

void Informer::OnWatchEnded(io::Clock::Instant now) {
  // At most one watch a second, whatever a server does.
  not_before_ = now + std::chrono::seconds(1);
  if (now - listed_at_ >= options_.relist_after) version_.clear();
}

void Informer::OnWatchFailed(const Error& error, io::Clock::Instant now) {
  if (kube::IsGone(error)) {
    version_.clear();
    return;
  }
  trouble_ = error.message;
  not_before_ = now + backoff_.Next(random_);
  const bool not_reached = error.code == Code::kUnavailable ||
                           error.code == Code::kDeadlineExceeded ||
                           error.code == Code::kResourceExhausted || error.code == Code::kCancelled;
  // A watch that broke off goes on; one that was refused starts from a new list.
  if (!not_reached) version_.clear();
}

std::vector<Change> Informer::TakeChanges() {
  return std::exchange(changes_, {});
}

void Informer::Upsert(Objects& into, kube::Json object) {
  if (const auto meta = object.find("metadata"); meta != object.end()) {
    meta->erase("managedFields");  // half the bytes of an object, and nobody reads them
  }
  const kube::ObjectRef ref = kube::RefOf(object);
  into[ref] = std::make_shared<const kube::Json>(std::move(object));
}

void Informer::Tell(kube::ObjectPtr before, kube::ObjectPtr after) {
  if (before && after && kube::ResourceVersion(*before) == kube::ResourceVersion(*after)) return;
  changes_.push_back({std::move(before), std::move(after)});
}

void Informer::ReplaceAll() {
  for (const auto& [ref, object] : known_) {
    if (!listing_.contains(ref)) Tell(object, nullptr);
  }
  for (const auto& [ref, object] : listing_) {
    const auto known = known_.find(ref);
    Tell(known == known_.end() ? nullptr : known->second, object);
  }
  known_ = std::exchange(listing_, {});
}

}  // namespace quorate::runtime
