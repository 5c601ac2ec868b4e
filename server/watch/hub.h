// Hub: matches every change against every watcher and hands each stream what it asked for.
//
// Watchers are synced (they hear changes as they are applied) or catching up (they asked for the
// past, or their stream was full): those read the history in bounded rounds until they are synced.
// Rounds sweep over the history: each begins where the last one ended, or at the next watcher after
// it, and a sweep ends at the revision that was the last when it began. So nobody waits for more
// than a sweep, however many come from further back, and one scan serves all on its way. Where a
// round cannot take all, those who have caught up for longest come first.
//
// An event is encoded once, however many watchers get it.
//
// Everything a stream hears goes through its Sink in one order: created before the first event, all
// events of a revision in one response, a progress response never ahead of an event it covers.
//
// Ownership: borrows the store; borrows each Sink until its stream is closed.
// Thread: the raft+apply loop.
// Source: knowledge/etcd.md 1.10, knowledge/reliability.md 3.2 (W-1..W-13).
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "mvcc/change_listener.h"
#include "mvcc/store.h"
#include "watch/event.h"
#include "watch/matcher.h"

namespace quorate::watch {

// Response: one WatchResponse for a stream; the api adds the header and may fragment it.
struct Response {
  std::int64_t watch_id = 0;
  Revision revision;  // of the header
  bool created = false;
  bool canceled = false;
  Revision compact_revision;  // not 0: canceled because history before it is gone
  std::string cancel_reason;
  bool fragment_allowed = false;
  std::vector<EventBytes> events;
};

// Sink: the way out to one stream. It must not call the hub from inside Offer.
class Sink {
 public:
  virtual ~Sink() = default;
  // Takes the response, or returns false and leaves it when the stream has too much queued. Control
  // responses (created, canceled, progress) must always be taken.
  virtual bool Offer(Response& response) = 0;
  // Whether Offer would take events now.
  virtual bool HasRoom() const = 0;
};

using StreamId = std::uint64_t;

struct CreateRequest {
  std::string key;        // empty: from the first key
  std::string range_end;  // as RangeRequest
  std::int64_t start_revision = 0;
  bool progress_notify = false;
  bool no_put = false;
  bool no_delete = false;
  bool prev_kv = false;
  std::int64_t watch_id = 0;  // 0: draw one
  bool fragment = false;
};

// What one round of catching up may cost, beside its rows. At least 1 each.
struct RoundLimits {
  std::size_t watchers_max = 512;
  std::size_t read_bytes = std::size_t{4} << 20;   // of history and events: it ends with a revision
  std::size_t sent_bytes = std::size_t{16} << 20;  // to all streams: likewise
  // However large a revision is: the rest of the watchers read it in a later round. One always can.
  std::size_t sent_bytes_max = std::size_t{64} << 20;
};

class Hub final : public mvcc::ChangeListener {
 public:
  // Becomes the store's listener until it is destroyed.
  explicit Hub(mvcc::Store& store, RoundLimits limits = {});
  ~Hub() override;
  Hub(const Hub&) = delete;
  Hub& operator=(const Hub&) = delete;

  StreamId Open(Sink& sink);
  // Drops the stream's watchers; the Sink is not called again.
  void Close(StreamId stream);

  // Answers through the Sink: created, or created and canceled with a reason.
  void Create(StreamId stream, const CreateRequest& request);
  // Answers canceled; an unknown id has no answer.
  void Cancel(StreamId stream, std::int64_t watch_id);
  // A client's progress request: one answer when every watcher of the stream is synced, else none.
  void RequestProgress(StreamId stream);
  // The stream's progress timer fired: an empty response for each synced watcher that asked for
  // notices and heard nothing since the last time.
  void NotifyProgress(StreamId stream);
  // The stream's queue has drained: watchers that were held back go on.
  void HasRoom(StreamId stream);

  void OnChanges(Revision revision, std::span<const mvcc::Change> changes) override;

  // The store was reloaded from a snapshot: every watcher catches up from where it was.
  void Reloaded();

  // Whether CatchUp has work it can do now.
  bool lagging() const { return !reading_.empty(); }
  // One round: reads up to rows_max rows of history for watchers that catch up; more when one
  // revision is longer, or when so much was written since the last round that they would not gain
  // on it. Call between applies, with nothing uncommitted in the store.
  // REQUIRES: rows_max > 0.
  Status CatchUp(std::size_t rows_max);

  std::size_t stream_count() const { return streams_.size(); }
  std::size_t watcher_count() const { return watchers_; }
  std::size_t slow_watcher_count() const { return lagging_; }
  // Watchers that wait for their stream to drain.
  std::size_t held_watcher_count() const { return lagging_ - reading_.size(); }
  std::uint64_t events_sent() const { return events_sent_; }

 private:
  struct Stream {
    StreamId id = 0;
    Sink* sink = nullptr;
    std::int64_t next_id = 0;  // where drawing a watch id begins
    std::map<std::int64_t, std::unique_ptr<Watcher>> watchers;
  };
  struct Round;
  // Where a watcher that catches up goes on, and among those of one place, since when it does.
  using Place = std::pair<Revision, std::uint64_t>;

  Stream* FindStream(StreamId stream);
  std::string WhyRefused(const Stream& stream, const CreateRequest& request) const;
  std::int64_t DrawId(Stream& stream) const;
  void StartLagging(Watcher& watcher, bool held);
  void BeginLagging(Watcher& watcher, bool held);
  void StopLagging(Watcher& watcher);
  void Hold(Watcher& watcher, bool held);
  // True: the stream took them.
  bool Deliver(Watcher& watcher, Revision revision);
  void CancelCompacted(Watcher& watcher);
  void Forget(Watcher& watcher);
  std::string PreviousOf(std::string_view key, Revision revision);
  bool Synced(const Stream& stream) const;
  static Place PlaceOf(const Watcher& watcher) { return {watcher.next, watcher.lagging_since}; }
  void SettleEnds();
  Revision NextRoundFrom();
  void ChooseWatchers(Round& round, Revision end) const;
  Status ScanHistory(Round& round, std::size_t rows_max);
  bool Enough(const Round& round) const;
  Status MatchRow(Round& round, const mvcc::DecodedRow& row, std::string_view bytes);
  void Shed(Round& round) const;
  void FinishRound(Round& round);

  mvcc::Store& store_;
  const RoundLimits limits_;
  Revision revision_;  // the last one this hub was told of
  StreamId last_stream_ = 0;
  std::unordered_map<StreamId, std::unique_ptr<Stream>> streams_;
  Matcher synced_;
  std::map<Place, Watcher*> reading_;  // those that catch up and are not held
  std::size_t lagging_ = 0;            // those, and the held ones
  std::uint64_t last_lagging_ = 0;     // the number that the last one to catch up got
  Revision sweep_next_;                // where the next round looks for somebody to begin with
  Revision sweep_last_;                // a sweep that is past this begins anew
  std::vector<Watcher*> matched_;      // scratch
  std::vector<Watcher*> touched_;      // scratch
  std::size_t watchers_ = 0;
  std::uint64_t events_sent_ = 0;
  Revision round_revision_;  // the store's at the last round, or when somebody fell behind first
};

}  // namespace quorate::watch
