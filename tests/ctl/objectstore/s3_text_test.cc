#include "objectstore/s3_text.h"

#include "objectstore/object_store.h"

namespace quorate::objectstore {
namespace {

TEST(S3TextTest, EncodesWhatTheSignatureIsMadeOver) {
  EXPECT_EQ(UriEncode("a b/c+é~", true), "a%20b/c%2B%C3%A9~");
  EXPECT_EQ(UriEncode("a/b", false), "a%2Fb");
  EXPECT_EQ(CanonicalQuery({{"uploads", ""}, {"prefix", "k/"}}), "prefix=k%2F&uploads=");
}

TEST(S3TextTest, ReadsElementsAndResolvesEntities) {
  const std::string xml =
      "<R><Contents><Key>a&amp;b</Key><Size>3</Size></Contents>"
      "<Contents><Key>c&#39;d</Key></Contents></R>";
  const auto contents = XmlElements(xml, "Contents");
  ASSERT_EQ(contents.size(), 2U);
  EXPECT_EQ(XmlText(contents[0], "Key"), "a&b");
  EXPECT_EQ(XmlText(contents[1], "Key"), "c'd");
  EXPECT_EQ(XmlText(contents[1], "Size"), std::nullopt);
  EXPECT_EQ(XmlEscape("\"a\"<&"), "\"a\"&lt;&amp;");
}

TEST(S3TextTest, ATruncatedAnswerHasNoElement) {
  EXPECT_TRUE(XmlElements("<Contents><Key>a", "Contents").empty());
}

TEST(ObjectKeyTest, KeysThatLeaveTheStoreAreRefused) {
  for (const char* key : {"a", "a/b.c/d-1", "ä"}) EXPECT_TRUE(CheckKey(key).ok()) << key;
  for (const char* key : {"", "/a", "a/", "a//b", "..", "a/../b", ".", "a\nb"}) {
    EXPECT_FALSE(CheckKey(key).ok()) << key;
  }
}

}  // namespace
}  // namespace quorate::objectstore
