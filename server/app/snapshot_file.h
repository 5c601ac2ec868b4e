// SnapshotFile: the store as it was at one moment, to be sent to a member that lags too far behind.
//
// The view is taken at once; the bbolt image is made from it at the first question, by the
// background thread that sends it, in a temporary file that goes with this object.
//
// Ownership: owns the view and the file; borrows the Disk.
// Thread: made on the raft+apply loop, then one background thread.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "io/disk.h"
#include "node/state_machine.h"
#include "storage/backend.h"

namespace quorate::app {

class SnapshotFile final : public node::SnapshotSource {
 public:
  // data: what goes into the message itself, see membership/v2_store.h.
  SnapshotFile(std::shared_ptr<storage::Reader> view, std::string data, io::Disk& disk,
               std::string path);
  ~SnapshotFile() override;

  std::string data() const override { return data_; }
  std::uint64_t size() const override;
  std::string sha256() const override { return sha256_; }
  Result<std::size_t> Read(std::span<std::byte> out) override;

 private:
  Status Prepare() const;

  mutable std::shared_ptr<storage::Reader> view_;  // null once the file is whole
  const std::string data_;
  io::Disk& disk_;
  const std::string path_;
  mutable std::unique_ptr<io::File> file_;
  mutable std::optional<Error> failure_;
  mutable std::uint64_t size_ = 0;
  mutable std::string sha256_;
  std::uint64_t offset_ = 0;
};

}  // namespace quorate::app
