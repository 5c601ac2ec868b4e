#include "mvcc/index_checkpoint.h"

#include <algorithm>
#include <vector>

#include "base/bytes.h"
#include "base/check.h"
#include "base/crc32c.h"
#include "base/fields.h"

namespace quorate::mvcc {
namespace {

using storage::Family;

constexpr std::uint64_t kVersion = 1;
constexpr std::string_view kHeadRow = "head";
constexpr char kChunkPrefix = 'c';
constexpr char kDroppedPrefix = 'd';
constexpr std::size_t kCrcBytes = 4;
constexpr std::int64_t kSubMax = INT64_MAX >> 1;  // a stamp keeps a bit of it for itself
constexpr std::size_t kChunkBytesMax = std::size_t{256} << 10;

// What a key's record begins with.
enum Flag : unsigned {
  kTombstone = 1,     // the latest revision is one
  kSub = 2,           // the latest revision's sub is not 0
  kFirstVersion = 4,  // created by the latest revision: version 1
  kLeased = 8,
  kHistory = 16,
};
constexpr unsigned kFlagsMax = 31;

Error Damaged(std::string_view what) {
  return {Code::kDataLoss, "index checkpoint: " + std::string(what)};
}

std::string ChunkRow(std::uint64_t generation, std::uint64_t number) {
  std::string row(1, kChunkPrefix);
  AppendBigEndian64(row, generation);
  AppendBigEndian64(row, number);
  return row;
}

std::string DroppedRow(RevisionId tombstone) {
  return kDroppedPrefix + std::string(RowName(tombstone, false).text());
}

// Covers the row's name, so that a chunk in another's place is seen. kCrcBytes, little endian.
std::string Checksum(std::string_view row, std::string_view content) {
  const std::uint32_t crc = Crc32c(Crc32c(0, AsBytes(row)), AsBytes(content));
  std::string bytes;
  for (unsigned shift = 0; shift < 32; shift += 8) bytes += static_cast<char>(crc >> shift);
  return bytes;
}

std::string Seal(std::string_view row, std::string_view content) {
  return Checksum(row, content).append(content);
}

Result<std::string_view> Unseal(std::string_view row, std::string_view sealed) {
  const std::string_view content = sealed.substr(std::min(kCrcBytes, sealed.size()));
  if (sealed.substr(0, kCrcBytes) != Checksum(row, content))
    return Damaged("row " + ToHex(row) + " fails its checksum");
  return content;
}

// Parser: takes numbers and texts off the front; once something was missing, everything is.
class Parser {
 public:
  explicit Parser(std::string_view bytes) : bytes_(bytes) {}

  std::uint64_t Varint() {
    const std::optional<std::uint64_t> number = fields::TakeVarint(bytes_);
    if (number) return *number;
    failed_ = true;
    bytes_ = {};
    return 0;
  }
  std::int64_t Number() { return static_cast<std::int64_t>(Varint()); }
  std::string_view Text(std::uint64_t size) {
    if (size > bytes_.size()) {
      failed_ = true;
      bytes_ = {};
      return {};
    }
    const std::string_view text = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return text;
  }
  bool empty() const { return bytes_.empty(); }
  std::size_t left() const { return bytes_.size(); }
  bool failed() const { return failed_; }

