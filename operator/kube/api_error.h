// Reason: why the API server refused, as an enum.
//
// Every failure of Client is a base Error, so TRY and Annotate work as everywhere. Its code carries
// the reason one to one, and ReasonOf() gives it its Kubernetes name; nobody matches texts.
//
// Source: metav1.Status and its StatusReason values.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"
#include "kube/http.h"

namespace quorate::kube {

enum class Reason : std::uint8_t {
  kUnknown,        // code kUnknown
  kUnauthorized,   // kUnauthenticated
  kForbidden,      // kPermissionDenied: no right, or the namespace is terminating
  kNotFound,       // kNotFound
  kAlreadyExists,  // kAlreadyExists
  // kAborted: stale resourceVersion, failed precondition, or another field manager's field
  kConflict,
  kGone,     // kOutOfRange: the resourceVersion or continue token is too old: list again
  kInvalid,  // kInvalidArgument: the object or the request is malformed
  // kResourceExhausted: 429, or the client still honours an earlier Retry-After
  kTooManyRequests,
  kMethodNotAllowed,    // kUnimplemented
  kTimeout,             // kDeadlineExceeded: the outcome of a write is unknown
  kServiceUnavailable,  // kUnavailable: not reached, or 503; the outcome of a write is unknown
  kInternal,            // kInternal
  // kFailedPrecondition: this process may not write now (Client::Options::may_write)
  kNotLeading,
  kCancelled,  // kCancelled
};

std::string_view ToString(Reason reason);
Reason ReasonOf(const Error& error);

inline bool IsNotFound(const Error& error) {
  return error.code == Code::kNotFound;
}
inline bool IsConflict(const Error& error) {
  return error.code == Code::kAborted;
}
inline bool IsAlreadyExists(const Error& error) {
  return error.code == Code::kAlreadyExists;
}
inline bool IsGone(const Error& error) {
  return error.code == Code::kOutOfRange;
}
// The server did not say yes or no: a write may or may not have happened. Look before doing it
// again.
inline bool IsOutcomeUnknown(const Error& error) {
  return error.code == Code::kUnavailable || error.code == Code::kDeadlineExceeded ||
         error.code == Code::kInternal || error.code == Code::kUnknown;
}

// The Error an answer with status >= 400 means; reads the Status object in its body when there is
// one. `what` names the request: "get pods default/a".
Error MakeApiError(const HttpResponse& response, std::string_view what);

// The Error a Status object means (an ERROR event of a watch carries one as its text).
Error MakeStatusError(std::string_view status_json, std::string_view what);

}  // namespace quorate::kube
