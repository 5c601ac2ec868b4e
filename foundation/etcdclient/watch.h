// Watch: the events of one key range, in order and without gaps, across lost connections.
//
//   auto watch = TRY(Watch::Start(*client, request));
//   while (true) {
//     auto response = TRY(watch->Next(1s));
//     if (!response) continue;             // nothing yet
//     if (response->canceled()) return WhyEnded(*response);  // no more will come
//     for (const auto& event : response->events()) ...
//   }
//
// When the stream breaks the watch opens another, at any endpoint, one revision after the last it
// has handed out; the caller sees at most a pause. Only what the server says by `canceled` ends it.
//
// Invariants: revisions of events never go back; no event is handed out twice.
// Ownership: borrows the client.
// Thread: one thread; Cancel from any.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <optional>

#include "etcdclient/client.h"

namespace quorate::etcdclient {

// What the server ended a watch for, in the words of etcd's client. REQUIRES: response.canceled().
Error WhyEnded(const etcdserverpb::WatchResponse& response);

class Watch {
 public:
  // Returns once the server confirmed the watch, so that a later put is certainly seen. A refusal
  // (permission, compacted revision) is not an error here: it is the first response of Next.
  static Result<std::unique_ptr<Watch>> Start(Client& client,
                                              const etcdserverpb::WatchCreateRequest& request,
                                              const CallOptions& options = {});

  // The next response with events, a progress notice (no events) or the end (canceled). nullopt:
  // none within timeout. kCancelled after Cancel(); kDeadlineExceeded when no endpoint could be
  // reached within the call timeout.
  Result<std::optional<etcdserverpb::WatchResponse>> Next(
      std::optional<std::chrono::milliseconds> timeout);

  // Asks for a progress notice: all events up to its header.revision have been handed out before
  // it.
  Status RequestProgress();

  void Cancel();

 private:
  Watch(Client& client, etcdserverpb::WatchCreateRequest request, CallOptions options);

  // A new stream, and the server's word that the watch is there.
  Status Reopen();
  // Notes how far the watch has come and makes ready what the caller gets; parts of one answer are
  // put together first.
  void Take(etcdserverpb::WatchResponse response);

  Client& client_;
  etcdserverpb::WatchCreateRequest request_;  // start_revision moves on with what was handed out
  CallOptions options_;
  std::mutex
      stream_mutex_;  // guards the pointer against Cancel; only the watch's thread changes it
  std::unique_ptr<Stream> stream_;                      // null: broken, to be opened again
  std::optional<etcdserverpb::WatchResponse> ready_;    // for the next Next
  std::optional<etcdserverpb::WatchResponse> partial_;  // fragments so far
  std::atomic<bool> cancelled_ = false;
  bool ended_ = false;
};

}  // namespace quorate::etcdclient
