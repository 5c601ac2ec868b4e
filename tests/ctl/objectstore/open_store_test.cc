#include "objectstore/open_store.h"

#include <fstream>
#include <map>

#include "io/real_disk.h"
#include "peers/process.h"

namespace quorate::objectstore {
namespace {

using Variables = std::map<std::string, std::string>;

std::string Opened(const StoreFlags& flags, const Variables& variables = {}) {
  io::RealDisk disk;
  const auto store = OpenStore(flags, disk, [&](const std::string& name) {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional<std::string>(found->second);
  });
  return store.ok() ? (*store)->AddressOf("k") : store.error().message;
}

const Variables kKeys = {{"AWS_ACCESS_KEY_ID", "id"}, {"AWS_SECRET_ACCESS_KEY", "secret"}};

TEST(OpenStoreTest, UnderstandsBothKindsOfPlaces) {
  EXPECT_EQ(Opened({.store = "dir:///backups"}), "dir:///backups/k");
  EXPECT_EQ(Opened({.store = "s3://bucket"}, kKeys), "s3://bucket/k");
  EXPECT_EQ(Opened({.store = "s3://bucket/a/b/"}, kKeys), "s3://bucket/a/b/k");
}

TEST(OpenStoreTest, SaysWhatIsMissing) {
  EXPECT_EQ(Opened({.store = "ftp://x"}),
            "store \"ftp://x\" is neither s3://bucket/prefix nor dir:///path");
  EXPECT_EQ(Opened({.store = "dir://relative"}),
            "store \"dir://relative\" needs an absolute path: dir:///path");
  EXPECT_THAT(Opened({.store = "s3://bucket"}), testing::StartsWith("no S3 credentials"));
  EXPECT_EQ(Opened({.store = "s3://bucket", .s3_endpoint = "host:9000"}, kKeys),
            "S3 endpoint \"host:9000\" does not begin with https:// or http://");
}

TEST(OpenStoreTest, TakesCredentialsFromAFile) {
  const test::ScratchDirectory scratch;
  const std::string path = scratch.path() + "/credentials";
  std::ofstream(path) << "[other]\naws_access_key_id = no\n[default]\naws_access_key_id = id\n"
                         "aws_secret_access_key = secret\n";
  EXPECT_EQ(Opened({.store = "s3://bucket"}, {{"AWS_SHARED_CREDENTIALS_FILE", path}}),
            "s3://bucket/k");
}

}  // namespace
}  // namespace quorate::objectstore
