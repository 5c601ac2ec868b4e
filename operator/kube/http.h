// Http: the door to an API server. One request and its answer, or one answer read line by line.
//
// RestClient is the real one; tests/sim/kube_api.h answers from memory. Both pass
// tests/contracts/kube_contract.h. The door knows nothing of Kubernetes: it carries bytes and
// status codes. Client (kube/client.h) gives them meaning.
//
// Errors: only "no answer": kUnavailable (not reached, or broken off), kDeadlineExceeded (took too
//   long), kCancelled, kUnauthenticated (the TLS handshake was refused). After such an error the
//   outcome of a write is unknown. Any status code, 500 included, is an answer and not an Error.
// Thread: any number of threads may use one Http at a time.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"

namespace quorate::kube {

struct HttpRequest {
  std::string method = "GET";
  std::string target;        // path and query, percent-encoded: "/api/v1/pods?limit=500"
  std::string content_type;  // of the body; empty when there is none
  std::string body;
};

struct HttpResponse {
  int status = 0;
  std::string content_type;
  std::optional<std::chrono::seconds> retry_after;  // the Retry-After header, when it is a number
  std::string body;
};

// HttpStream: an answer that goes on, read one line at a time.
//
// The first event is the head. A head whose status is not 200 carries its whole body (cut at 1 MiB)
// and is followed by the end. A clean end (the server finished) and a broken one (an Error) are
// told apart.
//
// Thread: Next() from one thread at a time; Cancel() from any.
class HttpStream {
 public:
  struct Event {
    enum class Kind { kHead, kLine, kEnd, kIdle };
    Kind kind = Kind::kIdle;
    HttpResponse head;  // kHead
    std::string line;   // kLine, without its newline
  };

  virtual ~HttpStream() = default;

  // Waits at most `patience` for the next event; kIdle when it has passed, and the stream lives on.
  // After kEnd or an Error every later call returns the same.
  virtual Result<Event> Next(std::chrono::milliseconds patience) = 0;

  // Breaks the connection. A Next() that waits returns kCancelled at once.
  virtual void Cancel() = 0;
};

class Http {
 public:
  virtual ~Http() = default;

  // Sends the request and waits for the whole answer, as long as bytes keep coming within
  // `quiet_max`.
  virtual Result<HttpResponse> Send(const HttpRequest& request,
                                    std::chrono::milliseconds quiet_max) = 0;

  // Starts a request whose answer is read as it comes; returns at once. A stream on which no byte
  // came for `quiet_max` is dead and ends with kDeadlineExceeded: a watch must ask for bookmarks,
  // or for a timeout shorter than that.
  virtual std::unique_ptr<HttpStream> Open(const HttpRequest& request,
                                           std::chrono::milliseconds quiet_max) = 0;
};

}  // namespace quorate::kube
