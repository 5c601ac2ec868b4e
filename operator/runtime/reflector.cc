#include "runtime/reflector.h"

#include <algorithm>
#include <utility>

#include "base/log.h"

namespace quorate::runtime {

Reflector::Reflector(kube::Client& client, io::Clock& clock, io::Random& random,
                     Informer::Options options, Store& store, OnChange on_change)
    : client_(client),
      clock_(clock),
      informer_(std::move(options), random),
      store_(store),
      on_change_(std::move(on_change)) {}

bool Reflector::Step(std::chrono::milliseconds patience) {
  bool watching = false;
  {
    MutexLock lock(mutex_);
    if (stopped_) return false;
    watching = watch_ != nullptr;
  }
  if (watching) return StepWatch({}, patience);  // an open watch is read until it ends
  const Informer::Next next = informer_.next(clock_.Now());
  switch (next.what) {
    case Informer::Next::What::kWait:
      return Wait(std::min(
          patience, std::chrono::ceil<std::chrono::milliseconds>(next.not_before - clock_.Now())));
    case Informer::Next::What::kList:
      return StepList(next.list);
    case Informer::Next::What::kWatch:
      return StepWatch(next.watch, patience);
  }
  return false;
}

void Reflector::Stop() {
  std::shared_ptr<kube::WatchStream> watch;
  {
    MutexLock lock(mutex_);
    stopped_ = true;
    watch = watch_;
  }
  stopping_.notify_all();
  if (watch) watch->Cancel();
}

std::string Reflector::trouble() const {
  MutexLock lock(mutex_);
  return trouble_;
}

bool Reflector::StepList(const kube::ListOptions& options) {
  auto page = client_.ListPage(informer_.options().resource, informer_.options().ns, options);
  if (page.ok()) {
    informer_.OnPage(std::move(page).value(), clock_.Now());
  } else {
    const kube::Resource& resource = informer_.options().resource;
    Error error = page.error();
    if (kube::IsNotFound(error) && resource.group == kube::resources::kQuorateGroup) {
      error.message += "; install the CustomResourceDefinitions (crds/)";
    }
    Note(error);
    informer_.OnListFailed(error, clock_.Now());
  }
  Publish();
  return true;
}

bool Reflector::StepWatch(const kube::WatchOptions& options, std::chrono::milliseconds patience) {
  std::shared_ptr<kube::WatchStream> watch;
  {
    MutexLock lock(mutex_);
    if (stopped_) return false;
    if (!watch_) {
      watch_ = client_.Watch(informer_.options().resource, informer_.options().ns, options);
    }
    watch = watch_;
  }
  auto event = watch->Next(patience);
  if (event.ok() && event->kind == kube::WatchEvent::Kind::kIdle) return false;
  if (event.ok() && event->kind != kube::WatchEvent::Kind::kEnd) {
    informer_.OnEvent(std::move(event).value());
  } else {
    {
      MutexLock lock(mutex_);
      watch_.reset();
      if (stopped_) return false;
    }
    if (event.ok()) {
      informer_.OnWatchEnded(clock_.Now());
    } else {
      Note(event.error());
      informer_.OnWatchFailed(event.error(), clock_.Now());
    }
  }
  Publish();
  return true;
}

bool Reflector::Wait(std::chrono::milliseconds patience) {
  if (patience.count() <= 0) return false;
  MutexLock lock(mutex_);
  stopping_.wait_for(mutex_, patience, [this]() QUORATE_REQUIRES(mutex_) { return stopped_; });
  return false;
}

void Reflector::Publish() {
  for (const Change& change : informer_.TakeChanges()) {
    store_.Apply(change);
    if (on_change_) on_change_(change);
  }
  synced_ = informer_.synced();
  MutexLock lock(mutex_);
  trouble_ = informer_.trouble();
}

void Reflector::Note(const Error& error) {
  if (kube::IsGone(error)) return;  // ordinary: the next list repairs it
  MutexLock lock(mutex_);
  if (trouble_ == error.message) return;  // said once
  log::Warn("cannot follow objects; trying again",
            {{"resource", informer_.options().resource.plural}, {"error", error.message}});
}

}  // namespace quorate::runtime
