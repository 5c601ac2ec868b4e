// A backup as it lies in a store: its manifest, and a compressed stream.
#include "backup/manifest.h"
#include "backup/zstd_stream.h"
#include "base/check.h"
#include "fuzz/feed.h"
#include "fuzz/target.h"

namespace quorate::backup {
namespace {

void ReadManifest(std::string_view text) {
  const auto manifest = ParseManifest(text);
  if (!manifest.ok()) return;
  const auto again = ParseManifest(ToJson(*manifest));
  CHECK(again.ok() && *again == *manifest);
}

void Decompress(std::string_view bytes, std::size_t piece) {
  std::uint64_t out = 0;
  Decompressor decompressor([&out](std::string_view part) -> Status {
    out += part.size();
    if (out > (8U << 20U)) return Error{Code::kResourceExhausted, "enough"};
    return {};
  });
  while (!bytes.empty()) {
    if (!decompressor.Write(bytes.substr(0, piece)).ok()) return;
    bytes.remove_prefix(std::min(piece, bytes.size()));
  }
  (void)decompressor.Finish();
}

FUZZ_TARGET(backup_manifest) {
  fuzz::Feed feed(input);
  const std::uint64_t choice = feed.Below(4);
  const std::size_t piece = 1 + feed.Byte();
  if (choice == 0) return Decompress(feed.Rest(), piece);
  if (choice == 3) return ReadManifest(feed.Nested());
  ReadManifest(feed.Rest());
}

}  // namespace
}  // namespace quorate::backup
