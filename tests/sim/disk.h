// sim::Disk: an io::Disk in memory that loses what a real crash may lose.
//
// Power loss (Crash) takes back unsynced writes by sectors of 512 bytes, in any combination that a
// kernel could have left: nothing, everything, a prefix, or some sectors and not others, with the
// file size of any moment in between. Unsynced names go the same way, per directory and in order. A
// failed Sync drops what it should have saved, although the bytes can still be read: a later Sync
// that succeeds has not saved them.
//
// Every change is counted; StopAfter makes the machine stop at an exact one. After Crash() or
// Kill() every open File is dead and answers with an error.
//
// Thread: any, one mutex. Deterministic when the calls come in a deterministic order.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "io/disk.h"
#include "sim/prng.h"

namespace quorate::sim {

enum class Operation : std::uint8_t {
  kOpen,
  kRead,
  kWrite,  // ZeroFill too
  kSync,
  kTruncate,
  kRename,
  kRemove,
  kSyncDirectory,
};

// Fault: the next calls that should fail.
struct Fault {
  Operation operation;
  std::string path_part;  // "" fits every path
  Code code = Code::kDataLoss;
  int skip = 0;          // so many fitting calls succeed first
  bool forever = false;  // or only once
};

class Disk final : public io::Disk {
 public:
  explicit Disk(std::uint64_t seed);
  ~Disk() override;

  Result<std::unique_ptr<io::File>> Open(std::string_view path, io::OpenMode mode) override;
  Result<io::FileInfo> Stat(std::string_view path) override;
  Result<std::vector<std::string>> List(std::string_view directory) override;
  Status Rename(std::string_view from, std::string_view to) override;
  Status Remove(std::string_view path) override;
  Status MakeDirectories(std::string_view path) override;
  Status SyncDirectory(std::string_view path) override;
  Result<io::Space> FreeSpace(std::string_view path) override;

  // Power loss. Files open now are dead, their locks free.
  void Crash();
  // The process dies, the kernel does not: what was written can still be read, but is no more
  // durable than before.
  void Kill();

  void Inject(Fault fault);
  void ClearFaults();
  // Growth beyond so many bytes, all files together, is kResourceExhausted.
  void SetCapacity(std::uint64_t bytes);
  // Every call fails (kUnavailable) from the n-th change on, 1 being the next one, until Crash() or
  // Kill().
  void StopAfter(std::uint64_t changes);
  void NeverStop();  // unless it has stopped already
  // Writes, syncs and name changes so far.
  std::uint64_t changes() const;
  // What is durable: bytes by path, nothing for a directory. PutBack makes the disk exactly that,
  // as a restored volume does; open Files are dead then.
  using Image = std::map<std::string, std::optional<std::string>>;
  Image TakeImage() const;
  void PutBack(const Image& image);
  // Flips the bits of mask in one byte, durably. REQUIRES: the file has that byte.
  void Damage(std::string_view path, std::uint64_t offset, std::uint8_t mask);

 private:
  struct Node;
  struct NameChange;
  class Handle;

  Status Enter(Operation operation, std::string_view path) QUORATE_REQUIRES(mutex_);
  Status Change(Operation operation, std::string_view path) QUORATE_REQUIRES(mutex_);
  Node* NewNode(bool directory) QUORATE_REQUIRES(mutex_);
  Node* Find(std::string_view path) QUORATE_REQUIRES(mutex_);
  void Name(NameChange change) QUORATE_REQUIRES(mutex_);
  static void Harden(Node& directory, std::size_t count);
  void AddToImage(const Node& directory, const std::string& path, Image& image) const
      QUORATE_REQUIRES(mutex_);
  void CrashContent(Node& file) QUORATE_REQUIRES(mutex_);
  void Sweep() QUORATE_REQUIRES(mutex_);
  std::uint64_t Used() const QUORATE_REQUIRES(mutex_);

  mutable Mutex mutex_;
  Prng prng_ QUORATE_GUARDED_BY(mutex_);
  std::vector<std::unique_ptr<Node>> nodes_ QUORATE_GUARDED_BY(mutex_);
  Node* root_ QUORATE_GUARDED_BY(mutex_);
  std::vector<Fault> faults_ QUORATE_GUARDED_BY(mutex_);
  std::optional<std::uint64_t> capacity_ QUORATE_GUARDED_BY(mutex_);
  std::uint64_t changes_ QUORATE_GUARDED_BY(mutex_) = 0;
  std::uint64_t stop_at_ QUORATE_GUARDED_BY(mutex_) = 0;  // 0: never
  std::uint64_t life_ QUORATE_GUARDED_BY(mutex_) = 1;     // Handles of an earlier life are dead
};

}  // namespace quorate::sim
