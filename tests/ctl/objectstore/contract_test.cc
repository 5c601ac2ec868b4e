// What every ObjectStore must do, asked of a directory and of a real MinIO that verifies
// signatures.
#include <filesystem>
#include <memory>

#include "io/real_disk.h"
#include "objectstore/directory_store.h"
#include "objectstore/s3_store.h"
#include "peers/minio.h"

namespace quorate::objectstore {
namespace {

template <typename T>
testing::AssertionResult Ok(const Result<T>& result) {
  if (result.ok()) return testing::AssertionSuccess();
  return testing::AssertionFailure() << result.error().message;
}

using test::MinioServer;
using test::Part;

// One MinIO for all tests of the process; every test has a prefix of its own.
MinioServer& Minio() {
  static MinioServer minio(Part("minio"));
  return minio;
}

S3Options MinioOptions(const std::string& prefix) {
  S3Options options;
  options.bucket = MinioServer::kBucket;
  options.prefix = prefix;
  options.endpoint = Minio().endpoint();
  options.access_key_id = MinioServer::kAccessKey;
  options.secret_access_key = MinioServer::kSecretKey;
  options.part_bytes = 5ULL * 1024 * 1024;
  options.attempts = 3;
  return options;
}

class ObjectStoreContract : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (std::string(GetParam()) == "Directory") {
      store_ = std::make_unique<DirectoryStore>(disk_, scratch_.path() + "/store");
      return;
    }
    if (Part("minio").empty()) FAIL() << test::kNoMinio;
    ASSERT_TRUE(Minio().AwaitReady()) << Minio().Log();
    static int tests = 0;
    store_ = MakeS3Store(MinioOptions("t" + std::to_string(++tests))).value();
  }

  Result<std::string> GetAll(const std::string& key) { return Get(*store_, key, 1ULL << 30U); }

  test::ScratchDirectory scratch_;
  io::RealDisk disk_;
  std::unique_ptr<ObjectStore> store_;
};

INSTANTIATE_TEST_SUITE_P(Stores, ObjectStoreContract, testing::Values("Directory", "S3"),
                         [](const auto& param) { return std::string(param.param); });

TEST_P(ObjectStoreContract, GivesBackWhatWasPut) {
  const std::string bytes("a\0b\xff\n", 5);
  ASSERT_TRUE(Ok(store_->Put("a/b", bytes)));
  EXPECT_EQ(GetAll("a/b").value(), bytes);
  EXPECT_EQ(store_->Head("a/b").value(), (ObjectInfo{"a/b", 5}));
}

TEST_P(ObjectStoreContract, PutReplacesAndAnEmptyObjectIsAnObject) {
  ASSERT_TRUE(Ok(store_->Put("k", "long before")));
  ASSERT_TRUE(Ok(store_->Put("k", "")));
  EXPECT_EQ(GetAll("k").value(), "");
  EXPECT_EQ(store_->Head("k")->size, 0U);
}

TEST_P(ObjectStoreContract, AMissingObjectIsNotFound) {
  EXPECT_EQ(GetAll("no/such").error().code, Code::kNotFound);
  EXPECT_EQ(store_->Head("no/such").error().code, Code::kNotFound);
  EXPECT_TRUE(Ok(store_->Delete("no/such")));
}

TEST_P(ObjectStoreContract, ListsEveryKeyOfAPrefixInOrder) {
  for (const char* key : {"b/2", "b/1/x", "a", "b-c", "b/10"}) {
    ASSERT_TRUE(Ok(store_->Put(key, "123"))) << key;
  }
  const std::vector<ObjectInfo> expected = {{"b/1/x", 3}, {"b/10", 3}, {"b/2", 3}};
  EXPECT_EQ(store_->List("b/").value(), expected);
  EXPECT_EQ(store_->List("").value().size(), 5U);
  EXPECT_TRUE(store_->List("zz").value().empty());
}

TEST_P(ObjectStoreContract, OddNamesSurvive) {
  const std::string key = "a b/c+d=e&f/ä.'json";
  ASSERT_TRUE(Ok(store_->Put(key, "x")));
  EXPECT_EQ(GetAll(key).value(), "x");
  EXPECT_EQ(store_->List("a b/").value(), (std::vector<ObjectInfo>{{key, 1}}));
}

TEST_P(ObjectStoreContract, DeleteRemovesOnlyThatObject) {
  ASSERT_TRUE(Ok(store_->Put("d/1", "x")));
  ASSERT_TRUE(Ok(store_->Put("d/12", "x")));
  ASSERT_TRUE(Ok(store_->Delete("d/1")));
  EXPECT_EQ(store_->List("d/").value(), (std::vector<ObjectInfo>{{"d/12", 1}}));
}

TEST_P(ObjectStoreContract, AnUploadIsSeenOnlyWhenFinished) {
  auto upload = store_->BeginUpload("u").value();
  ASSERT_TRUE(Ok(upload->Write("one ")));
  ASSERT_TRUE(Ok(upload->Write("two")));
  EXPECT_EQ(store_->Head("u").error().code, Code::kNotFound);
  EXPECT_TRUE(store_->List("").value().empty());
  ASSERT_TRUE(Ok(upload->Finish()));
  EXPECT_EQ(GetAll("u").value(), "one two");
}

