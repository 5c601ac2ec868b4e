// What a stranger can ask of the peer port in JSON, what stands in a member's place can answer, and
// the file that a member remembers the others by.
#include "app/peer_words.h"

#include "base/check.h"
#include "fuzz/feed.h"
#include "fuzz/target.h"
#include "sim/disk.h"

namespace quorate::app {
namespace {

void ReadClaim(std::string_view text) {
  const auto claim = ParseClaim(text);
  if (!claim.ok()) return;
  const auto again = ParseClaim(ToJson(*claim));
  CHECK(again.ok() && again->member == claim->member && again->last == claim->last);
  CHECK(again->incarnation == claim->incarnation && again->nonce == claim->nonce);
}

void ReadKnown(std::string_view text) {
  const auto known = ParseKnown(text);
  if (!known.ok()) return;
  const auto again = ParseKnown(ToJson(*known));
  CHECK(again.ok() && *again == *known);
}

void OpenFile(std::string_view text) {
  sim::Disk disk(1);
  CHECK(disk.MakeDirectories("m").ok());
  CHECK(io::WriteFile(disk, "m/r.json", AsBytes(text)).ok());
  const auto opened = Recollection::Open(disk, "m/r.json");
  if (!opened.ok()) return;
  CHECK((*opened)->BeginLife(7).ok());
  CHECK(Recollection::Open(disk, "m/r.json").ok());
}

FUZZ_TARGET(peer_words) {
  fuzz::Feed feed(input);
  const std::uint64_t choice = feed.Below(8);
  const bool nested = feed.Flag();
  const std::string text =
      nested ? R"({"acknowledged":)" + feed.Nested() + "}" : std::string(feed.Rest());
  switch (choice) {
    case 0:
      (void)ParseHashKvQuestion(text);
      return;
    case 1:
      (void)ParseHashKvAnswer(text);
      return;
    case 2:
      (void)ParseStateQuestion(text);
      return;
    case 3:
      (void)ParseStateAnswer(text);
      return;
    case 4:
      (void)ParseAccusation(text);
      return;
    case 5:
      return ReadClaim(text);
    case 6:
      return ReadKnown(text);
    default:
      return OpenFile(text);
  }
}

}  // namespace
}  // namespace quorate::app
