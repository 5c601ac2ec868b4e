// S3Store: an S3 bucket, or anything that speaks its protocol (MinIO, Ceph, ...).
//
// Addresses are path style (https://host/bucket/key); requests are signed with Signature Version 4
// over the body's SHA-256. A large object travels in parts. A request that failed for a reason that
// passes is repeated a few times.
//
// Source: Amazon S3 API reference (protocol), libcurl's AWS_SIGV4 (signature).
#pragma once

#include <memory>
#include <string>

#include "objectstore/object_store.h"

namespace quorate::objectstore {

struct S3Options {
  std::string bucket;
  std::string prefix;    // before every key; "" or "a/b" without slashes at its ends
  std::string endpoint;  // "https://host[:port]"; empty: AWS's own for the region
  std::string region = "us-east-1";
  std::string access_key_id;
  std::string secret_access_key;
  std::string session_token;  // of temporary credentials; empty: none
  std::string ca;             // PEM text of the CAs to trust; empty: the system's
  std::uint64_t part_bytes = 16ULL * 1024 * 1024;  // at least 5 MiB, at most 10000 parts an object
  int attempts = 5;                                // of each request
};

// No I/O. kInvalidArgument: an option that cannot be used.
Result<std::unique_ptr<ObjectStore>> MakeS3Store(const S3Options& options);

}  // namespace quorate::objectstore
