// Catching up: the part of Hub that reads the history for watchers that are not synced.
#include <algorithm>
#include <utility>

#include "base/bytes.h"
#include "base/check.h"
#include "base/site.h"
#include "mvcc/record.h"
#include "watch/hub.h"

namespace quorate::watch {
namespace {

constexpr std::size_t kRoundBytesMax = std::size_t{4} << 20;  // of events, in one call

}  // namespace

// One bounded read of the history, for everybody who is ready to hear it.
struct Hub::Round {
  std::vector<Watcher*> watchers;
  Matcher matcher;
  Revision from;
  Revision upto;  // every revision up to here has been read wholly
  std::size_t bytes = 0;
};

void Hub::Reloaded() {
  for (const auto& [id, stream] : streams_) {
    for (const auto& [watch_id, watcher] : stream->watchers) {
      if (watcher->lagging) continue;
      watcher->next = std::max(watcher->next, revision_ + 1);
      if (QUORATE_PLANTED("watch.replays_after_snapshot")) watcher->next = Revision{1};
      StartLagging(*watcher, !stream->sink->HasRoom());
    }
  }
  revision_ = store_.revision();
}

Status Hub::CatchUp(std::size_t rows_max) {
  CHECK(store_.committed_revision() == store_.revision());
  Round round;
  round.watchers = ReadyToRead();
  if (round.watchers.empty()) return {};
  round.from =
      (*std::min_element(round.watchers.begin(), round.watchers.end(),
                         [](const Watcher* a, const Watcher* b) { return a->next < b->next; }))
          ->next;
  for (Watcher* watcher : round.watchers) round.matcher.Add(watcher);
  TRY(ScanHistory(round, rows_max));
  FinishRound(round);
  return {};
}

std::vector<Watcher*> Hub::ReadyToRead() {
  std::vector<Watcher*> ready;
  std::vector<Watcher*> lost;
  std::vector<Watcher*> there;
  for (Watcher* watcher : lagging_) {
    if (watcher->held) continue;
    if (watcher->next > store_.revision()) {
      there.push_back(watcher);
    } else if (watcher->next < store_.compact_revision()) {
      lost.push_back(watcher);
    } else {
      ready.push_back(watcher);
    }
  }
  for (Watcher* watcher : there) StopLagging(*watcher);
  if (QUORATE_PLANTED("watch.compacted_in_silence")) return ready;
  for (Watcher* watcher : lost) CancelCompacted(*watcher);
  return ready;
}

void Hub::CancelCompacted(Watcher& watcher) {
  Stream& stream = *FindStream(watcher.stream);
  Response response;
  response.watch_id = watcher.id;
  response.canceled = true;
  response.compact_revision = store_.compact_revision();
  Forget(watcher);
  stream.watchers.erase(response.watch_id);
  CHECK(stream.sink->Offer(response));
}

Status Hub::ScanHistory(Round& round, std::size_t rows_max) {
  const auto cursor = store_.History(round.from, store_.revision() + 1);
  Revision reading = round.from - 1;
  for (; cursor->Valid(); cursor->Next()) {
    const auto row = mvcc::DecodeRowName(cursor->key());
    if (!row) return Error{Code::kDataLoss, "revision store: row " + ToHex(cursor->key())};
    if (QUORATE_PLANTED("watch.revision_split")) reading = Revision{};
    if (row->id.main != reading) {  // revisions are never split between two responses
      if (rows_max == 0 || round.bytes >= kRoundBytesMax) {
        round.upto = row->id.main - 1;
        return {};
      }
      reading = row->id.main;
    }
    if (rows_max > 0) --rows_max;
    TRY(MatchRow(round, *row, cursor->value()));
  }
  round.upto = store_.revision();
  return cursor->status();
}

Status Hub::MatchRow(Round& round, const mvcc::DecodedRow& row, std::string_view bytes) {
  mvcc::Record record;
  if (!mvcc::Decode(bytes, &record)) {
    return Error{Code::kDataLoss, "revision store: a record cannot be decoded"};
  }
  matched_.clear();
  round.matcher.Match(record.key, matched_);
  const Revision revision = row.id.main;
  EventBytes plain;
  EventBytes with_previous;
  for (Watcher* watcher : matched_) {
    if (watcher->next > revision || !watcher->Wants(row.tombstone)) continue;
    EventBytes& event = watcher->prev_kv ? with_previous : plain;
    if (event == nullptr) {
      std::string previous;
      const bool creates = !row.tombstone && record.create_revision == revision;
      if (watcher->prev_kv && !creates) previous = PreviousOf(record.key, revision);
      std::string deletion;
      if (row.tombstone) deletion = mvcc::Encode({record.key, {}, revision, 0, {}, {}});
      event = EncodeEvent(row.tombstone, row.tombstone ? deletion : bytes, previous);
      round.bytes += event->size();
    }
    watcher->events.push_back(event);
  }
  return {};
}

void Hub::FinishRound(Round& round) {
  for (Watcher* watcher : round.watchers) {
    if (watcher->next > round.upto) continue;
    if (!watcher->events.empty() && !Deliver(*watcher, store_.revision())) {
      Hold(*watcher, true);  // it reads the same again when its stream has room
      continue;
    }
    watcher->next = round.upto + 1;
    if (QUORATE_PLANTED("watch.unsynced_gap")) watcher->next = store_.revision() + 1;
    if (watcher->next > store_.revision()) StopLagging(*watcher);
  }
}

}  // namespace quorate::watch
