#include "objectstore/directory_store.h"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "base/bytes.h"

namespace quorate::objectstore {
namespace {

constexpr std::string_view kPart = ".part";
constexpr std::size_t kReadBytes = 256UL * 1024;

class FileUpload final : public Upload {
 public:
  FileUpload(io::Disk& disk, std::string path, std::unique_ptr<io::File> file)
      : disk_(disk), path_(std::move(path)), file_(std::move(file)) {}

  ~FileUpload() override {
    if (file_ == nullptr) return;
    file_.reset();
    const Status removed = disk_.Remove(path_ + std::string(kPart));
    static_cast<void>(removed.ok());  // the next upload under this key overwrites it
  }

  Status Write(std::string_view bytes) override { return file_->Append(AsBytes(bytes)); }

  Status Finish() override {
    TRY(file_->Sync());
    TRY(disk_.Rename(path_ + std::string(kPart), path_));
    file_.reset();
    return disk_.SyncDirectory(io::ParentOf(path_));
  }

 private:
  io::Disk& disk_;
  std::string path_;
  std::unique_ptr<io::File> file_;  // null: finished
};

}  // namespace

std::string DirectoryStore::AddressOf(std::string_view key) const {
  return "dir://" + PathOf(key);
}

Status DirectoryStore::Put(const std::string& key, std::string_view bytes) {
  auto upload = TRY(BeginUpload(key));
  TRY(upload->Write(bytes));
  return upload->Finish();
}

Result<std::unique_ptr<Upload>> DirectoryStore::BeginUpload(const std::string& key) {
  TRY(CheckKey(key));
  const std::string path = PathOf(key);
  TRY(disk_.MakeDirectories(io::ParentOf(path)));
  auto file = TRY(disk_.Open(path + std::string(kPart), io::OpenMode::kTruncate));
  return std::unique_ptr<Upload>(std::make_unique<FileUpload>(disk_, path, std::move(file)));
}

Status DirectoryStore::Read(const std::string& key, std::uint64_t offset, const Sink& sink) {
  TRY(CheckKey(key));
  auto file = TRY(disk_.Open(PathOf(key), io::OpenMode::kRead));
  std::vector<std::byte> buffer(kReadBytes);
  while (true) {
    const std::size_t got = TRY(file->ReadAt(offset, buffer));
    if (got == 0) return {};
    TRY(sink(AsText(Bytes(buffer).first(got))));
    offset += got;
  }
}

Result<ObjectInfo> DirectoryStore::Head(const std::string& key) {
  TRY(CheckKey(key));
  const io::FileInfo info = TRY(disk_.Stat(PathOf(key)));
  if (info.directory) return Error{Code::kNotFound, AddressOf(key) + ": no such object"};
  return ObjectInfo{key, info.size};
}

Result<std::vector<ObjectInfo>> DirectoryStore::List(const std::string& prefix) {
  std::vector<ObjectInfo> found;
  if (!TRY(io::Exists(disk_, root_))) return found;
  TRY(Walk("", prefix, found));
  std::sort(found.begin(), found.end(),
            [](const ObjectInfo& a, const ObjectInfo& b) { return a.key < b.key; });
  return found;
}

Status DirectoryStore::Delete(const std::string& key) {
  TRY(CheckKey(key));
  const Status removed = disk_.Remove(PathOf(key));
  if (!removed.ok() && removed.error().code != Code::kNotFound) return removed;
  // Folders are no objects: those that hold nothing more go too.
  for (std::string folder = io::ParentOf(key); folder != "." && folder != "/";
       folder = io::ParentOf(folder)) {
    if (!disk_.Remove(PathOf(folder)).ok()) break;
  }
  return {};
}

// directory: "" or "a/b/", relative to the root.
Status DirectoryStore::Walk(const std::string& directory, const std::string& prefix,
                            std::vector<ObjectInfo>& found) {
  const std::string path = directory.empty() ? root_ : PathOf(directory);
  for (const auto& name : TRY(disk_.List(path))) {
    const std::string key = directory + name;
    const std::size_t common = std::min(key.size(), prefix.size());
    if (key.compare(0, common, prefix, 0, common) != 0 || key.ends_with(kPart)) continue;
    const auto info = disk_.Stat(PathOf(key));
    if (!info.ok()) {
      if (info.error().code == Code::kNotFound) continue;  // deleted meanwhile
      return info.error();
    }
    if (info->directory) {
      TRY(Walk(key + "/", prefix, found));
    } else if (key.starts_with(prefix)) {
      found.push_back({key, info->size});
    }
  }
  return {};
}

}  // namespace quorate::objectstore
