#include "bolt/writer.h"

#include <concepts>

#include "base/check.h"

namespace quorate::bolt {
namespace {

constexpr std::size_t kFillBytes = kPageBytes * 9 / 10;  // as etcd fills its sequential buckets
constexpr std::size_t kInlineBytesMax = kPageBytes / 4;  // a smaller bucket lives in its parent
constexpr std::size_t kPendingBytes = 1U << 18U;

// Writes the number little-endian; returns where the next one goes.
template <std::unsigned_integral T>
char* Store(char* at, T number) {
  for (std::size_t i = 0; i < sizeof(T); ++i) *at++ = static_cast<char>(number >> (8 * i));
  return at;
}

}  // namespace

std::size_t Writer::Page::bytes() const {
  return kPageHeaderBytes + kElementBytes * elements.size() + data_bytes;
}

void Writer::Page::Clear() {
  elements.clear();
  data.clear();
  data_bytes = 0;
}

void Writer::Page::AppendTo(std::string& out, std::uint64_t id, bool leaf) const {
  const std::uint64_t pages = (bytes() + kPageBytes - 1) / kPageBytes;
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
  if (in_bucket_) {
    CHECK(bucket_name_ < name);
    TRY(EndBucket());
  }
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
  return PutElement(bucket_, 0, key, value);
}

Result<Layout> Writer::Finish() {
  if (in_bucket_) TRY(EndBucket());
  in_bucket_ = false;
  const std::uint64_t root = TRY(FinishTree(root_));
  TRY(Flush());
  return Layout{root, next_page_};
}

Status Writer::PutElement(Tree& tree, std::uint32_t flags, std::string_view key,
                          std::string_view value) {
  const std::size_t size = kElementBytes + key.size() + value.size();
  if (!tree.levels[0].elements.empty() && tree.levels[0].bytes() + size > kFillBytes) {
    TRY(EmitLevel(tree, 0));
  }
  Page& page = tree.levels[0];
  AddTo(page, Element{flags, page.data_bytes, key.size(), value.size(), 0}, key, value);
  return {};
}

void Writer::AddTo(Page& page, const Element& element, std::string_view key,
                   std::string_view value) {
  if (sink_ || page.elements.empty()) page.data += key;
  if (sink_) page.data += value;
  page.elements.push_back(element);
  page.data_bytes += key.size() + value.size();
}

// A branch keeps at least two children, however long their keys are.
Status Writer::PutChild(Tree& tree, std::size_t level, std::string_view key, std::uint64_t child) {
  if (tree.levels.size() == level) tree.levels.emplace_back();
  const std::size_t size = kElementBytes + key.size();
  const Page& full = tree.levels[level];
  if (full.elements.size() >= 2 && full.bytes() + size > kFillBytes) TRY(EmitLevel(tree, level));
  Page& page = tree.levels[level];
  AddTo(page, Element{0, page.data_bytes, key.size(), 0, child}, key, {});
  return {};
}

// Writes a full page and names it in the level above.
Status Writer::EmitLevel(Tree& tree, std::size_t level) {
  tree.emitted = true;
  const std::uint64_t id = TRY(Emit(tree.levels[level], level == 0));
  const Page& page = tree.levels[level];
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
    if (top) return Emit(page, level == 0);
    if (!page.elements.empty()) TRY(EmitLevel(tree, level));
  }
}

// Gives the page its number and sends it on its way.
Result<std::uint64_t> Writer::Emit(const Page& page, bool leaf) {
  const std::uint64_t id = next_page_;
  const std::uint64_t pages = (page.bytes() + kPageBytes - 1) / kPageBytes;
  next_page_ += pages;
  if (!sink_) return id;
  const std::size_t start = pending_.size();
  page.AppendTo(pending_, id, leaf);
  pending_.resize(start + pages * kPageBytes);
  if (pending_.size() >= kPendingBytes) TRY(Flush());
  return id;
}

Status Writer::Flush() {
  if (pending_.empty()) return {};
  TRY(sink_(AsBytes(pending_)));
  pending_.clear();
  return {};
}

Status Writer::EndBucket() {
  std::string value;
  if (!bucket_.emitted && bucket_.levels[0].bytes() <= kInlineBytesMax) {
    value.assign(kBucketHeaderBytes, '\0');
    bucket_.levels[0].AppendTo(value, 0, true);
    value.resize(kBucketHeaderBytes + bucket_.levels[0].bytes());  // of a measured page
  } else {
    AppendLittleEndian(value, TRY(FinishTree(bucket_)));
    AppendLittleEndian<std::uint64_t>(value, 0);
  }
  return PutElement(root_, kBucketElement, bucket_name_, value);
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