TEST_P(ObjectStoreContract, AnAbandonedUploadLeavesNothing) {
  {
    auto upload = store_->BeginUpload("u").value();
    ASSERT_TRUE(Ok(upload->Write(std::string(6UL << 20U, 'x'))));
  }
  EXPECT_EQ(store_->Head("u").error().code, Code::kNotFound);
  EXPECT_TRUE(store_->List("").value().empty());
}

TEST_P(ObjectStoreContract, ALargeUploadTravelsInPartsAndCanBeReadFromTheMiddle) {
  std::string bytes;
  for (int i = 0; bytes.size() < (12UL << 20U); ++i) bytes += std::to_string(i) + ",";
  auto upload = store_->BeginUpload("large").value();
  for (std::size_t at = 0; at < bytes.size(); at += 1'000'003) {
    ASSERT_TRUE(Ok(upload->Write(std::string_view(bytes).substr(at, 1'000'003))));
  }
  ASSERT_TRUE(Ok(upload->Finish()));
  EXPECT_EQ(store_->Head("large")->size, bytes.size());
  EXPECT_TRUE(GetAll("large").value() == bytes);
  std::string tail;
  ASSERT_TRUE(store_
                  ->Read("large", bytes.size() - 5,
                         [&](std::string_view piece) -> Status {
                           tail += piece;
                           return {};
                         })
                  .ok());
  EXPECT_EQ(tail, bytes.substr(bytes.size() - 5));
}

TEST_P(ObjectStoreContract, ASinksErrorComesBack) {
  ASSERT_TRUE(Ok(store_->Put("k", "x")));
  const auto stop = [](std::string_view) -> Status { return Error{Code::kAborted, "enough"}; };
  EXPECT_EQ(store_->Read("k", 0, stop).error(), (Error{Code::kAborted, "enough"}));
  EXPECT_EQ(Get(*store_, "k", 0).error().code, Code::kResourceExhausted);
}

TEST_P(ObjectStoreContract, KeysThatLeaveTheStoreAreRefused) {
  EXPECT_EQ(store_->Put("../x", "x").error().code, Code::kInvalidArgument);
  EXPECT_EQ(GetAll("a//b").error().code, Code::kInvalidArgument);
  EXPECT_EQ(store_->Delete("").error().code, Code::kInvalidArgument);
}

TEST(S3StoreTest, AWrongSecretIsPermissionDeniedInTheStoresWords) {
  if (Part("minio").empty()) FAIL() << test::kNoMinio;
  ASSERT_TRUE(Minio().AwaitReady()) << Minio().Log();
  S3Options options = MinioOptions("x");
  options.secret_access_key = "wrong";
  const auto put = MakeS3Store(options).value()->Put("k", "v");
  ASSERT_FALSE(put.ok());
  EXPECT_EQ(put.error().code, Code::kPermissionDenied);
  EXPECT_THAT(put.error().message,
              testing::StartsWith("s3://backups/x/k: HTTP status 403 SignatureDoesNotMatch: "));
}

TEST(S3StoreTest, AMissingBucketIsNotFoundAndNamed) {
  if (Part("minio").empty()) FAIL() << test::kNoMinio;
  ASSERT_TRUE(Minio().AwaitReady()) << Minio().Log();
  S3Options options = MinioOptions("x");
  options.bucket = "nosuchbucket";
  const auto listed = MakeS3Store(options).value()->List("");
  ASSERT_FALSE(listed.ok());
  EXPECT_EQ(listed.error().code, Code::kNotFound);
  EXPECT_THAT(listed.error().message, testing::HasSubstr("404 NoSuchBucket"));
}

TEST(S3StoreTest, AStoreThatIsDownIsUnavailable) {
  S3Options options;
  options.bucket = "backups";
  options.endpoint = "http://127.0.0.1:1";
  options.access_key_id = "a";
  options.secret_access_key = "b";
  options.attempts = 2;
  const auto put = MakeS3Store(options).value()->Put("k", "v");
  ASSERT_FALSE(put.ok());
  EXPECT_EQ(put.error().code, Code::kUnavailable);
  EXPECT_THAT(put.error().message, testing::HasSubstr("127.0.0.1 port 1"));
}

TEST(S3StoreTest, TlsTrustsOnlyTheGivenCa) {
  if (Part("minio").empty()) FAIL() << test::kNoMinio;
  const test::TestCertificates certificates;
  MinioServer minio(Part("minio"), &certificates);
  ASSERT_TRUE(minio.AwaitReady()) << minio.Log();
  S3Options options = MinioOptions("x");
  options.endpoint = minio.endpoint();
  options.attempts = 1;
  EXPECT_FALSE(MakeS3Store(options).value()->Put("k", "v").ok());
  options.ca = certificates.ca();
  const auto put = MakeS3Store(options).value()->Put("k", "v");
  EXPECT_TRUE(put.ok()) << put.error().message;
}

}  // namespace
}  // namespace quorate::objectstore
