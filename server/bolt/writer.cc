#include "bolt/writer.h"

#include <algorithm>
#include <concepts>
#include <utility>

#include "base/check.h"

namespace quorate::bolt {
namespace {

constexpr std::size_t kBranchBytes = kPageBytes * 9 / 10;  // as etcd fills its sequential buckets
constexpr std::size_t kInlineBytesMax = kPageBytes / 4;    // a smaller bucket lives in its parent
constexpr std::size_t kEmptyShareMax = 16;    // of a leaf, at most one of so many bytes
constexpr std::size_t kElementsMax = 0xffff;  // of a page
constexpr std::size_t kPendingBytes = 1U << 18U;

// Writes the number little-endian; returns where the next one goes.
template <std::unsigned_integral T>
char* Store(char* at, T number) {
  for (std::size_t i = 0; i < sizeof(T); ++i) *at++ = static_cast<char>(number >> (8 * i));
  return at;
}

constexpr std::uint64_t PagesFor(std::uint64_t bytes) {
  return (bytes + kPageBytes - 1) / kPageBytes;
}

}  // namespace

void Writer::Page::Add(std::uint32_t flags, std::string_view key, std::string_view value,
                       std::uint64_t child) {
  elements.push_back({flags, data.size(), key.size(), value.size(), child});
  data.append(key);
  data.append(value);
}

std::size_t Writer::Page::bytes() const {
  return kPageHeaderBytes + kElementBytes * elements.size() + data.size();
}

std::uint64_t Writer::Page::pages() const {
  return PagesFor(bytes());
}

bool Writer::Page::LeafIsFullFor(std::size_t element_bytes) const {
  const std::size_t whole = pages() * kPageBytes;
  const std::size_t empty = whole - bytes();
  return element_bytes > empty && empty <= whole / kEmptyShareMax;
}

void Writer::Page::Clear() {
  elements.clear();
  data.clear();
}

void Writer::Page::AppendTo(std::string& out, std::uint64_t id, std::uint64_t pages,
                            bool leaf) const {
  const std::size_t begin = out.size();
  out.resize(begin + kPageHeaderBytes + kElementBytes * elements.size());
  char* at = out.data() + begin;
  at = Store(at, id);
  at = Store(at, leaf ? kLeafPage : kBranchPage);
  at = Store(at, static_cast<std::uint16_t>(elements.size()));
  at = Store(at, static_cast<std::uint32_t>(pages - 1));
  for (std::size_t i = 0; i < elements.size(); ++i) {
    const Element& element = elements[i];
    // Positions count from the element itself.
    const auto position =
        static_cast<std::uint32_t>(kElementBytes * (elements.size() - i) + element.key_begin);
    if (leaf) at = Store(at, element.flags);
    at = Store(at, position);
    at = Store(at, static_cast<std::uint32_t>(element.key_size));
    if (leaf) {
      at = Store(at, static_cast<std::uint32_t>(element.value_size));
    } else {
      at = Store(at, element.child);
    }
  }
  out += data;
}

Status Writer::BeginBucket(std::string_view name) {
  if (in_bucket_) CHECK(bucket_name_ < name);
  TRY(EndBucket());
  bucket_name_ = name;
  bucket_ = Tree{};
  last_key_.clear();
  in_bucket_ = true;
  return {};
}

Status Writer::Put(std::string_view key, std::string_view value) {
  CHECK(in_bucket_ && last_key_ < key);
  if (key.size() > kKeyBytesMax || value.size() > kValueBytesMax) {
    return Error{Code::kInvalidArgument, "bolt: key or value too large"};
  }
  last_key_ = key;
  if (bucket_.levels[0].LeafIsFullFor(kElementBytes + key.size() + value.size())) {
    TRY(EmitLevel(bucket_, 0));
  }
  bucket_.levels[0].Add(0, key, value);
  return {};
}

Result<Layout> Writer::Finish() {
  TRY(EndBucket());
  const Layout layout{next_page_, next_page_ + root_.pages()};
  TRY(FinishAs(layout));
  return layout;
}

Status Writer::FinishAs(const Layout& layout) {
  TRY(EndBucket());
  if (next_page_ > layout.root_page || layout.root_page + root_.pages() > layout.pages) {
    return Error{Code::kInternal, "bolt: the rows need more pages than there should be"};
  }
  TRY(FillUpTo(layout.root_page));
  TRY(Emit(root_, layout.pages - layout.root_page, true));
  return Flush();
}

// A branch keeps at least two children, however long their keys are.
Status Writer::PutChild(Tree& tree, std::size_t level, std::string_view key, std::uint64_t child) {
  if (tree.levels.size() == level) tree.levels.emplace_back();
  const std::size_t size = kElementBytes + key.size();
  const Page& full = tree.levels[level];
  if (full.elements.size() >= 2 && full.bytes() + size > kBranchBytes) TRY(EmitLevel(tree, level));
  tree.levels[level].Add(0, key, {}, child);
  return {};
}

// Writes a full page and names it in the level above.
Status Writer::EmitLevel(Tree& tree, std::size_t level) {
  tree.emitted = true;
  const Page& page = tree.levels[level];
  const std::uint64_t id = TRY(Emit(page, page.pages(), level == 0));
  const std::string first_key = page.data.substr(0, page.elements.front().key_size);
  tree.levels[level].Clear();
  return PutChild(tree, level + 1, first_key, id);
}

// Writes what is left, level by level, and returns the page that stands above all others.
Result<std::uint64_t> Writer::FinishTree(Tree& tree) {
  for (std::size_t level = 0;; ++level) {
    const Page& page = tree.levels[level];
    const bool top = level + 1 == tree.levels.size();
    if (top && level > 0 && page.elements.size() == 1) return page.elements.front().child;
    if (top) return Emit(page, page.pages(), level == 0);
    if (!page.elements.empty()) TRY(EmitLevel(tree, level));
  }
}

// Gives the page its number and sends it on its way.
Result<std::uint64_t> Writer::Emit(const Page& page, std::uint64_t pages, bool leaf) {
  const std::uint64_t id = next_page_;
  next_page_ += pages;
  const std::size_t start = pending_.size();
  page.AppendTo(pending_, id, pages, leaf);
  pending_.resize(start + pages * kPageBytes);
  if (pending_.size() >= kPendingBytes) TRY(Flush());
  return id;
}

// Pages that nobody names are free ones.
Status Writer::FillUpTo(std::uint64_t page) {
  while (next_page_ < page) {
    const std::uint64_t pages = std::min(page - next_page_, kPendingBytes / kPageBytes);
    pending_.append(pages * kPageBytes, '\0');
    next_page_ += pages;
    TRY(Flush());
  }
  return {};
}

Status Writer::Flush() {
  if (pending_.empty()) return {};
  TRY(sink_(AsBytes(pending_)));
  pending_.clear();
  return {};
}

Status Writer::EndBucket() {
  if (!std::exchange(in_bucket_, false)) return {};
  std::string value;
  if (!bucket_.emitted && bucket_.levels[0].bytes() <= kInlineBytesMax) {
    value.assign(kBucketHeaderBytes, '\0');
    bucket_.levels[0].AppendTo(value, 0, 1, true);
  } else {
    AppendLittleEndian(value, TRY(FinishTree(bucket_)));
    AppendLittleEndian<std::uint64_t>(value, 0);
  }
  if (root_.elements.size() == kElementsMax) {
    return Error{Code::kInvalidArgument, "bolt: too many buckets"};
  }
  root_.Add(kBucketElement, bucket_name_, value);
  return {};
}

namespace {

// How many pages a bucket takes outside the root page.
std::uint64_t PagesAtMost(const BucketExtent& bucket) {
  const std::uint64_t content = bucket.bytes + kElementBytes * bucket.rows;
  if (kPageHeaderBytes + content <= kInlineBytesMax) return 0;
  // Of every page of a leaf that was full so much is elements; and there is the last leaf.
  constexpr std::size_t kContentMin = kPageBytes - kPageBytes / kEmptyShareMax - kPageHeaderBytes;
  std::uint64_t level = content / kContentMin + 1;
  std::uint64_t pages = level;
  const std::size_t child = kElementBytes + bucket.key_bytes_max;
  const std::size_t children = std::max<std::size_t>(2, (kBranchBytes - kPageHeaderBytes) / child);
  const std::uint64_t branch = PagesFor(std::max(kBranchBytes, kPageHeaderBytes + 2 * child));
  while (level > 1) {
    level = (level - 1) / children + 1;
    pages += level * branch;
  }
  return pages;
}

}  // namespace

Layout RoomFor(std::span<const BucketExtent> buckets) {
  Layout layout{2, 0};
  std::uint64_t root_bytes = kPageHeaderBytes;
  for (const BucketExtent& bucket : buckets) {
    layout.root_page += PagesAtMost(bucket);
    const std::uint64_t inline_bytes =
        kPageHeaderBytes + bucket.bytes + kElementBytes * bucket.rows;
    root_bytes += kElementBytes + bucket.name.size() + kBucketHeaderBytes +
                  std::min<std::uint64_t>(inline_bytes, kInlineBytesMax);
  }
  layout.pages = layout.root_page + PagesFor(root_bytes);
  return layout;
}

std::string MetaPages(const Layout& layout) {
  std::string out;
  for (std::uint64_t id = 0; id < 2; ++id) {
    AppendLittleEndian(out, id);
    AppendLittleEndian(out, kMetaPage);
    AppendLittleEndian<std::uint16_t>(out, 0);
    AppendLittleEndian<std::uint32_t>(out, 0);
    std::string meta;
    AppendLittleEndian(meta, kMagic);
    AppendLittleEndian(meta, kVersion);
    AppendLittleEndian(meta, static_cast<std::uint32_t>(kPageBytes));
    AppendLittleEndian<std::uint32_t>(meta, 0);  // flags
    AppendLittleEndian(meta, layout.root_page);
    AppendLittleEndian<std::uint64_t>(meta, 0);  // sequence of the root bucket
    AppendLittleEndian(meta, kNoFreelist);
    AppendLittleEndian(meta, layout.pages);
    AppendLittleEndian(meta, id);  // transaction: its parity is the page that holds it
    AppendLittleEndian(meta, MetaChecksum(meta));
    out += meta;
    out.resize((id + 1) * kPageBytes);
  }
  return out;
}

Result<Layout> WriteFile(io::Disk& disk, std::string_view path,
                         const std::function<Status(Writer&)>& fill) {
  const auto file = TRY(disk.Open(path, io::OpenMode::kTruncate));
  std::uint64_t offset = 2 * kPageBytes;
  Writer writer([&](Bytes bytes) -> Status {
    TRY(file->WriteAt(offset, bytes));
    offset += bytes.size();
    return {};
  });
  TRY(fill(writer));
  const Layout layout = TRY(writer.Finish());
  TRY(file->WriteAt(0, AsBytes(MetaPages(layout))));
  TRY(file->Sync());
  return layout;
}

}  // namespace quorate::bolt
