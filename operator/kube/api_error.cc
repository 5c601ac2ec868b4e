#include "kube/api_error.h"

#include <array>
#include <nlohmann/json.hpp>
#include <string>

#include "kube/object.h"

namespace quorate::kube {
namespace {

struct Row {
  std::string_view name;  // as Status.reason
  Reason reason;
  Code code;
};

// The first row of a reason is its name; later ones are other spellings of it.
constexpr std::array kRows = {
    Row{"Unauthorized", Reason::kUnauthorized, Code::kUnauthenticated},
    Row{"Forbidden", Reason::kForbidden, Code::kPermissionDenied},
    Row{"NotFound", Reason::kNotFound, Code::kNotFound},
    Row{"AlreadyExists", Reason::kAlreadyExists, Code::kAlreadyExists},
    Row{"Conflict", Reason::kConflict, Code::kAborted},
    Row{"Gone", Reason::kGone, Code::kOutOfRange},
    Row{"Expired", Reason::kGone, Code::kOutOfRange},
    Row{"Invalid", Reason::kInvalid, Code::kInvalidArgument},
    Row{"BadRequest", Reason::kInvalid, Code::kInvalidArgument},
    Row{"NotAcceptable", Reason::kInvalid, Code::kInvalidArgument},
    Row{"UnsupportedMediaType", Reason::kInvalid, Code::kInvalidArgument},
    Row{"RequestEntityTooLarge", Reason::kInvalid, Code::kInvalidArgument},
    Row{"TooManyRequests", Reason::kTooManyRequests, Code::kResourceExhausted},
    Row{"MethodNotAllowed", Reason::kMethodNotAllowed, Code::kUnimplemented},
    Row{"Timeout", Reason::kTimeout, Code::kDeadlineExceeded},
    Row{"ServerTimeout", Reason::kTimeout, Code::kDeadlineExceeded},
    Row{"ServiceUnavailable", Reason::kServiceUnavailable, Code::kUnavailable},
    Row{"InternalError", Reason::kInternal, Code::kInternal},
    Row{"NotLeading", Reason::kNotLeading, Code::kFailedPrecondition},
    Row{"Cancelled", Reason::kCancelled, Code::kCancelled},
};

Code CodeOfStatus(int status) {
  switch (status) {
    case 400:
    case 406:
    case 413:
    case 415:
    case 422:
      return Code::kInvalidArgument;
    case 401:
      return Code::kUnauthenticated;
    case 403:
      return Code::kPermissionDenied;
    case 404:
      return Code::kNotFound;
    case 405:
      return Code::kUnimplemented;
    case 408:
    case 504:
      return Code::kDeadlineExceeded;
    case 409:
      return Code::kAborted;
    case 410:
      return Code::kOutOfRange;
    case 429:
      return Code::kResourceExhausted;
    case 502:
    case 503:
      return Code::kUnavailable;
    default:
      return status >= 500 ? Code::kInternal : Code::kUnknown;
  }
}

Error FromStatus(const Json& body, int status, std::string_view what) {
  const std::string reason = Text(body, "/reason");
  std::string message = Text(body, "/message");
  if (status == 0) status = static_cast<int>(Number(body, "/code"));
  Code code = CodeOfStatus(status);
  for (const Row& row : kRows) {
    if (row.name == reason) {
      code = row.code;
      break;
    }
  }
  if (message.empty()) message = "the API server answered " + std::to_string(status);
  return Annotate(Error{code, std::move(message)}, what);
}

}  // namespace

std::string_view ToString(Reason reason) {
  for (const Row& row : kRows) {
    if (row.reason == reason) return row.name;
  }
  return "Unknown";
}

Reason ReasonOf(const Error& error) {
  for (const Row& row : kRows) {
    if (row.code == error.code) return row.reason;
  }
  return Reason::kUnknown;
}

Error MakeApiError(const HttpResponse& response, std::string_view what) {
  const Json body = Json::parse(response.body, nullptr, /*allow_exceptions=*/false);
  if (body.is_object() && Text(body, "/kind") == "Status") {
    return FromStatus(body, response.status, what);
  }
  // Not from the API server itself: a proxy, or a handler that answers with plain text.
  std::string message = "the server answered " + std::to_string(response.status);
  if (!response.body.empty()) {
    message += ": " + response.body.substr(0, response.body.find('\n')).substr(0, 300);
  }
  return Annotate(Error{CodeOfStatus(response.status), std::move(message)}, what);
}

Error MakeStatusError(std::string_view status_json, std::string_view what) {
  const Json body = Json::parse(status_json, nullptr, /*allow_exceptions=*/false);
  if (!body.is_object()) {
    return Annotate(Error{Code::kInternal, "an error that is not a Status object"}, what);
  }
  return FromStatus(body, 0, what);
}

}  // namespace quorate::kube
