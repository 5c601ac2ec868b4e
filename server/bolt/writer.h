// Writer: writes a bbolt file in one pass over sorted buckets.
//
// Pages leave in ascending order from page 2 on, branch pages as soon as they are full, so memory
// is one page a level. What the two meta pages say is only known at the end; a sink that can seek
// writes them last (MetaPages at offset 0), a stream first runs a Writer without a sink to learn
// the Layout. The same input always gives the same bytes.
//
// Invariants: bucket names ascend, keys ascend within a bucket (CHECKed).
// Errors: kInvalidArgument for a key or value that bbolt cannot hold; the sink's own, after which
// the Writer must not be used.
// Thread: one at a time.
// Source: go.etcd.io/bbolt (format); real etcdutl and etcd accept the result (tests).
#pragma once

#include <cstdint>
#include <functional>
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
  // A null sink: nothing is written, only the Layout is found.
  explicit Writer(Sink sink) : sink_(std::move(sink)) {}

  Status BeginBucket(std::string_view name);
  // REQUIRES: a bucket was begun; key is not empty.
  Status Put(std::string_view key, std::string_view value);
  // Ends the file. REQUIRES: not called before.
  Result<Layout> Finish();

 private:
  struct Element {
    std::uint32_t flags = 0;
    std::size_t key_begin = 0;  // in data
    std::size_t key_size = 0;
    std::size_t value_size = 0;
    std::uint64_t child = 0;  // branch only
  };
  // The page of one level that is being filled. Level 0 is the leaf.
  struct Page {
    std::vector<Element> elements;
    std::string data;            // keys and values; of a measured page only the first key
    std::size_t data_bytes = 0;  // what they are, or would be

    std::size_t bytes() const;
    void Clear();
    // Header, elements and data, without filling up to a whole page.
    void AppendTo(std::string& out, std::uint64_t id, bool leaf) const;
  };
  // One tree under construction.
  struct Tree {
    std::vector<Page> levels{1};
    bool emitted = false;  // some page of it has left
  };

  void AddTo(Page& page, const Element& element, std::string_view key, std::string_view value);
  Status PutElement(Tree& tree, std::uint32_t flags, std::string_view key, std::string_view value);
  Status PutChild(Tree& tree, std::size_t level, std::string_view key, std::uint64_t child);
  Status EmitLevel(Tree& tree, std::size_t level);
  Result<std::uint64_t> FinishTree(Tree& tree);
  Status EndBucket();
  Result<std::uint64_t> Emit(const Page& page, bool leaf);
  Status Flush();

  Sink sink_;
  std::string pending_;  // pages on their way to the sink
  std::uint64_t next_page_ = 2;
  Tree bucket_;
  Tree root_;
  std::string bucket_name_;
  std::string last_key_;
  bool in_bucket_ = false;
};

// Pages 0 and 1.
std::string MetaPages(const Layout& layout);

// Writes and syncs a whole file: `fill` puts the buckets. The caller syncs the directory.
Result<Layout> WriteFile(io::Disk& disk, std::string_view path,
                         const std::function<Status(Writer&)>& fill);

}  // namespace quorate::bolt
