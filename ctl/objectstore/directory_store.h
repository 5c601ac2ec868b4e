// DirectoryStore: objects as files below one directory, a mounted volume for instance.
//
// Bytes on their way are in files whose names end in ".part"; they take their names when whole and
// synced, so a crash leaves no object behind that is not whole. Such leftovers are never listed and
// are overwritten by the next try.
//
// Ownership: borrows the Disk.
#pragma once

#include <string>

#include "io/disk.h"
#include "objectstore/object_store.h"

namespace quorate::objectstore {

class DirectoryStore final : public ObjectStore {
 public:
  // root is made when the first object is written.
  DirectoryStore(io::Disk& disk, std::string root) : disk_(disk), root_(std::move(root)) {}

  std::string AddressOf(std::string_view key) const override;
  Status Put(const std::string& key, std::string_view bytes) override;
  Result<std::unique_ptr<Upload>> BeginUpload(const std::string& key) override;
  Status Read(const std::string& key, std::uint64_t offset, const Sink& sink) override;
  Result<ObjectInfo> Head(const std::string& key) override;
  Result<std::vector<ObjectInfo>> List(const std::string& prefix) override;
  Status Delete(const std::string& key) override;

 private:
  std::string PathOf(std::string_view key) const { return io::JoinPath(root_, key); }
  Status Walk(const std::string& directory, const std::string& prefix,
              std::vector<ObjectInfo>& found);

  io::Disk& disk_;
  std::string root_;
};

}  // namespace quorate::objectstore
