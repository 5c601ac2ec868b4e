// Writer: writes a bbolt file in one pass over sorted buckets.
//
// Pages leave in ascending order from page 2 on, branch pages as soon as they are full, so memory
// is one page a level. What the two meta pages say is only known at the end. A sink that can seek
// writes them last (MetaPages at offset 0). A stream needs them first: RoomFor bounds the file from
// what its buckets hold at most, FinishAs fills it up to there with empty pages and ends it with
// the root. The same input always gives the same bytes.
//
// A leaf is one page where that leaves at most a sixteenth of it empty; else it goes on over
// further pages, as bbolt's own leaves do for long rows. That is what makes the bound a close one.
//
// Invariants: bucket names ascend, keys ascend within a bucket (CHECKed).
// Errors: kInvalidArgument for a key or value that bbolt cannot hold; the sink's own, after which
// the Writer must not be used.
// Thread: one at a time.
// Source: go.etcd.io/bbolt (format); real etcdutl and etcd accept the result (tests).
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "bolt/format.h"
#include "io/disk.h"

namespace quorate::bolt {

// Takes the next bytes of the file; the first call continues at page 2.
using Sink = std::function<Status(Bytes)>;

class Writer {
 public:
  explicit Writer(Sink sink) : sink_(std::move(sink)) {}

  Status BeginBucket(std::string_view name);
  // REQUIRES: a bucket was begun; key is not empty.
  Status Put(std::string_view key, std::string_view value);
  // Ends the file where its rows end. REQUIRES: neither this nor FinishAs was called before.
  Result<Layout> Finish();
  // Ends the file as `layout` says. Errors: kInternal when the rows take more room.
  Status FinishAs(const Layout& layout);

 private:
  struct Element {
    std::uint32_t flags = 0;
    std::size_t key_begin = 0;  // in data
    std::size_t key_size = 0;
    std::size_t value_size = 0;
    std::uint64_t child = 0;  // branch only
  };
  // The page of one level that is being filled, or the run of pages. Level 0 is the leaf.
  struct Page {
    std::vector<Element> elements;
    std::string data;  // keys and values

    void Add(std::uint32_t flags, std::string_view key, std::string_view value,
             std::uint64_t child = 0);
    std::size_t bytes() const;
    std::uint64_t pages() const;
    // A leaf that another element of so many bytes would only make longer, not fuller.
    bool LeafIsFullFor(std::size_t element_bytes) const;
    void Clear();
    // Header, elements and data; what is left of the `pages` pages is the caller's to fill.
    void AppendTo(std::string& out, std::uint64_t id, std::uint64_t pages, bool leaf) const;
  };
  // One tree under construction.
  struct Tree {
    std::vector<Page> levels{1};
    bool emitted = false;  // some page of it has left
  };

  Status PutChild(Tree& tree, std::size_t level, std::string_view key, std::uint64_t child);
  Status EmitLevel(Tree& tree, std::size_t level);
  Result<std::uint64_t> FinishTree(Tree& tree);
  Status EndBucket();
  Result<std::uint64_t> Emit(const Page& page, std::uint64_t pages, bool leaf);
  Status FillUpTo(std::uint64_t page);
  Status Flush();

  Sink sink_;
  std::string pending_;  // pages on their way to the sink
  std::uint64_t next_page_ = 2;
  Tree bucket_;
  Page root_;  // one leaf, however long: buckets are few
  std::string bucket_name_;
  std::string last_key_;
  bool in_bucket_ = false;
};

// BucketExtent: what a bucket holds, or more.
struct BucketExtent {
  std::string_view name;
  std::uint64_t rows = 0;
  std::uint64_t bytes = 0;        // keys and values
  std::size_t key_bytes_max = 0;  // of one row
};

// A layout that has room for these buckets, however their rows fall on pages: at most a fourteenth
// and a few pages more than they take when the extents are exact.
Layout RoomFor(std::span<const BucketExtent> buckets);

// Pages 0 and 1.
std::string MetaPages(const Layout& layout);

// Writes and syncs a whole file: `fill` puts the buckets. The caller syncs the directory.
Result<Layout> WriteFile(io::Disk& disk, std::string_view path,
                         const std::function<Status(Writer&)>& fill);

}  // namespace quorate::bolt
