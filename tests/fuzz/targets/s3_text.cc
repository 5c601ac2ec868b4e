// Answers of object stores: XML that may be anything; and files of credentials.
#include "objectstore/s3_text.h"

#include "base/check.h"
#include "fuzz/feed.h"
#include "fuzz/target.h"

namespace quorate::objectstore {
namespace {

FUZZ_TARGET(s3_text) {
  fuzz::Feed feed(input);
  const std::uint64_t choice = feed.Below(4);
  const std::string_view text = feed.Rest();
  if (choice == 0) {
    const std::string element = "<K>" + XmlEscape(text) + "</K>";
    CHECK(XmlText(element, "K") == text);
    return;
  }
  if (choice == 1) {
    (void)UriEncode(text, true);
    (void)CanonicalQuery({{std::string(text), "a"}, {"b", std::string(text)}});
    return;
  }
  if (choice == 3) {
    for (const auto& [name, value] : DefaultSection(text)) {
      CHECK(name.size() + value.size() < text.size());
    }
    return;
  }
  for (const std::string_view object : XmlElements(text, "Contents")) {
    (void)XmlText(object, "Key");
    (void)XmlText(object, "Size");
  }
  (void)XmlText(text, "NextContinuationToken");
  (void)XmlText(text, "Code");
}

}  // namespace
}  // namespace quorate::objectstore
