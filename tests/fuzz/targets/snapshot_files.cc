// .snap files and the JSON of a ConfState: what can be read can be written and read again.
#include "base/check.h"
#include "base/crc32c.h"
#include "base/fields.h"
#include "fuzz/feed.h"
#include "fuzz/target.h"
#include "sim/disk.h"
#include "snapshot/conf_state.h"
#include "snapshot/snap_file.h"
#include "wire/raftpb.h"

namespace quorate::snapshot {
namespace {

void Read(std::string_view bytes) {
  const auto snapshot = DecodeSnapFile(bytes);
  if (!snapshot.ok()) return;
  const auto again = DecodeSnapFile(EncodeSnapFile(*snapshot));
  CHECK(again.ok() && *again == *snapshot);
}

// The bytes under a checksum that fits them.
std::string Wrap(std::string_view data) {
  std::string file;
  fields::AppendNumber(file, 1, Crc32c(0, AsBytes(data)));
  fields::AppendText(file, 2, data);
  return file;
}

void Find(std::string_view bytes, LogIndex index) {
  sim::Disk disk(1);
  CHECK(disk.MakeDirectories("snap").ok());
  const auto file =
      disk.Open(io::JoinPath("snap", SnapFileName(Term{2}, index)), io::OpenMode::kTruncate);
  CHECK(file.ok() && (*file)->WriteAt(0, AsBytes(bytes)).ok());
  (void)FindSnapFile(disk, "snap", index);
}

FUZZ_TARGET(snapshot_files) {
  fuzz::Feed feed(input);
  const std::uint8_t choice = feed.Byte();
  const std::string_view bytes = feed.Rest();
  switch (choice % 4) {
    case 0:
      return Read(bytes);
    case 1:
      return Read(Wrap(bytes));
    case 2:
      (void)ParseReceivedFileName(bytes);
      return Find(Wrap(bytes), LogIndex{choice});
    default: {
      const auto state = ParseConfState(bytes);
      if (!state.ok()) return;
      const auto again = ParseConfState(ToJson(*state));
      CHECK(again.ok() && *again == *state);
    }
  }
}

}  // namespace
}  // namespace quorate::snapshot