 private:
  std::string_view bytes_;
  bool failed_ = false;
};

void AppendKey(std::string& out, const IndexRow& row, std::string_view previous) {
  const auto shared = static_cast<std::size_t>(
      std::mismatch(row.key.begin(), row.key.end(), previous.begin(), previous.end()).first -
      row.key.begin());
  const RevisionId latest = row.latest.id();
  const bool first = row.version == 1 && row.create_revision == latest.main;
  unsigned flags = row.latest.tombstone() ? kTombstone : 0U;
  if (latest.sub != 0) flags |= kSub;
  if (first) flags |= kFirstVersion;
  if (row.lease != LeaseId{}) flags |= kLeased;
  if (!row.history.empty()) flags |= kHistory;
  const auto number = [&out](std::int64_t value) {
    fields::AppendVarint(out, static_cast<std::uint64_t>(value));
  };
  out += static_cast<char>(flags);
  fields::AppendVarint(out, shared);
  fields::AppendVarint(out, row.key.size() - shared);
  out += row.key.substr(shared);
  number(latest.main.value);
  if (latest.sub != 0) number(latest.sub);
  if (!first) {
    number(row.create_revision.value);
    number(row.version);
  }
  if (row.lease != LeaseId{}) number(row.lease.value);
  if (row.history.empty()) return;
  fields::AppendVarint(out, row.history.size());
  for (const Stamp stamp : row.history) {
    number(stamp.main().value);
    fields::AppendVarint(
        out, static_cast<std::uint64_t>(stamp.id().sub) * 2 + (stamp.tombstone() ? 1 : 0));
  }
}

// Reads one key's record; `key` still holds the previous key.
bool ParseKey(Parser& parser, std::string* key, std::vector<Stamp>* history, IndexRow* row) {
  const std::uint64_t flags = parser.Varint();
  const std::uint64_t shared = parser.Varint();
  const std::string_view rest = parser.Text(parser.Varint());
  if (parser.failed() || flags > kFlagsMax || shared > key->size()) return false;
  key->resize(shared);
  key->append(rest);
  row->key = *key;
  RevisionId latest{Revision{parser.Number()}, 0};
  if ((flags & kSub) != 0) latest.sub = parser.Number();
  if (latest.sub < 0 || latest.sub > kSubMax) return false;
  row->latest = Stamp(latest, (flags & kTombstone) != 0);
  const bool first = (flags & kFirstVersion) != 0;
  row->create_revision = first ? latest.main : Revision{parser.Number()};
  row->version = first ? 1 : parser.Number();
  row->lease = LeaseId{(flags & kLeased) != 0 ? parser.Number() : 0};
  history->clear();
  const std::uint64_t count = (flags & kHistory) != 0 ? parser.Varint() : 0;
  if (count > parser.left()) return false;
  RevisionId last;
  for (std::uint64_t i = 0; i < count; ++i) {
    const Revision main{parser.Number()};
    const std::uint64_t sub = parser.Varint();
    if (sub >> 1 > static_cast<std::uint64_t>(kSubMax)) return false;
    history->emplace_back(RevisionId{main, static_cast<std::int64_t>(sub >> 1)}, (sub & 1) != 0);
    if (history->back().id() <= last) return false;
    last = history->back().id();
  }
  row->history = *history;
  return !parser.failed() && last < latest;
}

}  // namespace

CheckpointWalk::CheckpointWalk(const std::optional<CheckpointHead>& last, Revision begin)
    : last_(last) {
  head_.generation = last ? last->generation + 1 : 1;
  head_.begin = begin;
}

bool CheckpointWalk::Step(const KeyIndex& index, std::size_t keys_max, storage::Batch* batch) {
  if (head_.chunks == 0) {
    // What a walk that a crash cut short has left.
    const std::uint64_t from = last_ ? head_.generation : 0;
    batch->DeleteRange(Family::kIndex, ChunkRow(from, 0), std::string(1, kChunkPrefix + 1));
  }
  std::string content;
  std::string_view previous;
  bool more = false;
  index.VisitRows(next_, [&](const IndexRow& row) {
    more = keys_max == 0 || content.size() >= kChunkBytesMax;
    if (more) {
      next_.assign(row.key);
      return false;
    }
    --keys_max;
    AppendKey(content, row, previous);
    previous = row.key;
    ++head_.keys;
    return true;
  });
  const std::string row = ChunkRow(head_.generation, head_.chunks++);
  batch->Put(Family::kIndex, row, Seal(row, content));
  if (!more) Finish(batch);
  return !more;
}

void CheckpointWalk::Finish(storage::Batch* batch) const {
  std::string content;
  fields::AppendVarint(content, kVersion);
  fields::AppendVarint(content, head_.generation);
  fields::AppendVarint(content, static_cast<std::uint64_t>(head_.begin.value));
  fields::AppendVarint(content, head_.chunks);
  fields::AppendVarint(content, head_.keys);
  batch->Put(Family::kIndex, kHeadRow, Seal(kHeadRow, content));
  if (last_) {
    batch->DeleteRange(Family::kIndex, ChunkRow(0, 0), ChunkRow(head_.generation, 0));
    batch->DeleteRange(Family::kIndex, DroppedRow({}), DroppedRow({head_.begin + 1, 0}));
  }
}

Result<std::optional<CheckpointHead>> ReadCheckpointHead(const storage::Reader& reader) {
  std::string sealed;
  if (!TRY(reader.Get(Family::kIndex, kHeadRow, &sealed))) return std::optional<CheckpointHead>();
  Parser parser(TRY(Unseal(kHeadRow, sealed)));
  const std::uint64_t version = parser.Varint();
  if (version != kVersion) return Damaged("version " + std::to_string(version));
  CheckpointHead head;
  head.generation = parser.Varint();
  head.begin = Revision{parser.Number()};
  head.chunks = parser.Varint();
  head.keys = parser.Varint();
  const bool sound =
      head.begin > Revision{0} && head.begin < Revision{INT64_MAX} && head.generation < UINT64_MAX;
  if (parser.failed() || !parser.empty() || !sound) return Damaged("malformed head");
  return std::optional(head);
}

Status LoadCheckpoint(const storage::Reader& reader, const CheckpointHead& head, Revision compacted,
                      KeyIndex* index) {
  const auto cursor =
      reader.Scan(Family::kIndex, ChunkRow(head.generation, 0), ChunkRow(head.generation + 1, 0));
  std::uint64_t chunks = 0;
  std::uint64_t keys = 0;
  std::string last;
  std::string key;
  std::vector<Stamp> history;
  for (; cursor->Valid(); cursor->Next(), ++chunks) {
    if (cursor->key() != ChunkRow(head.generation, chunks)) return Damaged("a chunk is missing");
    Parser parser(TRY(Unseal(cursor->key(), cursor->value())));
    key.clear();
    for (; !parser.empty(); ++keys) {
      IndexRow row;
      const bool sound = ParseKey(parser, &key, &history, &row);
      if (!sound || (keys > 0 && key <= last)) return Damaged("malformed chunk");
      index->Append(row, compacted);
      last = key;
    }
  }
  TRY(cursor->status());
  index->FinishAppends();
  if (chunks != head.chunks || keys != head.keys) return Damaged("chunks are missing");
  return {};
}

void NoteDropped(RevisionId tombstone, std::string_view key, storage::Batch* batch) {
  batch->Put(Family::kIndex, DroppedRow(tombstone), key);
}

Status ReadDropped(const storage::Reader& reader, Revision begin,
                   const std::function<void(RevisionId, std::string_view)>& visit) {
  const auto cursor =
      reader.Scan(Family::kIndex, DroppedRow({begin + 1, 0}), std::string(1, kDroppedPrefix + 1));
  for (; cursor->Valid(); cursor->Next()) {
    const auto row = DecodeRowName(cursor->key().substr(1));
    if (!row) return Damaged("row " + ToHex(cursor->key()));
    visit(row->id, cursor->value());
  }
  return cursor->status();
}

}  // namespace quorate::mvcc
