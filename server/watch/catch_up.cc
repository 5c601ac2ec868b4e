// Catching up: the part of Hub that reads the history for watchers that are not synced.
#include <algorithm>
#include <iterator>
#include <utility>

#include "base/bytes.h"
#include "base/check.h"
#include "base/site.h"
#include "mvcc/record.h"
#include "watch/hub.h"

namespace quorate::watch {
namespace {

constexpr std::size_t kGain = 2;  // rows that a round may read for each revision written meanwhile

std::size_t BytesOf(const EventBytes& event) {
  return event->size() + sizeof(event);
}

}  // namespace

// One bounded read of the history, for those who stand where it passes.
struct Hub::Round {
  std::vector<Watcher*> watchers;  // who caught up for longest first
  Matcher matcher;
  Revision from;
  Revision upto;  // every revision up to here has been read wholly
  std::size_t read_bytes = 0;
  std::size_t sent_bytes = 0;  // of all streams together
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
  CHECK(store_.committed_revision() == store_.revision() && rows_max > 0);
  SettleEnds();
  if (reading_.empty()) return {};
  if (store_.revision() > round_revision_) {
    const auto written = static_cast<std::size_t>(store_.revision().value - round_revision_.value);
    rows_max = std::max(rows_max, kGain * written);
    round_revision_ = store_.revision();
  }
  Round round;
  round.from = NextRoundFrom();
  // A revision has a row at least, so that the round comes no further than this but over a gap.
  const Revision end = round.from + static_cast<std::int64_t>(rows_max);
  ChooseWatchers(round, end);
  TRY(ScanHistory(round, rows_max));
  sweep_next_ = std::min(round.upto + 1, end);
  FinishRound(round);
  return {};
}

// Those for whom there is nothing to read: what they want is compacted, or still to come.
void Hub::SettleEnds() {
  while (!reading_.empty() && reading_.rbegin()->first.first > store_.revision()) {
    StopLagging(*reading_.rbegin()->second);
  }
  if (QUORATE_PLANTED("watch.compacted_in_silence")) return;
  while (!reading_.empty() && reading_.begin()->first.first < store_.compact_revision()) {
    CancelCompacted(*reading_.begin()->second);
  }
}

Revision Hub::NextRoundFrom() {
  auto first = reading_.lower_bound({sweep_next_, 0});
  if (first == reading_.end() || sweep_next_ > sweep_last_) {
    first = reading_.begin();
    sweep_last_ = store_.revision();
  }
  return first->first.first;
}

void Hub::ChooseWatchers(Round& round, Revision end) const {
  std::map<std::uint64_t, Watcher*> chosen;
  auto at = reading_.lower_bound({round.from, 0});
  while (at != reading_.end() && at->first.first < end) {
    const auto [next, since] = at->first;
    chosen.emplace(since, at->second);
    ++at;
    if (chosen.size() <= limits_.watchers_max) continue;
    const auto latest = std::prev(chosen.end());
    // The others of this place came later still.
    if (latest->first == since) at = reading_.lower_bound({next + 1, 0});
    chosen.erase(latest);
  }
  for (const auto& [since, watcher] : chosen) {
    round.watchers.push_back(watcher);
    round.matcher.Add(watcher);
  }
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
      if (rows_max == 0 || Enough(round)) {
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

bool Hub::Enough(const Round& round) const {
  return round.read_bytes >= limits_.read_bytes || round.sent_bytes >= limits_.sent_bytes;
}

Status Hub::MatchRow(Round& round, const mvcc::DecodedRow& row, std::string_view bytes) {
  mvcc::Record record;
  if (!mvcc::Decode(bytes, &record)) {
    return Error{Code::kDataLoss, "revision store: a record cannot be decoded"};
  }
  round.read_bytes += bytes.size();
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
      round.read_bytes += event->size();
    }
    watcher->events.push_back(event);
    round.sent_bytes += BytesOf(event);
  }
  if (round.sent_bytes > limits_.sent_bytes_max) Shed(round);
  return {};
}

// Who came last leaves the round, and reads the same again in a later one.
void Hub::Shed(Round& round) const {
  const auto first = std::find_if(round.watchers.begin(), round.watchers.end(),
                                  [](const Watcher* watcher) { return !watcher->events.empty(); });
  for (auto at = round.watchers.end(); --at > first && round.sent_bytes > limits_.sent_bytes_max;) {
    if ((*at)->events.empty()) continue;
    for (const EventBytes& event : (*at)->events) round.sent_bytes -= BytesOf(event);
    (*at)->events.clear();
    round.matcher.Remove(*at);
    at = round.watchers.erase(at);
  }
}

void Hub::FinishRound(Round& round) {
  for (Watcher* watcher : round.watchers) {
    if (watcher->next > round.upto) continue;
    if (!watcher->events.empty() && !Deliver(*watcher, store_.revision())) {
      Hold(*watcher, true);  // it reads the same again when its stream has room
      continue;
    }
    reading_.erase(PlaceOf(*watcher));
    watcher->next = round.upto + 1;
    if (QUORATE_PLANTED("watch.unsynced_gap")) watcher->next = store_.revision() + 1;
    reading_.emplace(PlaceOf(*watcher), watcher);
    if (watcher->next > store_.revision()) StopLagging(*watcher);
  }
}

}  // namespace quorate::watch
