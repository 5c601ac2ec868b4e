// DiskReserve: keeps a disk that fills up curable.
//
// A member whose disk is full to the last byte cannot even apply the deletion that would make room.
// So writes are refused, with etcd's own "database space exceeded" and its NOSPACE alarm, while as
// much is still free as the reserve; deletions and compactions go on and use it. And because others
// may fill the disk too, as much again is kept in a file, `member/reserve`, which is given back
// when less than half of the reserve is left.
//
//   free space            writes    the file
//   3 x reserve or more   taken     is made (again)
//   below 1 x reserve     refused   stays, until 2 x are free again: then writes are taken
//   below 1/2             refused   is removed
//
// An interruption while the file is made leaves a shorter one, which the next look makes anew.
//
// Errors: of the Disk, from Look; they are for the log: a member without a reserve still works.
// Thread: one at a time; scarce() any.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "base/result.h"
#include "io/disk.h"

namespace quorate::app {

class DiskReserve {
 public:
  // directory: the member's. reserve_bytes 0: nothing is kept or refused.
  DiskReserve(io::Disk& disk, std::string directory, std::uint64_t reserve_bytes);

  // At a start, before anything is written: gives the file back if the disk is full, so that the
  // start itself succeeds.
  Status Prepare();
  // Once a second or so: compares and acts.
  Status Look();

  // Writes are to be refused.
  bool scarce() const { return scarce_.load(std::memory_order_relaxed); }
  std::string path() const { return path_; }

 private:
  Status Give();
  Status Make();
  Result<bool> Whole();  // the file is there, with all its bytes

  io::Disk& disk_;
  const std::string directory_;
  const std::string path_;
  const std::uint64_t reserve_bytes_;
  std::atomic<bool> scarce_{false};
};

}  // namespace quorate::app
