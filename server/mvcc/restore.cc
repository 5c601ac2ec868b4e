#include "mvcc/restore.h"

#include <algorithm>
#include <utility>

#include "base/bytes.h"
#include "mvcc/record.h"

namespace quorate::mvcc {
namespace {

using storage::Family;

constexpr std::size_t kRevisionBytes = 17;  // in a row's name

Error Damaged(std::string_view what) {
  return {Code::kDataLoss, "revision store: " + std::string(what)};
}

Result<Revision> ReadMark(const storage::Reader& reader, std::string_view row) {
  std::string value;
  if (!TRY(reader.Get(Family::kMeta, row, &value))) return Revision{-1};
  const auto decoded = DecodeRowName(value);
  if (!decoded) return Damaged("row " + std::string(row));
  return decoded->id.main;
}

Status TakeCheckpoint(const storage::Reader& reader, Restored* restored) {
  const auto head = TRY(ReadCheckpointHead(reader));
  if (!head) return {};
  KeyIndex& index = *restored->index;
  TRY(LoadCheckpoint(reader, *head, restored->finished_compact_revision, &index));
  TRY(ReadDropped(reader, head->begin, [&index](RevisionId tombstone, std::string_view key) {
    index.Drop(key, tombstone);
  }));
  restored->checkpoint = head;
  restored->revision = std::max(restored->revision, head->begin);
  return {};
}

Status TakeRow(std::string_view name, std::string_view value, Restored* restored) {
  const auto row = DecodeRowName(name);
  Record record;
  if (!row || !Decode(value, &record)) return Damaged("row " + ToHex(name));
  restored->revision = std::max(restored->revision, row->id.main);
  ++restored->rows;
  KeyIndex& index = *restored->index;
  if (restored->checkpoint && index.Knows(record.key, row->id)) return {};
  if (row->tombstone) {
    index.RestoreTombstone(record.key, row->id);
  } else {
    index.Restore(record.key, {row->id, record.create_revision, record.version}, record.lease);
  }
  // What the checkpoint knew of the key may be dead by this row.
  if (restored->checkpoint && row->id.main <= restored->finished_compact_revision) {
    index.Compact(record.key, restored->finished_compact_revision, [](RevisionId, bool) {});
  }
  return {};
}

}  // namespace

Result<Restored> Restore(const storage::Reader& reader) {
  Restored restored;
  restored.compact_revision = TRY(ReadMark(reader, storage::kScheduledCompact));
  restored.finished_compact_revision = TRY(ReadMark(reader, storage::kFinishedCompact));
  restored.index = std::make_unique<KeyIndex>();
  if (Status taken = TakeCheckpoint(reader, &restored); !taken.ok()) {
    restored.refused = taken.error().message;
    restored.index = std::make_unique<KeyIndex>();
  }
  std::string from;
  if (restored.checkpoint) from = RowName({restored.checkpoint->begin + 1, 0}, false).text();
  const auto cursor = reader.Scan(Family::kRev, from, "");
  std::string last;
  for (; cursor->Valid(); cursor->Next()) {
    // A put and a tombstone of one revision differ only behind it.
    const std::string_view revision = cursor->key().substr(0, kRevisionBytes);
    if (revision == last) return Damaged("second row of a revision, " + ToHex(cursor->key()));
    last = revision;
    TRY(TakeRow(cursor->key(), cursor->value(), &restored));
  }
  TRY(cursor->status());
  restored.revision = std::max(restored.revision, restored.compact_revision);
  return restored;
}

}  // namespace quorate::mvcc
