#include "watch/hub.h"

#include <algorithm>
#include <utility>

#include "base/bytes.h"
#include "base/check.h"
#include "base/site.h"
#include "mvcc/record.h"

namespace quorate::watch {
namespace {

constexpr std::int64_t kNoWatch = -1;  // id in answers about no watch

}  // namespace

Hub::Hub(mvcc::Store& store, RoundLimits limits)
    : store_(store), limits_(limits), revision_(store.revision()) {
  store_.SetListener(this);
}

Hub::~Hub() {
  store_.SetListener(nullptr);
}

StreamId Hub::Open(Sink& sink) {
  const StreamId id = ++last_stream_;
  auto stream = std::make_unique<Stream>();
  stream->id = id;
  stream->sink = &sink;
  streams_.emplace(id, std::move(stream));
  return id;
}

void Hub::Close(StreamId stream) {
  const auto found = streams_.find(stream);
  CHECK(found != streams_.end());
  for (const auto& [id, watcher] : found->second->watchers) Forget(*watcher);
  streams_.erase(found);
}

void Hub::Create(StreamId stream_id, const CreateRequest& request) {
  Stream& stream = *FindStream(stream_id);
  Response response;
  response.revision = store_.revision();
  response.created = true;
  response.cancel_reason = WhyRefused(stream, request);
  if (!response.cancel_reason.empty()) {
    response.watch_id = kNoWatch;
    response.canceled = true;
    CHECK(stream.sink->Offer(response));
    return;
  }
  auto watcher = std::make_unique<Watcher>();
  watcher->stream = stream_id;
  watcher->id = request.watch_id != 0 ? request.watch_id : DrawId(stream);
  watcher->key = request.key.empty() ? std::string(1, '\0') : request.key;
  watcher->range_end = request.range_end;
  watcher->no_put = request.no_put;
  watcher->no_delete = request.no_delete;
  watcher->prev_kv = request.prev_kv;
  watcher->fragment = request.fragment;
  watcher->progress_notify = request.progress_notify;
  watcher->start = Revision{request.start_revision};
  const Revision now = store_.revision() + 1;
  if (QUORATE_PLANTED("watch.future_begins_now")) watcher->start = Revision{};
  watcher->next = request.start_revision == 0 ? now : Revision{request.start_revision};
  response.watch_id = watcher->id;
  CHECK(stream.sink->Offer(response));
  ++watchers_;
  if (watcher->next >= now) {
    synced_.Add(watcher.get());
  } else {
    BeginLagging(*watcher, false);
  }
  stream.watchers.emplace(watcher->id, std::move(watcher));
}

std::string Hub::WhyRefused(const Stream& stream, const CreateRequest& request) const {
  if (request.start_revision < 0) {
    return "etcdserver: mvcc: required revision has been compacted";
  }
  const KeyRange range = KeyRange::FromEtcd(request.key, request.range_end);
  const std::string_view begin = request.key.empty() ? std::string_view("\0", 1) : request.key;
  if (!range.single && !range.unbounded && begin >= range.end) {
    return "mvcc: watcher range is empty";
  }
  if (request.watch_id != 0 && stream.watchers.contains(request.watch_id)) {
    return "mvcc: duplicate watch ID provided on the WatchStream";
  }
  return {};
}

std::int64_t Hub::DrawId(Stream& stream) const {
  while (stream.watchers.contains(stream.next_id)) ++stream.next_id;
  return stream.next_id++;
}

void Hub::Cancel(StreamId stream_id, std::int64_t watch_id) {
  Stream& stream = *FindStream(stream_id);
  const auto found = stream.watchers.find(watch_id);
  if (found == stream.watchers.end()) return;
  Forget(*found->second);
  stream.watchers.erase(found);
  Response response;
  response.watch_id = watch_id;
  response.revision = store_.revision();
  response.canceled = true;
  CHECK(stream.sink->Offer(response));
}

void Hub::RequestProgress(StreamId stream_id) {
  Stream& stream = *FindStream(stream_id);
  if (!Synced(stream)) return;
  Response response;
  response.watch_id = kNoWatch;
  response.revision = store_.revision();
  CHECK(stream.sink->Offer(response));
}

bool Hub::Synced(const Stream& stream) const {
  const Revision current = store_.revision();
  if (QUORATE_PLANTED("watch.progress_overtakes_events")) return true;
  return !stream.watchers.empty() &&
         std::all_of(stream.watchers.begin(), stream.watchers.end(), [current](const auto& entry) {
           return !entry.second->lagging && entry.second->start <= current;
         });
}

void Hub::NotifyProgress(StreamId stream_id) {
  Stream& stream = *FindStream(stream_id);
  const Revision current = store_.revision();
  for (const auto& [id, watcher] : stream.watchers) {
    if (!watcher->progress_notify) continue;
    if (watcher->heard) {
      watcher->heard = false;
      continue;
    }
    if (watcher->lagging || watcher->start > current) continue;
    Response response;
    response.watch_id = id;
    response.revision = current;
    CHECK(stream.sink->Offer(response));
  }
}

void Hub::HasRoom(StreamId stream_id) {
  Stream* stream = FindStream(stream_id);
  for (const auto& [id, watcher] : stream->watchers) Hold(*watcher, false);
}

void Hub::OnChanges(Revision revision, std::span<const mvcc::Change> changes) {
  revision_ = revision;
  if (synced_.empty()) return;
  touched_.clear();
  for (const mvcc::Change& change : changes) {
    matched_.clear();
    synced_.Match(change.key, matched_);
    EventBytes plain;
    EventBytes with_previous;
    for (Watcher* watcher : matched_) {
      if (watcher->next > revision || !watcher->Wants(change.deleted)) continue;
      EventBytes& event = watcher->prev_kv ? with_previous : plain;
      if (event == nullptr) {
        std::string previous;
        const bool creates = change.previous.main == Revision{};
        if (watcher->prev_kv && !creates) previous = PreviousOf(change.key, revision);
        event = EncodeEvent(change.deleted, change.record, previous);
      }
      if (watcher->events.empty()) touched_.push_back(watcher);
      watcher->events.push_back(event);
    }
  }
  for (Watcher* watcher : touched_) {
    const bool behind = QUORATE_SITE("watch.falls_behind");
    if (!behind && Deliver(*watcher, revision)) continue;
    watcher->events.clear();
    watcher->next = revision;
    if (QUORATE_PLANTED("watch.slow_stream_skips")) watcher->next = revision + 1;
    StartLagging(*watcher, !behind);
  }
}

std::string Hub::PreviousOf(std::string_view key, Revision revision) {
  auto previous = store_.Get(key, revision - 1);  // compacted: it is left out
  if (!previous.ok() || !*previous) return {};
  return std::move(**previous);
}

bool Hub::Deliver(Watcher& watcher, Revision revision) {
  Response response;
  response.watch_id = watcher.id;
  response.revision = revision;
  response.fragment_allowed = watcher.fragment;
  response.events = std::move(watcher.events);
  watcher.events.clear();
  const std::size_t count = response.events.size();
  if (!FindStream(watcher.stream)->sink->Offer(response)) return false;
  watcher.heard = true;
  events_sent_ += count;
  return true;
}

void Hub::StartLagging(Watcher& watcher, bool held) {
  synced_.Remove(&watcher);
  BeginLagging(watcher, held);
}

void Hub::BeginLagging(Watcher& watcher, bool held) {
  watcher.lagging = true;
  watcher.lagging_since = ++last_lagging_;
  ++lagging_;
  watcher.held = true;
  Hold(watcher, held);
}

void Hub::StopLagging(Watcher& watcher) {
  Hold(watcher, true);
  watcher.held = false;
  watcher.lagging = false;
  --lagging_;
  synced_.Add(&watcher);
}

void Hub::Hold(Watcher& watcher, bool held) {
  if (watcher.held == held) return;
  watcher.held = held;
  if (held) {
    reading_.erase(PlaceOf(watcher));
  } else {
    if (reading_.empty()) round_revision_ = store_.revision();
    reading_.emplace(PlaceOf(watcher), &watcher);
  }
}

void Hub::Forget(Watcher& watcher) {
  --watchers_;
  if (!watcher.lagging) {
    synced_.Remove(&watcher);
    return;
  }
  Hold(watcher, true);
  --lagging_;
}

Hub::Stream* Hub::FindStream(StreamId stream) {
  const auto found = streams_.find(stream);
  CHECK(found != streams_.end());
  return found->second.get();
}

}  // namespace quorate::watch
