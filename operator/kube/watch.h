// WatchStream: the changes of a collection as the API server tells them.
//
// One watch ends sooner or later; the informer (runtime/informer.h) knows how to go on. Bookmarks
// are asked for always: they keep the resourceVersion fresh and show that a quiet watch is alive.
//
// Ownership: owns the HttpStream.
// Thread: Next() from one thread at a time; Cancel() from any.
// Source: client-go's reflector (behaviour).
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "base/result.h"
#include "kube/http.h"
#include "kube/object.h"

namespace quorate::kube {

struct WatchOptions {
  std::string label_selector;
  std::string field_selector;
  std::string resource_version;                 // changes after this one
  std::chrono::seconds timeout{300};            // the server ends the watch cleanly after this
  std::chrono::milliseconds quiet_max{90'000};  // without one byte for this long the watch is dead
};

struct WatchEvent {
  enum class Kind { kAdded, kModified, kDeleted, kBookmark, kEnd, kIdle };
  Kind kind = Kind::kIdle;
  Json object;                   // kAdded, kModified, kDeleted (the last state)
  std::string resource_version;  // of the object or bookmark
};

class WatchStream {
 public:
  WatchStream(std::unique_ptr<HttpStream> stream, std::string what);

  // Waits at most `patience`; kIdle when it has passed, kEnd when the server ended the watch
  // cleanly. An ERROR event and a refusal are Errors: kOutOfRange (410) means list again.
  Result<WatchEvent> Next(std::chrono::milliseconds patience);
  void Cancel();

 private:
  Result<WatchEvent> Parse(const std::string& line) const;

  std::unique_ptr<HttpStream> stream_;
  const std::string what_;  // "watch pods", for error texts
};

}  // namespace quorate::kube
