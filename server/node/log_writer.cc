#include "node/log_writer.h"

#include <time.h>

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/log.h"
#include "base/site.h"
#include "wal/segment.h"

namespace quorate::node {
namespace {

// Never reached: what is uncommitted is bounded in bytes, and the loop submits one write a turn.
constexpr std::size_t kWritesMax = 1U << 20U;

// A disk that needs longer for a sync is not quick: a tenth of the usual heartbeat interval.
constexpr auto kQuick = std::chrono::milliseconds(10);

}  // namespace

LogWriter::LogWriter(Parts parts, Written written, std::function<void(Error)> failed)
    : parts_(std::move(parts)),
      written_(std::move(written)),
      failed_(std::move(failed)),
      queue_(kWritesMax) {
  CHECK(sem_init(&ready_, 0, 0) == 0);
}

LogWriter::~LogWriter() {
  sem_destroy(&ready_);
}

void LogWriter::Submit(LogWrite write) {
  const bool leave = write.lone && loop_offered_ && distrust_ == 0;
  const auto outcome = queue_.TryPush(std::move(write));
  CHECK(outcome != BoundedQueue<LogWrite>::Push::kFull);
  if (outcome != BoundedQueue<LogWrite>::Push::kFirst) return;
  if (leave) {
    left_to_loop_ = true;
  } else {
    sem_post(&ready_);
  }
}

void LogWriter::RunLeft() {
  left_to_loop_ = false;
  if (writing_.exchange(true)) {
    sem_post(&ready_);  // the thread is at it, and looks once more
    return;
  }
  Write();
  writing_ = false;
}

void LogWriter::Close() {
  queue_.Close();
  closed_ = true;
  sem_post(&ready_);
}

void LogWriter::Await(std::chrono::nanoseconds patience) {
  if (closed_) return;
  constexpr std::int64_t kSecond = 1'000'000'000;
  timespec until{};
  clock_gettime(CLOCK_MONOTONIC, &until);
  const std::int64_t nanoseconds = until.tv_nsec + patience.count();
  until.tv_sec += nanoseconds / kSecond;
  until.tv_nsec = nanoseconds % kSecond;
  sem_clockwait(&ready_, CLOCK_MONOTONIC, &until);  // woken early by a signal: as good as late
}

bool LogWriter::RunOnce(std::chrono::nanoseconds patience) {
  if (patience.count() > 0) Await(patience);
  if (writing_.exchange(true)) return true;  // the loop, which takes all there is
  const bool open = Write();
  writing_ = false;
  return open;
}

bool LogWriter::Write() {
  const bool open = queue_.DrainInto(batch_);
  if (broken_) return open;
  std::uint64_t number = 0;
  LogIndex release;
  bool asked = false;
  for (const LogWrite& write : batch_) {
    Append(write);
    number = std::max(number, write.number);
    release = std::max(release, write.release);
    asked = asked || write.sync;
  }
  if (number != 0 || release.value != 0 || asked || !open) {
    if (QUORATE_PLANTED("node.written_before_sync") && number != 0) written_(number, commit_);
    if (Status synced = Sync(); !synced.ok()) {
      Fail(std::move(synced).error());
      return open;
    }
    ++syncs_;
    QUORATE_CRASH_SITE("node.before_written");
    if (number != 0 || asked) written_(number, commit_);
    QUORATE_CRASH_SITE("node.after_written");
    Chores(release);
  }
  return open;
}

void LogWriter::Append(const LogWrite& write) {
  if (write.mark) parts_.writer->Mark(*write.mark);
  if (write.hard_state) commit_ = std::max(commit_, write.hard_state->commit);
  parts_.writer->Append(write.entries, write.hard_state ? &*write.hard_state : nullptr);
}

Status LogWriter::Sync() {
  if (parts_.clock == nullptr) return parts_.writer->Sync();
  const io::Clock::Instant started = parts_.clock->Now();
  Status synced = parts_.writer->Sync();
  const std::chrono::nanoseconds took = parts_.clock->Now() - started;
  NoteSync(took);
  if (parts_.observer != nullptr) parts_.observer->LogSynced(took);
  return synced;
}

void LogWriter::NoteSync(std::chrono::nanoseconds took) {
  if (took > kQuick) {
    distrust_ = distrust_next_;
    distrust_next_ = std::min(2 * distrust_next_, kDistrustMax);
  } else if (distrust_ > 0) {
    --distrust_;
  }
}

void LogWriter::Chores(LogIndex release) {
  if (release.value != 0) {
    QUORATE_CRASH_SITE("node.before_release");
    parts_.writer->ReleaseTo(release);
    Background([disk = parts_.disk, directory = parts_.directory, keep = parts_.segments_keep] {
      const auto purged = wal::PurgeSegments(*disk, directory, keep);
      if (!purged.ok()) log::Warn("cannot delete old wal", {{"error", purged.error().message}});
    });
  }
  if (parts_.writer->WantsSpare()) {
    Background([writer = parts_.writer] {
      if (Status made = writer->PrepareSpare(); !made.ok()) {
        log::Warn("cannot prepare the next wal segment", {{"error", made.error().message}});
      }
    });
  }
}

void LogWriter::Background(std::function<void()> chore) {
  if (!parts_.background) return chore();
  parts_.background(std::move(chore));
}

void LogWriter::Fail(Error error) {
  if (QUORATE_PLANTED("node.failed_sync_goes_on")) return;
  broken_ = true;
  failed_(std::move(error));
}

}  // namespace quorate::node
