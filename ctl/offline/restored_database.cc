#include "offline/restored_database.h"

#include <functional>
#include <limits>
#include <map>
#include <set>

#include "base/digest.h"
#include "base/fields.h"
#include "bolt/reader.h"
#include "bolt/writer.h"
#include "mvcc/revision_id.h"
#include "snapshot/buckets.h"
#include "snapshot/conf_state.h"

namespace quorate::offline {
namespace {

constexpr std::uint64_t kDigestBytes = 32;
constexpr std::uint64_t kAlarmNoSpace = 1;

// As Go prints a slice of bytes.
std::string GoBytes(std::string_view bytes) {
  std::string out = "[";
  for (const char c : bytes) {
    if (out.size() > 1) out += ' ';
    out += std::to_string(static_cast<unsigned char>(c));
  }
  return out + "]";
}

bool IsNoSpace(std::string_view alarm) {
  fields::Reader reader(alarm);
  while (reader.Next()) {
    if (reader.field() == 2 && reader.is_number()) return reader.number() == kAlarmNoSpace;
  }
  return false;
}

std::string BigEndian(std::uint64_t number) {
  std::string bytes;
  AppendBigEndian64(bytes, number);
  return bytes;
}

// One walk over the old database that writes the new one.
class Rewrite {
 public:
  Rewrite(bolt::Reader& source, const DatabaseChanges& changes, bolt::Writer& out)
      : source_(source), changes_(changes), out_(out) {}

  Result<Revisions> Run() {
    std::set<std::string> names;
    for (const snapshot::BucketRows& rows : snapshot::kBuckets) names.emplace(rows.bucket);
    for (const bolt::Bucket& bucket : source_.buckets()) names.insert(bucket.name);
    for (const std::string& name : names) {
      TRY(out_.BeginBucket(name));
      TRY(WriteBucket(name));
    }
    return revisions_;
  }

 private:
  using Visit = std::function<Status(std::string_view key, std::string_view value)>;

  Status WriteBucket(std::string_view name) {
    if (name == "members_removed") return {};
    if (name == "members") return WriteMembers();
    if (name == "meta") return WriteMeta();
    if (name == "key") return WriteHistory();
    return ForEach(name, [&](std::string_view key, std::string_view value) -> Status {
      if (name == "alarm" && IsNoSpace(key)) return {};
      return out_.Put(key, value);
    });
  }

  Status ForEach(std::string_view name, const Visit& visit) {
    const bolt::Bucket* const bucket = source_.Find(name);
    if (bucket == nullptr) return {};
    bolt::Cursor cursor(source_, *bucket);
    while (TRY(cursor.Next())) TRY(visit(cursor.key(), cursor.value()));
    return {};
  }

  Status WriteMembers() {
    std::map<std::string, std::string> rows;
    for (const membership::Member& member : changes_.members) {
      rows.emplace(ToHex(member.id.value), membership::ToJson(member));
    }
    for (const auto& [key, value] : rows) TRY(out_.Put(key, value));
    return {};
  }

  // "key" stands before "meta", so the bumped revision is known here.
  Status WriteMeta() {
    std::map<std::string, std::string, std::less<>> rows;
    TRY(ForEach("meta", [&](std::string_view key, std::string_view value) -> Status {
      rows.insert_or_assign(std::string(key), std::string(value));
      return {};
    }));
    rows.insert_or_assign("consistent_index", BigEndian(changes_.index.value));
    rows.insert_or_assign("term", BigEndian(changes_.term.value));
    rows.insert_or_assign("confState", snapshot::ToJson(changes_.conf_state));
    if (revisions_.bumped != 0) {
      const mvcc::RowName row({Revision{revisions_.bumped}, 0}, false);
      rows.insert_or_assign("scheduledCompactRev", std::string(row.text()));
    }
    for (const auto& [key, value] : rows) TRY(out_.Put(key, value));
    return {};
  }

  Status WriteHistory() {
    TRY(ForEach("key", [&](std::string_view key, std::string_view value) -> Status {
      const auto row = mvcc::DecodeRowName(key);
      if (!row) return Error{Code::kDataLoss, "malformed revision " + ToHex(key) + " in snapshot"};
      revisions_.latest = row->id.main.value;
      return out_.Put(key, value);
    }));
    if (changes_.bump_revision == 0) return {};
    const std::uint64_t room =
        static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max() - revisions_.latest);
    if (changes_.bump_revision >= room) {
      return Error{Code::kInvalidArgument, "--bump-revision is too large"};
    }
    revisions_.bumped = revisions_.latest + static_cast<std::int64_t>(changes_.bump_revision);
    return out_.Put(mvcc::RowName({Revision{revisions_.bumped}, 0}, false).text(), "");
  }

  bolt::Reader& source_;
  const DatabaseChanges& changes_;
  bolt::Writer& out_;
  Revisions revisions_;
};

}  // namespace

Status CheckDigest(io::Disk& disk, std::string_view path) {
  const auto file = TRY(disk.Open(path, io::OpenMode::kRead));
  const std::uint64_t size = TRY(file->Size());
  if (size % 512 != kDigestBytes) {
    return Error{Code::kDataLoss, "snapshot missing hash but --skip-hash-check=false"};
  }
  Sha256 digest;
  std::string chunk(1U << 20U, '\0');
  const auto read = [&](std::uint64_t offset, std::size_t bytes) -> Result<std::string_view> {
    const auto out = std::as_writable_bytes(std::span(chunk.data(), bytes));
    return std::string_view(chunk.data(), TRY(file->ReadAt(offset, out)));
  };
  const std::uint64_t end = size - kDigestBytes;
  for (std::uint64_t offset = 0; offset < end;) {
    const std::string_view part =
        TRY(read(offset, std::min<std::uint64_t>(chunk.size(), end - offset)));
    if (part.empty()) return Error{Code::kDataLoss, std::string(path) + " became shorter"};
    digest.Update(part);
    offset += part.size();
  }
  const std::string computed = digest.Finish();
  const std::string_view stored = TRY(read(end, kDigestBytes));
  if (computed == stored) return {};
  return Error{Code::kDataLoss,
               "expected sha256 " + GoBytes(stored) + ", got " + GoBytes(computed)};
}

Result<Revisions> WriteRestoredDatabase(io::Disk& disk, std::string_view from, std::string_view to,
                                        const DatabaseChanges& changes) {
  const auto reader = TRY(bolt::Reader::Open(disk, from));
  if (reader->Find("key") == nullptr) {
    return Error{Code::kDataLoss, std::string(from) + ": not a database of etcd"};
  }
  Revisions revisions;
  const auto fill = [&](bolt::Writer& writer) -> Status {
    revisions = TRY(Rewrite(*reader, changes, writer).Run());
    return {};
  };
  TRY(bolt::WriteFile(disk, to, fill));
  return revisions;
}

}  // namespace quorate::offline
