#include "bolt/reader.h"

#include <algorithm>
#include <span>

#include "bolt/format.h"

namespace quorate::bolt {
namespace {

constexpr std::size_t kDepthMax = 64;
constexpr std::uint64_t kPageBytesMin = 512;
constexpr std::uint64_t kPageBytesMax = 1U << 16U;

struct PageHeader {
  std::uint64_t id = 0;
  std::uint16_t flags = 0;
  std::uint16_t count = 0;
  std::uint32_t overflow = 0;
};

// REQUIRES: page has a header.
PageHeader HeaderOf(std::string_view page) {
  return {ReadLittleEndian<std::uint64_t>(page, 0), ReadLittleEndian<std::uint16_t>(page, 8),
          ReadLittleEndian<std::uint16_t>(page, 10), ReadLittleEndian<std::uint32_t>(page, 12)};
}

struct Meta {
  std::uint64_t page_bytes = 0;
  std::uint64_t root_page = 0;
  std::uint64_t pages = 0;
  std::uint64_t transaction = 0;
};

// A meta page's content; false when it is none or its checksum is wrong.
bool ParseMeta(std::string_view page, Meta& meta) {
  const std::string_view bytes = page.substr(kPageHeaderBytes, kMetaBytes);
  if (ReadLittleEndian<std::uint32_t>(bytes, 0) != kMagic) return false;
  if (ReadLittleEndian<std::uint32_t>(bytes, 4) != kVersion) return false;
  if (ReadLittleEndian<std::uint64_t>(bytes, kMetaBytes - 8) !=
      MetaChecksum(bytes.substr(0, kMetaBytes - 8))) {
    return false;
  }
  meta.page_bytes = ReadLittleEndian<std::uint32_t>(bytes, 8);
  meta.root_page = ReadLittleEndian<std::uint64_t>(bytes, 16);
  meta.pages = ReadLittleEndian<std::uint64_t>(bytes, 40);
  meta.transaction = ReadLittleEndian<std::uint64_t>(bytes, 48);
  return true;
}

// Bytes from offset on, "" when the file ends before.
Result<std::string> ReadPart(io::File& file, std::uint64_t offset, std::size_t size) {
  std::string bytes(size, '\0');
  const std::size_t got =
      TRY(file.ReadAt(offset, std::as_writable_bytes(std::span(bytes.data(), bytes.size()))));
  if (got < size) bytes.clear();
  return bytes;
}

// The part [begin, begin + size) of page, or nullopt-like "not ok" when it reaches outside.
bool Slice(std::string_view page, std::uint64_t begin, std::uint64_t size, std::string_view& out) {
  if (begin > page.size() || size > page.size() - begin) return false;
  out = page.substr(begin, size);
  return true;
}

}  // namespace

Result<std::unique_ptr<Reader>> Reader::Open(io::Disk& disk, std::string_view path) {
  std::unique_ptr<Reader> reader(new Reader);
  reader->path_ = path;
  reader->file_ = TRY(disk.Open(path, io::OpenMode::kRead));
  reader->file_bytes_ = TRY(reader->file_->Size());
  TRY(reader->ReadMetas());
  TRY(reader->ReadBuckets());
  return reader;
}

const Bucket* Reader::Find(std::string_view name) const {
  const auto found = std::find_if(buckets_.begin(), buckets_.end(),
                                  [&](const Bucket& bucket) { return bucket.name == name; });
  return found == buckets_.end() ? nullptr : &*found;
}

// The second meta lies one page in, and only the first says how long a page is; when that one is
// broken, every size that bbolt may have used is tried.
Status Reader::ReadMetas() {
  constexpr std::size_t kBytes = kPageHeaderBytes + kMetaBytes;
  Meta best;
  bool found = false;
  const auto consider = [&](std::uint64_t offset) -> Status {
    const std::string bytes = TRY(ReadPart(*file_, offset, kBytes));
    Meta meta;
    if (bytes.empty() || !ParseMeta(bytes, meta)) return {};
    if (meta.page_bytes < kPageBytesMin || meta.page_bytes > kPageBytesMax) return {};
    if ((meta.page_bytes & (meta.page_bytes - 1)) != 0) return {};
    if (offset != 0 && meta.page_bytes != offset) return {};
    if (!found || meta.transaction > best.transaction) best = meta;
    found = true;
    return {};
  };
  TRY(consider(0));
  if (found) {
    TRY(consider(best.page_bytes));
  } else {
    for (std::uint64_t size = kPageBytesMin; size <= kPageBytesMax; size *= 2) TRY(consider(size));
  }
  if (!found) return Error{Code::kDataLoss, path_ + ": invalid database: no valid meta page"};
  page_bytes_ = best.page_bytes;
  root_page_ = best.root_page;
  pages_ = best.pages;
  if (pages_ > file_bytes_ / page_bytes_) {
    return Error{Code::kDataLoss, path_ + ": file size too small: " + std::to_string(file_bytes_) +
                                      " bytes for " + std::to_string(pages_) + " pages of " +
                                      std::to_string(page_bytes_)};
  }
  return {};
}

Status Reader::ReadBuckets() {
  Cursor cursor(*this, root_page_);
  while (TRY(cursor.Next())) {
    Bucket bucket;
    bucket.name = cursor.key();
    const std::string_view value = cursor.value();
    if (value.size() < kBucketHeaderBytes) return Damaged("short bucket", root_page_);
    bucket.root_page = ReadLittleEndian<std::uint64_t>(value, 0);
    if (bucket.root_page == 0) bucket.inline_page = value.substr(kBucketHeaderBytes);
    buckets_.push_back(std::move(bucket));
  }
  return {};
}

Result<std::string> Reader::ReadPage(std::uint64_t id) {
  if (id < 2 || id >= pages_) return Damaged("page id out of range", id);
  const std::string head = TRY(ReadPart(*file_, id * page_bytes_, kPageHeaderBytes));
  if (head.empty()) return Damaged("short page", id);
  const PageHeader header = HeaderOf(head);
  if (header.id != id) return Damaged("page carries another id", id);
  if (header.overflow >= pages_ - id) return Damaged("overflow out of range", id);
  std::string page =
      TRY(ReadPart(*file_, id * page_bytes_, (header.overflow + 1ULL) * page_bytes_));
  if (page.empty()) return Damaged("short page", id);
  return page;
}

Error Reader::Damaged(std::string_view what, std::uint64_t page) const {
  return Error{Code::kDataLoss,
               path_ + ": page " + std::to_string(page) + ": " + std::string(what)};
}

Result<bool> Cursor::Next() {
  if (!started_) TRY(Start());
  while (!levels_.empty()) {
    Level& level = levels_.back();
    if (level.next == level.count) {
      levels_.pop_back();
    } else if (level.leaf) {
      TRY(Take(level));
      return true;
    } else {
      TRY(Descend(level));
    }
  }
  return false;
}

Status Cursor::Start() {
  started_ = true;
  if (bucket_ != nullptr && bucket_->root_page == 0) return Push(bucket_->inline_page, 0);
  const std::uint64_t root = bucket_ == nullptr ? root_page_ : bucket_->root_page;
  ++visited_;
  return Push(TRY(reader_.ReadPage(root)), root);
}

Status Cursor::Push(std::string page, std::uint64_t id) {
  if (page.size() < kPageHeaderBytes) return reader_.Damaged("short page", id);
  if (levels_.size() >= kDepthMax) return reader_.Damaged("tree too deep", id);
  const PageHeader header = HeaderOf(page);
  const bool leaf = (header.flags & kLeafPage) != 0;
  if (!leaf && (header.flags & kBranchPage) == 0) return reader_.Damaged("wrong page type", id);
  if (!leaf && id == 0) return reader_.Damaged("branch in an inline bucket", id);
  if (header.count > (page.size() - kPageHeaderBytes) / kElementBytes) {
    return reader_.Damaged("more elements than fit", id);
  }
  levels_.push_back(Level{std::move(page), id, 0, header.count, leaf});
  return {};
}

Status Cursor::Descend(Level& branch) {
  const std::size_t element = kPageHeaderBytes + kElementBytes * branch.next++;
  const auto child = ReadLittleEndian<std::uint64_t>(branch.page, element + 8);
  if (++visited_ > reader_.pages_) return reader_.Damaged("pages form a cycle", branch.id);
  return Push(TRY(reader_.ReadPage(child)), child);
}

Status Cursor::Take(Level& leaf) {
  const std::size_t element = kPageHeaderBytes + kElementBytes * leaf.next++;
  const auto flags = ReadLittleEndian<std::uint32_t>(leaf.page, element);
  const auto position = ReadLittleEndian<std::uint32_t>(leaf.page, element + 4);
  const auto key_size = ReadLittleEndian<std::uint32_t>(leaf.page, element + 8);
  const auto value_size = ReadLittleEndian<std::uint32_t>(leaf.page, element + 12);
  if (!Slice(leaf.page, element + position, key_size, key_) ||
      !Slice(leaf.page, element + position + key_size, value_size, value_)) {
    return reader_.Damaged("element reaches outside its page", leaf.id);
  }
  const bool is_bucket = (flags & kBucketElement) != 0;
  if (is_bucket != (bucket_ == nullptr)) return reader_.Damaged("bucket in a wrong place", leaf.id);
  if (!first_ && key_ <= previous_key_) return reader_.Damaged("keys out of order", leaf.id);
  first_ = false;
  previous_key_ = key_;
  return {};
}

}  // namespace quorate::bolt
