#include "snapshot/export.h"

#include <algorithm>
#include <vector>

#include "base/digest.h"
#include "snapshot/buckets.h"

namespace quorate::snapshot {
namespace {

constexpr std::string_view kStorageVersionValue = "3.6.0";
constexpr std::size_t kRevisionKeyBytes = 18;
constexpr std::uint64_t kCountedBytes = 4U << 20U;
constexpr std::uint64_t kGoneShareMax = 4;  // one in so many

Status PutMeta(bolt::Writer& writer, storage::Cursor& cursor) {
  // A store of our own need not carry the row that tells etcd's tools how to read the file.
  bool versioned = false;
  for (; cursor.Valid(); cursor.Next()) {
    if (!versioned && cursor.key() >= storage::kStorageVersion) {
      versioned = true;
      if (cursor.key() != storage::kStorageVersion) {
        TRY(writer.Put(storage::kStorageVersion, kStorageVersionValue));
      }
    }
    TRY(writer.Put(cursor.key(), cursor.value()));
  }
  if (!versioned) TRY(writer.Put(storage::kStorageVersion, kStorageVersionValue));
  return cursor.status();
}

Status Fill(const storage::Reader& view, bolt::Writer& writer) {
  for (const BucketRows& rows : kBuckets) {
    TRY(writer.BeginBucket(rows.bucket));
    const auto cursor = view.Scan(rows.family, rows.begin, rows.end);
    if (rows.family == storage::Family::kMeta) {
      TRY(PutMeta(writer, *cursor));
      continue;
    }
    for (; cursor->Valid(); cursor->Next()) {
      TRY(writer.Put(cursor->key().substr(rows.prefix.size()), cursor->value()));
    }
    TRY(cursor->status());
  }
  return {};
}

Result<bolt::BucketExtent> Count(const storage::Reader& view, const BucketRows& rows) {
  bolt::BucketExtent extent{rows.bucket};
  if (rows.family == storage::Family::kMeta) {  // PutMeta's own row
    extent.rows = 1;
    extent.key_bytes_max = storage::kStorageVersion.size();
    extent.bytes = storage::kStorageVersion.size() + kStorageVersionValue.size();
  }
  const auto cursor = view.Scan(rows.family, rows.begin, rows.end);
  for (; cursor->Valid(); cursor->Next()) {
    const std::size_t key_bytes = cursor->key().size() - rows.prefix.size();
    ++extent.rows;
    extent.bytes += key_bytes + cursor->value().size();
    extent.key_bytes_max = std::max(extent.key_bytes_max, key_bytes);
  }
  TRY(cursor->status());
  return extent;
}

// The revisions are nearly all there is, so what the store says of them is taken, except where it
// is soon counted or where much of it would be empty pages.
Result<bolt::BucketExtent> ExtentOf(const storage::Reader& view, const BucketRows& rows) {
  if (rows.family != storage::Family::kRev) return Count(view, rows);
  const storage::Extent most = TRY(view.AtMost(rows.family));
  if (most.bytes < kCountedBytes || most.rows_gone > most.rows / kGoneShareMax) {
    return Count(view, rows);
  }
  return bolt::BucketExtent{rows.bucket, most.rows, most.bytes, kRevisionKeyBytes};
}

}  // namespace

Result<bolt::Layout> Measure(const storage::Reader& view) {
  std::vector<bolt::BucketExtent> extents;
  for (const BucketRows& rows : kBuckets) extents.push_back(TRY(ExtentOf(view, rows)));
  return bolt::RoomFor(extents);
}

Status Write(const storage::Reader& view, const bolt::Layout& layout, const bolt::Sink& sink) {
  TRY(sink(AsBytes(bolt::MetaPages(layout))));
  bolt::Writer writer(sink);
  TRY(Fill(view, writer));
  return writer.FinishAs(layout);
}

Result<std::string> WriteFile(const storage::Reader& view, io::Disk& disk, std::string_view path,
                              bool with_digest) {
  const bolt::Layout layout = TRY(Measure(view));
  const auto file = TRY(disk.Open(path, io::OpenMode::kTruncate));
  Sha256 digest;
  TRY(Write(view, layout, [&](Bytes bytes) -> Status {
    digest.Update(AsText(bytes));
    return file->Append(bytes);
  }));
  std::string sha256 = digest.Finish();
  if (with_digest) TRY(file->Append(AsBytes(sha256)));
  return sha256;
}

}  // namespace quorate::snapshot
