// Reader: reads a bbolt file that somebody else wrote.
//
// Nothing in the file is trusted. Page ids, counts, sizes and positions are checked before use;
// keys must ascend over the whole bucket and no more pages are visited than the file has, so a
// cycle ends in an error. Memory is bounded by the depth of the tree and the largest page.
//
// Errors: kDataLoss with what is wrong and where; the Disk's own.
// Ownership: a Reader owns its open file; a Cursor borrows the Reader and the Bucket.
// Thread: one at a time, cursors included.
// Source: go.etcd.io/bbolt (format, as seen in its files).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "io/disk.h"

namespace quorate::bolt {

struct Bucket {
  std::string name;
  std::uint64_t root_page = 0;  // 0: the bucket is inline_page
  std::string inline_page;
};

class Reader {
 public:
  static Result<std::unique_ptr<Reader>> Open(io::Disk& disk, std::string_view path);

  // In the order of their names.
  const std::vector<Bucket>& buckets() const { return buckets_; }
  // nullptr when there is none of that name.
  const Bucket* Find(std::string_view name) const;

  std::uint64_t page_bytes() const { return page_bytes_; }
  std::uint64_t database_bytes() const { return pages_ * page_bytes_; }
  std::uint64_t file_bytes() const { return file_bytes_; }  // what follows the database included

 private:
  friend class Cursor;

  Reader() = default;
  Status ReadMetas();
  Status ReadBuckets();
  // The page with its overflow pages, header included.
  Result<std::string> ReadPage(std::uint64_t id);
  Error Damaged(std::string_view what, std::uint64_t page) const;

  std::string path_;
  std::unique_ptr<io::File> file_;
  std::uint64_t file_bytes_ = 0;
  std::uint64_t page_bytes_ = 0;
  std::uint64_t pages_ = 0;  // ids below this are in use
  std::uint64_t root_page_ = 0;
  std::vector<Bucket> buckets_;
};

// Walks one bucket in key order: while (TRY(cursor.Next())) use(cursor.key(), cursor.value()).
class Cursor {
 public:
  Cursor(Reader& reader, const Bucket& bucket) : reader_(reader), bucket_(&bucket) {}

  // False at the end. key() and value() hold until the next call.
  Result<bool> Next();
  std::string_view key() const { return key_; }
  std::string_view value() const { return value_; }

 private:
  friend class Reader;

  struct Level {
    std::string page;
    std::uint64_t id = 0;
    std::size_t next = 0;  // element to look at next
    std::size_t count = 0;
    bool leaf = false;
  };

  Cursor(Reader& reader, std::uint64_t root_page) : reader_(reader), root_page_(root_page) {}
  Status Start();
  Status Push(std::string page, std::uint64_t id);
  Status Descend(Level& branch);
  Status Take(Level& leaf);

  Reader& reader_;
  const Bucket* bucket_ = nullptr;  // nullptr: the root bucket, whose values are buckets
  std::uint64_t root_page_ = 0;
  std::vector<Level> levels_;
  std::uint64_t visited_ = 0;
  bool started_ = false;
  bool first_ = true;
  std::string previous_key_;
  std::string_view key_;
  std::string_view value_;
};

}  // namespace quorate::bolt
