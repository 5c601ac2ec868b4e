#include "snapshot/export.h"

#include "base/digest.h"
#include "snapshot/buckets.h"

namespace quorate::snapshot {
namespace {

constexpr std::string_view kStorageVersionValue = "3.6.0";

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

Result<bolt::Layout> Fill(const storage::Reader& view, bolt::Writer& writer) {
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
  return writer.Finish();
}

}  // namespace

Result<bolt::Layout> Measure(const storage::Reader& view) {
  bolt::Writer writer(nullptr);
  return Fill(view, writer);
}

Status Write(const storage::Reader& view, const bolt::Layout& layout, const bolt::Sink& sink) {
  TRY(sink(AsBytes(bolt::MetaPages(layout))));
  bolt::Writer writer(sink);
  const bolt::Layout written = TRY(Fill(view, writer));
  if (written != layout) return Error{Code::kInternal, "snapshot: the view changed under the walk"};
  return {};
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
  TRY(file->Sync());
  return sha256;
}

}  // namespace quorate::snapshot
