// EventRecorder: tells people, in `kubectl describe`, what happened to an object.
//
// events.k8s.io/v1. The same event again within six minutes becomes a series with a count. An
// object that causes too many is silenced for a while (25 at once, then one in five minutes). An
// event that cannot be written is dropped with a line in the log: events never hold up work.
//
// Ownership: borrows client and clock.
// Thread: any.
// Source: client-go tools/events (series, limits).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "base/mutex.h"
#include "io/clock.h"
#include "kube/client.h"

namespace quorate::runtime {

enum class EventType : std::uint8_t { kNormal, kWarning };

class EventRecorder {
 public:
  struct Options {
    std::string controller = "quorate.dev/operator";
    std::string instance = "quorate-operator";  // the pod's name
  };

  EventRecorder(kube::Client& client, io::Clock& clock, Options options);

  // object: whom it is about, with apiVersion, kind and metadata. reason: CamelCase, what happened;
  // action: CamelCase, what was done; note: a sentence (cut at 1024 bytes).
  void Record(const kube::Json& object, EventType type, std::string_view reason,
              std::string_view action, std::string_view note);

 private:
  struct Series {
    kube::ObjectRef ref;
    std::int64_t count = 1;
    io::Clock::Instant last{};
  };
  struct Budget {
    double tokens = 25;
    io::Clock::Instant refilled{};
  };

  bool Spend(const std::string& uid, io::Clock::Instant now) QUORATE_REQUIRES(mutex_);
  void Forget(io::Clock::Instant now) QUORATE_REQUIRES(mutex_);

  kube::Client& client_;
  io::Clock& clock_;
  const Options options_;
  Mutex mutex_;
  std::map<std::string, Series> series_ QUORATE_GUARDED_BY(mutex_);
  std::map<std::string, Budget> budgets_ QUORATE_GUARDED_BY(mutex_);  // by object uid
  std::uint64_t serial_ QUORATE_GUARDED_BY(mutex_) = 0;
};

}  // namespace quorate::runtime
