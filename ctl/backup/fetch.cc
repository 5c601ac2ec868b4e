#include "backup/fetch.h"

#include <memory>
#include <utility>

#include "backup/zstd_stream.h"
#include "base/bytes.h"
#include "base/digest.h"

namespace quorate::backup {
namespace {

constexpr std::size_t kDigestBytes = 32;

// Writes the file; hashes all but the digest at its end.
class SnapshotFile {
 public:
  explicit SnapshotFile(io::File& file) : file_(file) {}

  Status Write(std::string_view bytes) {
    TRY(file_.Append(AsBytes(bytes)));
    size_ += bytes.size();
    tail_ += bytes;
    if (tail_.size() > kDigestBytes) {
      const std::size_t body = tail_.size() - kDigestBytes;
      hash_.Update(std::string_view(tail_).substr(0, body));
      tail_.erase(0, body);
    }
    return {};
  }
  std::uint64_t size() const { return size_; }
  const std::string& tail() const { return tail_; }
  std::string Digest() { return hash_.Finish(); }

 private:
  io::File& file_;
  std::uint64_t size_ = 0;
  std::string tail_;
  Sha256 hash_;
};

Error Damaged(objectstore::ObjectStore& store, const Entry& entry, const std::string& why) {
  return {Code::kDataLoss, "backup " + store.AddressOf(entry.location) + " is damaged: " + why +
                               "; use another backup"};
}

std::string Differs(const std::string& what, const std::string& found,
                    const std::string& expected) {
  return what + " is " + found + " where its manifest says " + expected;
}

Status FetchInto(objectstore::ObjectStore& store, const Entry& entry, io::File& file,
                 const Watcher& watcher, Stage& stage) {
  const Manifest& manifest = entry.manifest;
  const std::string key = entry.location + "/" + std::string(kSnapshotName);
  SnapshotFile snapshot(file);
  Sha256 stored;
  std::uint64_t done = 0;
  Status local;
  Decompressor decompressor([&](std::string_view bytes) -> Status {
    local = snapshot.Write(bytes);
    return local;
  });
  Status inflated;
  stage = Stage::kStore;
  const Status read = store.Read(key, 0, [&](std::string_view bytes) -> Status {
    stored.Update(bytes);
    done += bytes.size();
    watcher(done, manifest.stored_bytes);
    inflated = decompressor.Write(bytes);
    return inflated;
  });
  if (!local.ok()) {
    stage = Stage::kDisk;
    return local;
  }
  if (inflated.ok() && !read.ok() && read.error().code != Code::kNotFound) return read;
  stage = Stage::kBackup;
  if (!inflated.ok()) return Damaged(store, entry, inflated.error().message);
  if (!read.ok()) return Damaged(store, entry, std::string(kSnapshotName) + " is missing");
  if (done != manifest.stored_bytes) {
    return Damaged(
        store, entry,
        Differs("its stored size", std::to_string(done), std::to_string(manifest.stored_bytes)));
  }
  const std::string digest = ToHex(stored.Finish());
  if (digest != manifest.sha256) {
    return Damaged(store, entry, Differs("its SHA-256", digest, manifest.sha256));
  }
  const Status ended = decompressor.Finish();
  if (!ended.ok()) return Damaged(store, entry, ended.error().message);
  const std::string inner = snapshot.Digest();
  if (snapshot.size() != manifest.size_bytes || inner != snapshot.tail() ||
      ToHex(inner) != manifest.database_sha256) {
    return Damaged(store, entry,
                   Differs("the SHA-256 of its database", ToHex(inner), manifest.database_sha256));
  }
  stage = Stage::kDisk;
  return file.Sync();
}

}  // namespace

Status Fetch(objectstore::ObjectStore& store, const Entry& entry, io::Disk& disk,
             const std::string& path, const Watcher& watcher, Stage& stage) {
  stage = Stage::kDisk;
  auto file = TRY(disk.Open(path, io::OpenMode::kTruncate));
  Status done = FetchInto(store, entry, *file, watcher, stage);
  if (!done.ok()) {
    file.reset();
    const Status removed = disk.Remove(path);
    static_cast<void>(removed.ok());  // a file that stays is overwritten by the next try
  }
  return done;
}

}  // namespace quorate::backup
