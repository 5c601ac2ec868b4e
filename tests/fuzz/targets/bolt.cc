// A bbolt file that somebody else wrote: read through, and imported into a store. The checksums of
// its two meta pages are made right, or nothing behind them would ever be reached.
#include "base/check.h"
#include "bolt/format.h"
#include "bolt/reader.h"
#include "fuzz/feed.h"
#include "fuzz/target.h"
#include "sim/disk.h"
#include "snapshot/import.h"
#include "storage/memory_backend.h"

namespace quorate::bolt {
namespace {

void MendMeta(std::string& file, std::size_t page_begin) {
  constexpr std::size_t kSumBytes = 8;
  const std::size_t begin = page_begin + kPageHeaderBytes;
  if (file.size() < begin + kMetaBytes) return;
  std::string sum;
  AppendLittleEndian(sum,
                     MetaChecksum(std::string_view(file).substr(begin, kMetaBytes - kSumBytes)));
  file.replace(begin + kMetaBytes - kSumBytes, kSumBytes, sum);
}

void ReadAll(io::Disk& disk) {
  const auto reader = Reader::Open(disk, "db");
  if (!reader.ok()) return;
  for (const Bucket& bucket : (*reader)->buckets()) {
    Cursor cursor(**reader, bucket);
    std::string previous;
    bool first = true;
    while (true) {
      const auto more = cursor.Next();
      if (!more.ok() || !*more) break;
      CHECK(first || previous < cursor.key());
      previous = cursor.key();
      first = false;
    }
  }
}

FUZZ_TARGET(bolt) {
  fuzz::Feed feed(input);
  const std::uint8_t choice = feed.Byte();
  std::string file(feed.Rest());
  if ((choice & 1U) != 0) {
    const std::size_t page_bytes = std::size_t{512} << (choice >> 1U & 3U);
    MendMeta(file, 0);
    MendMeta(file, page_bytes);
  }
  sim::Disk disk(1);
  const auto out = disk.Open("db", io::OpenMode::kTruncate);
  CHECK(out.ok() && (*out)->WriteAt(0, AsBytes(file)).ok());
  ReadAll(disk);
  storage::MemoryBackend store(std::make_shared<storage::MemoryStorage>());
  (void)snapshot::ImportDatabase(disk, "db", store, std::nullopt);
}

}  // namespace
}  // namespace quorate::bolt
