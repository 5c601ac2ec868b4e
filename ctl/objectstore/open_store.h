// OpenStore: a store as users name it: s3://bucket/prefix or dir:///path.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "io/disk.h"
#include "objectstore/object_store.h"

namespace quorate::objectstore {

struct StoreFlags {
  std::string store{};        // s3://bucket[/prefix] or dir:///path
  std::string s3_endpoint{};  // empty: AWS
  std::string s3_region{};    // empty: AWS_REGION, AWS_DEFAULT_REGION or us-east-1
  std::string s3_ca{};        // file; empty: the system's CAs
};

// environment: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN; without the first two
// the "default" section of the file AWS_SHARED_CREDENTIALS_FILE. kInvalidArgument: a flag that
// cannot be understood, or no credentials.
Result<std::unique_ptr<ObjectStore>> OpenStore(
    const StoreFlags& flags, io::Disk& disk,
    const std::function<std::optional<std::string>(const std::string&)>& environment);

}  // namespace quorate::objectstore
