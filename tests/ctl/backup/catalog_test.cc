#include "backup/catalog.h"

#include "io/real_disk.h"
#include "objectstore/directory_store.h"
#include "peers/process.h"

namespace quorate::backup {
namespace {

using std::chrono::hours;

class CatalogTest : public testing::Test {
 protected:
  void Add(const std::string& location, std::int64_t revision = 1) {
    Manifest manifest;
    manifest.created = "2026-11-21T00:00:00Z";
    manifest.revision = revision;
    ASSERT_TRUE(store_.Put(location + "/snapshot.db.zst", "x").ok());
    ASSERT_TRUE(store_.Put(location + "/manifest.json", ToJson(manifest)).ok());
  }
  std::vector<std::string> Locations(const std::string& folder) {
    std::vector<std::string> locations;
    const auto entries = List(store_, folder);
    for (const auto& entry : *entries) locations.push_back(entry.location);
    return locations;
  }

  test::ScratchDirectory scratch_;
  io::RealDisk disk_;
  objectstore::DirectoryStore store_{disk_, scratch_.path() + "/store"};
};

TEST_F(CatalogTest, ListsCompleteBackupsOldestFirst) {
  Add("b/u/20261121T000002Z-9");
  Add("a/u/20261121T000003Z-8");
  Add("a/u/20261121T000001Z-7");
  ASSERT_TRUE(store_.Put("a/u/20261121T000009Z-7/snapshot.db.zst", "unfinished").ok());
  EXPECT_EQ(Locations(""),
            (std::vector<std::string>{"a/u/20261121T000001Z-7", "b/u/20261121T000002Z-9",
                                      "a/u/20261121T000003Z-8"}));
  EXPECT_EQ(Locations("a").size(), 2U);
  EXPECT_TRUE(Locations("none").empty());
}

TEST_F(CatalogTest, LatestIsTheNewestThatCanBeRead) {
  Add("a/20261121T000001Z-7", 7);
  ASSERT_TRUE(store_.Put("a/20261121T000002Z-8/manifest.json", "{").ok());
  EXPECT_EQ(Find(store_, "a/latest")->manifest.revision, 7);
  EXPECT_EQ(Find(store_, "latest")->location, "a/20261121T000001Z-7");
  EXPECT_EQ(Find(store_, "a/20261121T000002Z-8").error().code, Code::kDataLoss);
  EXPECT_EQ(Find(store_, "b/latest").error().code, Code::kNotFound);
  EXPECT_THAT(Find(store_, "b").error().message,
              testing::EndsWith("store/b: manifest.json is missing"));
}

TEST_F(CatalogTest, DeletesABackupAndNothingElse) {
  Add("a/20261121T000001Z-7");
  Add("a/20261121T000001Z-71");
  ASSERT_TRUE(Delete(store_, "a/20261121T000001Z-7").ok());
  EXPECT_EQ(Locations(""), (std::vector<std::string>{"a/20261121T000001Z-71"}));
  EXPECT_TRUE(Delete(store_, "a/20261121T000001Z-7").ok());
  ASSERT_TRUE(store_.Put("a/20261121T000001Z-71/mine.txt", "x").ok());
  EXPECT_EQ(Delete(store_, "a/20261121T000001Z-71").error().code, Code::kFailedPrecondition);
  EXPECT_EQ(Delete(store_, "a").error().code, Code::kFailedPrecondition);
  EXPECT_EQ(Locations("").size(), 1U);
}

Entry At(const std::string& name, const std::string& created, const std::string& problem = "") {
  Entry entry{"f/" + name, {}, problem};
  entry.manifest.created = created;
  return entry;
}

TEST(ExpiredTest, KeepsWhatAnyRuleKeepsAndAlwaysTheNewestGoodOne) {
  const std::vector<Entry> entries = {At("1", "2026-11-01T00:00:00Z"),
                                      At("2", "2026-11-10T00:00:00Z"),
                                      At("3", "2026-11-20T00:00:00Z")};
  const std::chrono::system_clock::time_point now(std::chrono::seconds(1795219200));  // 21 Nov 2026
  EXPECT_TRUE(Expired(entries, {}, now).empty());
  EXPECT_EQ(Expired(entries, {.keep_last = 2, .max_age = {}}, now),
            (std::vector<std::string>{"f/1"}));
  EXPECT_EQ(Expired(entries, {.keep_last = 1, .max_age = hours(24 * 15)}, now),
            (std::vector<std::string>{"f/1"}));
  EXPECT_EQ(Expired(entries, {.keep_last = 0, .max_age = hours(1)}, now),
            (std::vector<std::string>{"f/1", "f/2"}));
}

TEST(ExpiredTest, AnUnreadableManifestNeitherGoesNorCounts) {
  const std::vector<Entry> entries = {At("1", "2026-11-01T00:00:00Z"),
                                      At("2", "", "manifest.json cannot be read")};
  const std::chrono::system_clock::time_point now(std::chrono::seconds(1795219200));
  EXPECT_TRUE(Expired(entries, {.keep_last = 1, .max_age = {}}, now).empty());
}

}  // namespace
}  // namespace quorate::backup
