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

// What did not fit three bytes was left out, and the key with it was another one.
TEST(S3TextTest, ResolvesCharactersOfEveryLength) {
  EXPECT_EQ(XmlText("<K>&#65;&#xE9;&#x20AC;&#x1F4A5;</K>", "K"), "A\u00e9\u20ac\U0001f4a5");
  EXPECT_EQ(XmlText("<K>a&#x110000;&#0;b</K>", "K"), "ab");
}

TEST(S3TextTest, ReadsTheDefaultSectionOfACredentialsFile) {
  const auto section = DefaultSection(
      "[work]\naws_access_key_id = no\n# a = b\n[default]\r\n aws_access_key_id=AKIA\t\r\n"
      "#aws_secret_access_key=old\naws_secret_access_key = a=b/c \nnothing\n[last]\nx=y");
  EXPECT_EQ(section, (std::map<std::string, std::string>{{"aws_access_key_id", "AKIA"},
                                                         {"aws_secret_access_key", "a=b/c"}}));
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
