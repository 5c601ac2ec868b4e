#include "backup/manifest.h"

#include "backup/report.h"
#include "backup/save.h"

namespace quorate::backup {
namespace {

Manifest Example() {
  Manifest manifest;
  manifest.created = "2026-11-21T08:43:00Z";
  manifest.cluster_id = "48276a8f75b6a87";
  manifest.name_space = "prod";
  manifest.cluster_name = "db";
  manifest.cluster_uid = "u-1";
  manifest.member = "db-x1";
  manifest.member_id = "2e12";
  manifest.server_version = "3.6.14";
  manifest.storage_version = "3.6.0";
  manifest.revision = 42;
  manifest.size_bytes = 20512;
  manifest.stored_bytes = 1192;
  manifest.sha256 = "83";
  manifest.database_sha256 = "3e";
  manifest.hashes = {{3883384233U, 6}, {1, -1}};
  manifest.tool = "quoratectl 0.1.0";
  return manifest;
}

TEST(ManifestTest, SurvivesARoundTrip) {
  EXPECT_EQ(ParseManifest(ToJson(Example())).value(), Example());
}

TEST(ManifestTest, SaysWhyATextIsNone) {
  EXPECT_EQ(ParseManifest("").error().code, Code::kDataLoss);
  EXPECT_EQ(ParseManifest("[]").error().code, Code::kDataLoss);
  EXPECT_THAT(ParseManifest("{}").error().message, testing::HasSubstr("quorate.dev/backup/v1"));
  std::string json = ToJson(Example());
  const std::size_t at = json.find("\"sha256\"");
  json.replace(at, 8, "\"sha1\"");
  EXPECT_THAT(ParseManifest(json).error().message, testing::HasSubstr("sha256"));
}

// One such object in a bucket ended every listing of it, by running out of stack.
TEST(ManifestTest, ADeepTextIsNoneWhateverIsDeepInIt) {
  for (const std::string part : {"cluster", "member", "snapshot", "hashKV"}) {
    std::string deep = R"({"format":"quorate.dev/backup/v1","created":"x",)";
    if (part == "hashKV") {
      deep += R"("snapshot":{"revision":1,"sizeBytes":1,"storedBytes":1,"sha256":"",)"
              R"("databaseSha256":"",)";
    } else {
      deep += R"("snapshot":{},)";
    }
    deep += '"' + part + "\":";
    for (int i = 0; i < 150'000; ++i) deep += R"({"a":)";
    deep += "1" + std::string(part == "hashKV" ? 150'002 : 150'001, '}');
    EXPECT_EQ(ParseManifest(deep).error().code, Code::kDataLoss) << part;
  }
}

TEST(ManifestTest, AFormatOfALaterVersionIsNotCalledDamaged) {
  const auto parsed = ParseManifest(R"({"format":"quorate.dev/backup/v2"})");
  EXPECT_EQ(parsed.error().code, Code::kUnimplemented);
  EXPECT_THAT(parsed.error().message, testing::HasSubstr("use a newer quoratectl"));
}

TEST(ReportTest, IsOneLineWithTheFieldsThatOperatorsRead) {
  EXPECT_EQ(SuccessReport("prod/db/u-1/x", Example()),
            "{\"ok\":true,\"location\":\"prod/db/u-1/x\",\"revision\":42,\"sizeBytes\":20512,"
            "\"storedBytes\":1192,\"sha256\":\"83\",\"clusterId\":\"48276a8f75b6a87\","
            "\"clusterUid\":\"u-1\",\"member\":\"db-x1\",\"memberId\":\"2e12\","
            "\"serverVersion\":\"3.6.14\"}\n");
  EXPECT_EQ(FailureReport(Stage::kStore, {Code::kPermissionDenied, "no\nway"}),
            "{\"ok\":false,\"reason\":\"AccessDenied\",\"message\":\"no\\nway\"}\n");
}

TEST(ReportTest, ReasonsTellWhoFailed) {
  EXPECT_EQ(ReasonOf(Stage::kStore, Code::kUnavailable), "StoreUnreachable");
  EXPECT_EQ(ReasonOf(Stage::kStore, Code::kNotFound), "BucketNotFound");
  EXPECT_EQ(ReasonOf(Stage::kCluster, Code::kUnavailable), "ClusterUnreachable");
  EXPECT_EQ(ReasonOf(Stage::kBackup, Code::kDataLoss), "BackupDamaged");
  EXPECT_EQ(ReasonOf(Stage::kBackup, Code::kNotFound), "BackupNotFound");
  EXPECT_EQ(ReasonOf(Stage::kDisk, Code::kResourceExhausted), "DiskFull");
}

TEST(ReportTest, FitsATerminationMessage) {
  EXPECT_LT(FailureReport(Stage::kStore, {Code::kUnknown, std::string(9000, 'x')}).size(), 4096U);
}

TEST(SaveTest, TimesAreUtcAndSortAsText) {
  const std::chrono::system_clock::time_point time(std::chrono::seconds(1795250580));
  EXPECT_EQ(CompactTime(time), "20261121T084300Z");
  EXPECT_EQ(IsoTime(time), "2026-11-21T08:43:00Z");
}

}  // namespace
}  // namespace quorate::backup
