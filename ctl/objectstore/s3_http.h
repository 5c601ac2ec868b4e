// S3Http: one signed request at a time over a kept connection, repeated when repeating helps.
//
// The only file pair that includes libcurl.
// Thread: one at a time.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "objectstore/object_store.h"
#include "objectstore/s3_store.h"

namespace quorate::objectstore {

struct S3Request {
  const char* method = "GET";
  std::string path;  // encoded, "/bucket/key"
  std::map<std::string, std::string> query{};
  std::map<std::string, std::string> headers{};
  std::string_view body{};
  std::string address;  // for texts: "s3://bucket/key"
};

struct S3Response {
  long status = 0;
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;                            // empty when a sink took it
};

class S3Http {
 public:
  static Result<std::unique_ptr<S3Http>> Make(const S3Options& options);
  virtual ~S3Http() = default;

  // A status of 300 and more is an Error with the store's own code and message.
  virtual Result<S3Response> Send(const S3Request& request) = 0;
  // Body to the sink from `offset` on; a transfer that breaks is taken up where it was.
  virtual Status Download(S3Request request, std::uint64_t offset, const Sink& sink) = 0;
};

// "403 SignatureDoesNotMatch: ..." with the code that fits.
Error S3Error(const S3Request& request, long status, std::string_view body);

}  // namespace quorate::objectstore
