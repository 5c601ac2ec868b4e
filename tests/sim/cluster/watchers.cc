#include "sim/cluster/watchers.h"

#include <algorithm>

#include "base/bytes.h"
#include "proto/rpc.pb.h"
#include "sim/cluster/cluster.h"

namespace quorate::sim::cluster {
namespace {

using std::chrono::milliseconds;

constexpr auto kLookPause = milliseconds(200);

}  // namespace

Watcher::Watcher(Cluster& cluster, check::History& history, std::uint64_t seed, std::string key,
                 std::string range_end)
    : cluster_(cluster),
      history_(history),
      random_(seed),
      key_(std::move(key)),
      range_end_(std::move(range_end)),
      room_(random_.Chance(300) ? 1 + random_.Below(3) : 1000) {}

void Watcher::Start() {
  cluster_.world().After(kLookPause, [this] {
    Look();
    Start();
  });
}

void Watcher::Look() {
  if (member_.value != 0) {
    Member* member = cluster_.Find(member_);
    if (member->up() && member->life() == life_) {
      if (!member->paused() && random_.Chance(50)) {
        member->driver().Post([this, member, life = life_, stream = stream_] {
          if (life == life_ && stream == stream_) {
            member->machine().hub().RequestProgress(stream);
          }
        });
      }
      return;
    }
    member_ = {};
    taken_.clear();
  }
  Member* member = cluster_.Pick(random_.Next());
  if (member != nullptr && member->up() && !member->paused()) Open(*member);
}

void Watcher::Open(Member& member) {
  member_ = member.id();
  life_ = member.life();
  created_ = false;
  member.driver().Post([this, &member, life = life_] {
    if (life != life_ || member_ != member.id() || member.machine().store().revision() < seen_) {
      member_ = {};  // it is behind what was seen elsewhere: not there
      return;
    }
    watch::Hub& hub = member.machine().hub();
    stream_ = hub.Open(*this);
    watch::CreateRequest request;
    request.key = key_;
    request.range_end = range_end_;
    request.start_revision = begun_ ? seen_.value + 1 : 0;
    request.prev_kv = random_.Chance(300);
    record_ = history_.watches.size();
    check::Watching& watching = history_.watches.emplace_back();
    watching.name = member.self().name + "/" + std::to_string(record_);
    watching.request.set_key(request.key);
    watching.request.set_range_end(request.range_end);
    watching.request.set_start_revision(request.start_revision);
    watching.request.set_prev_kv(request.prev_kv);
    hub.Create(stream_, request);
  });
}

bool Watcher::Offer(watch::Response& response) {
  if (!response.events.empty() && !HasRoom()) {
    refused_ = true;
    return false;
  }
  taken_.push_back(std::move(response));
  return true;
}

void Watcher::AfterTurn(Member& member) {
  if (member_ != member.id() || life_ != member.life()) return;
  for (const watch::Response& response : std::exchange(taken_, {})) Take(response);
  if (!refused_) return;
  refused_ = false;
  cluster_.world().After(milliseconds(1 + random_.Below(300)), [this, &member, life = life_] {
    if (life != life_ || !member.up() || member.life() != life) return;
    member.driver().Post([this, &member, stream = stream_] {
      if (member_ == member.id()) member.machine().hub().HasRoom(stream);
    });
  });
}

void Watcher::Take(const watch::Response& response) {
  if (cluster_.world().violation()) return;
  Record(response);
  if (response.created) {
    if (created_) Fail("created twice");
    created_ = true;
    if (!begun_) seen_ = response.revision;
    begun_ = true;
    return;
  }
  if (!created_) return Fail("an answer before it was created");
  if (response.canceled) {
    if (response.compact_revision.value == 0) return Fail("canceled: " + response.cancel_reason);
    seen_ = std::max(seen_, response.compact_revision - 1);
    cluster_.Find(member_)->machine().hub().Close(stream_);
    member_ = {};
    return;
  }
  if (response.revision < seen_) return Fail("its header's revision went back");
  etcdserverpb::WatchResponse parsed;
  std::string bytes;
  for (const watch::EventBytes& event : response.events) bytes += *event;
  if (!parsed.ParseFromString(bytes)) return Fail("events that cannot be read");
  cluster_.counts().watch_events += static_cast<std::uint64_t>(parsed.events_size());
  // Events tell everything up to the last of them; an empty response up to its header.
  Revision until = response.revision;
  if (parsed.events_size() > 0) {
    until = Revision{parsed.events(parsed.events_size() - 1).kv().mod_revision()};
  }
  std::vector<const HistoryRow*> expected;
  Expect(until, expected);
  if (expected.size() != static_cast<std::size_t>(parsed.events_size())) {
    return Fail("was told " + std::to_string(parsed.events_size()) + " changes from revision " +
                std::to_string(seen_.value) + " to " + std::to_string(until.value) +
                ", there were " + std::to_string(expected.size()));
  }
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const mvccpb::Event& event = parsed.events(static_cast<int>(i));
    const bool deleted = event.type() == mvccpb::Event::DELETE;
    // A deletion tells key and revision alone, and its row is the key alone.
    const bool same = deleted ? event.kv().key() == expected[i]->key
                              : event.kv().SerializeAsString() == expected[i]->record;
    if (deleted != expected[i]->tombstone || !same) {
      return Fail("was told another change than happened at revision " +
                  std::to_string(event.kv().mod_revision()));
    }
  }
  seen_ = until;
}

void Watcher::Record(const watch::Response& response) {
  etcdserverpb::WatchResponse told;
  std::string bytes;
  for (const watch::EventBytes& event : response.events) bytes += *event;
  static_cast<void>(told.ParseFromString(bytes));  // Take complains
  told.mutable_header()->set_revision(response.revision.value);
  told.set_watch_id(response.watch_id);
  told.set_created(response.created);
  told.set_canceled(response.canceled);
  told.set_compact_revision(response.compact_revision.value);
  history_.watches[record_].arrivals.push_back({cluster_.world().now().count(), std::move(told)});
}

void Watcher::Finish() {
  if (member_.value == 0 || !created_ || !Current()) return;
  const Member* member = cluster_.Find(member_);
  if (!member->up() || member->life() != life_) return;
  history_.watches[record_].complete_until = cluster_.checks().revision().value;
}

bool Watcher::Wants(const HistoryRow& row) const {
  return KeyRange::FromEtcd(key_, range_end_).Contains(row.key);
}

void Watcher::Expect(Revision until, std::vector<const HistoryRow*>& rows) const {
  const History& history = cluster_.checks().history();
  for (auto row = history.lower_bound({seen_ + 1, 0});
       row != history.end() && row->first.main <= until; ++row) {
    if (Wants(row->second)) rows.push_back(&row->second);
  }
}

bool Watcher::Current() const {
  if (!begun_) return true;
  std::vector<const HistoryRow*> rows;
  Expect(cluster_.checks().revision(), rows);
  return rows.empty();
}

void Watcher::Fail(const std::string& what) {
  cluster_.world().Fail("watch: a watcher of \"" + key_ + "\" on " + ToHex(member_.value) + " " +
                        what);
}

}  // namespace quorate::sim::cluster
