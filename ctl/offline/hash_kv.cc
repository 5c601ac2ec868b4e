#include "offline/hash_kv.h"

#include <algorithm>
#include <string>
#include <unordered_map>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "base/fields.h"
#include "bolt/reader.h"
#include "mvcc/revision_id.h"

namespace quorate::offline {
namespace {

struct Newest {
  std::string row;  // name of the newest record
  bool tombstone = false;
};

// What a first reading tells.
struct Survey {
  std::unordered_map<std::string, Newest> keys;  // as of the hash's revision
  std::int64_t last = 1;                         // last main revision in the file
};

std::string_view KeyOf(std::string_view record) {
  fields::Reader reader(record);
  while (reader.Next()) {
    if (reader.field() == 1 && reader.is_text()) return reader.text();
  }
  return {};
}

Result<mvcc::DecodedRow> Decode(std::string_view name) {
  const auto row = mvcc::DecodeRowName(name);
  if (!row) return Error{Code::kDataLoss, "malformed revision in snapshot"};
  return *row;
}

// A compaction that was scheduled counts from then on, though it may not have finished.
Result<std::int64_t> CompactRevision(bolt::Reader& reader) {
  std::int64_t revision = -1;
  const bolt::Bucket* meta = reader.Find("meta");
  if (meta == nullptr) return revision;
  bolt::Cursor cursor(reader, *meta);
  while (TRY(cursor.Next())) {
    if (cursor.key() != "scheduledCompactRev" && cursor.key() != "finishedCompactRev") continue;
    const auto row = TRY(Decode(cursor.value()));
    revision = std::max(revision, row.id.main.value);
  }
  return revision;
}

Result<Survey> TakeSurvey(bolt::Reader& reader, const bolt::Bucket& bucket, std::int64_t at) {
  Survey survey;
  bolt::Cursor cursor(reader, bucket);
  while (TRY(cursor.Next())) {
    const auto row = TRY(Decode(cursor.key()));
    survey.last = row.id.main.value;
    if (at != 0 && row.id.main.value > at) continue;
    survey.keys[std::string(KeyOf(cursor.value()))] = {std::string(cursor.key()), row.tombstone};
  }
  return survey;
}

}  // namespace

Result<FileHash> HashKvOfFile(io::Disk& disk, std::string_view path, Revision at) {
  const auto reader = TRY(bolt::Reader::Open(disk, path));
  const bolt::Bucket* bucket = reader->Find("key");
  if (bucket == nullptr) return Error{Code::kDataLoss, std::string(path) + ": no bucket \"key\""};
  FileHash result;
  result.compact_revision = TRY(CompactRevision(*reader));
  const Survey survey = TRY(TakeSurvey(*reader, *bucket, at.value));
  const std::int64_t last = std::max(survey.last, result.compact_revision);
  result.revision = at.value == 0 ? last : at.value;
  if (result.revision > last) {
    return Error{Code::kOutOfRange, "etcdserver: mvcc: required revision is a future revision"};
  }
  if (result.revision < result.compact_revision) {
    return Error{Code::kOutOfRange, "etcdserver: mvcc: required revision has been compacted"};
  }
  const bool any_kept = std::any_of(survey.keys.begin(), survey.keys.end(),
                                    [](const auto& entry) { return !entry.second.tombstone; });
  result.hash = Crc32c(0, AsBytes("key"));
  bolt::Cursor cursor(*reader, *bucket);
  while (TRY(cursor.Next())) {
    const auto row = TRY(Decode(cursor.key()));
    const std::int64_t main = row.id.main.value;
    if (main > result.revision) break;
    if (main <= result.compact_revision) {
      const Newest& newest = survey.keys.at(std::string(KeyOf(cursor.value())));
      const bool kept = newest.row == cursor.key() && !newest.tombstone;
      if (any_kept && !kept) continue;
      if (main == result.compact_revision && row.tombstone) continue;
    }
    result.hash = Crc32c(result.hash, AsBytes(cursor.key()));
    result.hash = Crc32c(result.hash, AsBytes(cursor.value()));
  }
  return result;
}

}  // namespace quorate::offline
