#include "api/values.h"

#include <gtest/gtest.h>

#include "api/cluster_defaults.h"
#include "api/names.h"

namespace quorate::api {
namespace {

TEST(QuantityTest, ReadsBinaryDecimalAndMilliSuffixes) {
  EXPECT_EQ(Quantity{"8Gi"}.Units(), std::int64_t{8} << 30);
  EXPECT_EQ(Quantity{"1.5Ki"}.Units(), 1536);
  EXPECT_EQ(Quantity{"2G"}.Units(), 2000000000);
  EXPECT_EQ(Quantity{"100"}.Units(), 100);
  EXPECT_EQ(Quantity{"0"}.Units(), 0);
  EXPECT_EQ(Quantity{"100m"}.Units(), 1) << "a part of a unit rounds up";
}

TEST(QuantityTest, RefusesWhatIsNoQuantity) {
  for (const char* text : {"", "Gi", "8GB", "-1", "1e", "8 Gi", "9999999999Ei"}) {
    EXPECT_EQ(Quantity{text}.Units(), std::nullopt) << text;
  }
}

TEST(TimeTest, SurvivesTheWayThereAndBack) {
  for (const char* text :
       {"1970-01-01T00:00:00Z", "2024-02-29T23:59:59Z", "2026-11-21T07:30:00Z"}) {
    const auto time = ParseTime(text);
    ASSERT_TRUE(time) << text;
    EXPECT_EQ(FormatTime(*time), text);
  }
}

TEST(TimeTest, TakesOffsetsAndFractions) {
  EXPECT_EQ(ParseTime("2026-11-21T08:30:00.123456+01:00"), ParseTime("2026-11-21T07:30:00Z"));
  EXPECT_EQ(ParseTime("2026-11-21T00:30:00-07:00"), ParseTime("2026-11-21T07:30:00Z"));
}

TEST(TimeTest, RefusesImpossibleTimes) {
  for (const char* text : {"2026-02-29T00:00:00Z", "2026-11-21T24:00:00Z", "2026-11-21", "now",
                           "2026-11-21T07:30:00", "2026-11-21T07:30:00Zx"}) {
    EXPECT_EQ(ParseTime(text), std::nullopt) << text;
  }
}

TEST(DurationTest, ReadsAndWritesGosForm) {
  using std::chrono::minutes;
  EXPECT_EQ(ParseDuration("1h30m"), minutes(90));
  EXPECT_EQ(ParseDuration("100ms"), Duration(100));
  EXPECT_EQ(ParseDuration("1.5s"), Duration(1500));
  EXPECT_EQ(ParseDuration("0"), Duration(0));
  EXPECT_EQ(FormatDuration(minutes(90)), "1h30m");
  EXPECT_EQ(FormatDuration(Duration(1500)), "1s500ms");
  EXPECT_EQ(FormatDuration(Duration(0)), "0s");
  for (const char* text : {"", "5", "m", "5 m", "5d", "1..5s"}) {
    EXPECT_EQ(ParseDuration(text), std::nullopt) << text;
  }
}

TEST(DefaultsTest, ImageComesFromTheVersionUnlessTheSpecSpeaks) {
  ClusterSpec spec;
  spec.version = "0.1.0";
  EXPECT_EQ(ImageOf(spec, "quorate/quorate"), "quorate/quorate:0.1.0");
  spec.image.repository = "registry.example.com/q";
  spec.image.tag = "debug";
  EXPECT_EQ(ImageOf(spec, "quorate/quorate"), "registry.example.com/q:debug");
  spec.image.digest = "sha256:00";
  EXPECT_EQ(ImageOf(spec, "quorate/quorate"), "registry.example.com/q@sha256:00");
}

TEST(DefaultsTest, QuotaLeavesAFifthOfTheVolumeAndIsAtMostEightGibibytes) {
  ClusterSpec spec;
  spec.storage.size = {"1000"};
  EXPECT_EQ(QuotaBytesOf(spec), 800);
  spec.storage.size = {"100Gi"};
  EXPECT_EQ(QuotaBytesOf(spec), std::int64_t{8} << 30);
  spec.config.quota_backend = {"2Gi"};
  EXPECT_EQ(QuotaBytesOf(spec), std::int64_t{2} << 30);
}

TEST(NamesTest, MemberUrlsAreStableNamesUnderThePeerService) {
  EXPECT_EQ(PeerUrl("a-x1y2z", "a", "db"), "http://a-x1y2z.a-peer.db.svc:2380");
  EXPECT_EQ(ClientUrl("a-x1y2z", "a", "db"), "http://a-x1y2z.a-peer.db.svc:2379");
  EXPECT_EQ(ServiceUrl("a", "db"), "http://a-client.db.svc:2379");
}

}  // namespace
}  // namespace quorate::api
