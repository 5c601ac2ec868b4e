// LogWriter: the wal thread's work, as an object that also runs without a thread.
//
// The loop submits writes and goes on; RunOnce takes all that wait, appends them, syncs once if any
// needs it, and reports the last number and the last commit index that are durable. While one sync
// runs the next batch gathers. A write without a number (a commit index alone) waits in the buffer
// for the next sync, unless it asks for one: losing it costs nothing.
//
// Waking the wal thread and being woken by it costs as much as the sync itself. So a lone write,
// for which the loop would only wait, may be left to the loop, as long as the disk is quick. A sync
// that takes more than a tenth of a heartbeat sends the next 32 writes to the thread, and each
// further one twice as many. What that risks is one slow sync, now and then, during which this
// member neither hears nor answers, as if its processor had paused. Only members that do not lead
// and that no client waits for have lone writes, so heartbeats are sent whatever the disk does; a
// leader that misses an answer for less than an election timeout does nothing; and where a majority
// stands still for longer nothing could be committed by any thread.
//
// Errors: the first one ends it; it is reported once and later writes are swallowed, since the
// file's tail is unknown. Ownership: owns the wal::Writer; borrows the Disk. Thread: Submit and
// RunLeft from the loop; RunOnce from one other, or the same; the reports come on the one that
// writes.
#pragma once

#include <semaphore.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/bounded_queue.h"
#include "base/result.h"
#include "io/clock.h"
#include "io/disk.h"
#include "node/observer.h"
#include "raft/types.h"
#include "wal/writer.h"

namespace quorate::node {

// In this order: mark, entries, hard state.
struct LogWrite {
  std::optional<wal::SnapshotMark> mark;
  std::vector<raft::Entry> entries;
  std::optional<raft::HardState> hard_state;
  std::uint64_t number = 0;  // 0: nobody waits for it
  bool sync = false;         // somebody waits for the commit index
  bool lone = false;         // the loop has nothing to do before this is durable
  LogIndex release;          // once durable, the log before this may go; 0: nothing
};

class LogWriter {
 public:
  struct Parts {
    std::shared_ptr<wal::Writer> writer;  // shared with a chore that may still run
    io::Disk* disk = nullptr;
    std::string directory;
    std::size_t segments_keep = 5;  // --max-wals
    // Runs slow chores (making the next segment ready, deleting old ones) beside the wal thread.
    // Inline when null.
    std::function<void(std::function<void()>)> background;
    const io::Clock* clock = nullptr;  // without it nothing is left to the loop
    Observer* observer = nullptr;      // with a clock: hears how long each sync took
  };

  // number: 0 when no write of the batch had one; commit: of every batch so far.
  using Written = std::function<void(std::uint64_t number, LogIndex commit)>;
  LogWriter(Parts parts, Written written, std::function<void(Error)> failed);
  ~LogWriter();
  LogWriter(const LogWriter&) = delete;
  LogWriter& operator=(const LogWriter&) = delete;

  void Submit(LogWrite write);
  // One batch, waiting for it at most for `patience`. False: closed, and everything is written.
  bool RunOnce(std::chrono::nanoseconds patience);
  void Close();

  // From now on the loop looks after each turn whether something was left to it, and if so calls
  // RunLeft when it has sent what it has to send.
  void OfferLoop() { loop_offered_ = true; }
  bool left_to_loop() const { return left_to_loop_; }
  void RunLeft();

  // Whether RunOnce would find something.
  bool waiting() const { return queue_.size() > 0; }

  std::uint64_t syncs() const { return syncs_; }  // batches made durable, so far

 private:
  static constexpr std::uint32_t kDistrustMin = 32;
  static constexpr std::uint32_t kDistrustMax = 32'768;

  void Await(std::chrono::nanoseconds patience);
  bool Write();
  void Append(const LogWrite& write);
  Status Sync();
  void NoteSync(std::chrono::nanoseconds took);
  void Chores(LogIndex release);
  void Background(std::function<void()> chore);
  void Fail(Error error);

  Parts parts_;
  Written written_;
  std::function<void(Error)> failed_;
  BoundedQueue<LogWrite> queue_;
  // What the wal thread sleeps on: one system call to wake it, one to sleep. A condition's lock
  // costs it another, and the waker's, too.
  sem_t ready_;
  std::atomic<bool> closed_{false};  // never waits again
  bool loop_offered_ = false;        // the loop's
  bool left_to_loop_ = false;        // the loop's
  // Syncs that must be quick before the next write may be left to the loop; and after a slow one.
  std::atomic<std::uint32_t> distrust_{kDistrustMin};
  std::uint32_t distrust_next_ = kDistrustMin;

  // Somebody writes; what follows is theirs.
  std::atomic<bool> writing_{false};
  std::vector<LogWrite> batch_;
  LogIndex commit_;  // the last that was appended
  bool broken_ = false;
  std::uint64_t syncs_ = 0;
};

}  // namespace quorate::node
