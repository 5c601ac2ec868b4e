#include "etcdclient/retry.h"

#include <string_view>

namespace quorate::etcdclient {
namespace {

bool TokenIsStale(std::string_view text) {
  return text == "etcdserver: invalid auth token" ||
         text == "etcdserver: revision of auth store is old" ||
         text == "etcdserver: user name is empty";
}

}  // namespace

AfterFailure Decide(const Method& method, const Error& error, bool sent, bool has_credentials) {
  if (has_credentials && TokenIsStale(error.message)) return AfterFailure::kNewToken;
  if (error.code != Code::kUnavailable) return AfterFailure::kGiveUp;
  return method.repeatable || !sent ? AfterFailure::kNextEndpoint : AfterFailure::kGiveUp;
}

}  // namespace quorate::etcdclient
