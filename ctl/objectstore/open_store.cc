#include "objectstore/open_store.h"

#include <utility>

#include "objectstore/directory_store.h"
#include "objectstore/s3_store.h"
#include "objectstore/s3_text.h"

namespace quorate::objectstore {

Result<std::unique_ptr<ObjectStore>> OpenStore(
    const StoreFlags& flags, io::Disk& disk,
    const std::function<std::optional<std::string>(const std::string&)>& environment) {
  const std::string directory = "dir://";
  const std::string s3 = "s3://";
  if (flags.store.starts_with(directory)) {
    const std::string root = flags.store.substr(directory.size());
    if (!root.starts_with("/")) {
      return Error{Code::kInvalidArgument,
                   "store \"" + flags.store + "\" needs an absolute path: dir:///path"};
    }
    return std::unique_ptr<ObjectStore>(std::make_unique<DirectoryStore>(disk, root));
  }
  if (!flags.store.starts_with(s3)) {
    return Error{Code::kInvalidArgument,
                 "store \"" + flags.store + "\" is neither s3://bucket/prefix nor dir:///path"};
  }
  const std::string place = flags.store.substr(s3.size());
  const auto slash = place.find('/');
  S3Options options;
  options.bucket = place.substr(0, slash);
  if (slash != std::string::npos) options.prefix = place.substr(slash + 1);
  while (options.prefix.ends_with("/")) options.prefix.pop_back();
  options.endpoint = flags.s3_endpoint;
  const auto variable = [&](const char* name) { return environment(name).value_or(""); };
  options.region = flags.s3_region;
  if (options.region.empty()) options.region = variable("AWS_REGION");
  if (options.region.empty()) options.region = variable("AWS_DEFAULT_REGION");
  if (options.region.empty()) options.region = "us-east-1";
  options.access_key_id = variable("AWS_ACCESS_KEY_ID");
  options.secret_access_key = variable("AWS_SECRET_ACCESS_KEY");
  options.session_token = variable("AWS_SESSION_TOKEN");
  const std::string file = variable("AWS_SHARED_CREDENTIALS_FILE");
  if (options.access_key_id.empty() && !file.empty()) {
    auto section = DefaultSection(TRY(io::ReadFile(disk, file)));
    options.access_key_id = section["aws_access_key_id"];
    options.secret_access_key = section["aws_secret_access_key"];
    options.session_token = section["aws_session_token"];
  }
  if (!flags.s3_ca.empty()) options.ca = TRY(io::ReadFile(disk, flags.s3_ca));
  return MakeS3Store(options);
}

}  // namespace quorate::objectstore
