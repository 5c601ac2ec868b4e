// Watchers: streams that follow the key space through crashes, and hold every event against the
// truth.
//
// The truth is the history of rows that Checks keeps. A watcher remembers how far it has been told;
// each response must carry exactly the changes of its range since then, in order, each revision
// whole. When its member ends, or the stream is refused as compacted, it goes on elsewhere from
// where it was.
//
// Ownership: borrows the Cluster; the hub of a member borrows the stream while that life lasts.
// Source: knowledge/reliability.md 3.2.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "check/history.h"
#include "sim/cluster/checks.h"
#include "sim/prng.h"
#include "watch/hub.h"

namespace quorate::sim::cluster {

class Cluster;
class Member;

class Watcher final : public watch::Sink {
 public:
  // history: every stream and what it told goes there; outlives the watcher.
  Watcher(Cluster& cluster, check::History& history, std::uint64_t seed, std::string key,
          std::string range_end);

  void Start();
  // Hands on what arrived during the member's turn.
  void AfterTurn(Member& member);
  void Heal() { room_ = 1000; }
  // Everything that happened in its range has been told.
  bool Current() const;
  // At the end of a run: claims that the open stream has told everything until now.
  void Finish();

  bool Offer(watch::Response& response) override;
  bool HasRoom() const override { return taken_.size() < room_; }

 private:
  void Look();
  void Open(Member& member);
  void Take(const watch::Response& response);
  void Record(const watch::Response& response);
  void Expect(Revision until, std::vector<const HistoryRow*>& rows) const;
  bool Wants(const HistoryRow& row) const;
  void Fail(const std::string& what);

  Cluster& cluster_;
  check::History& history_;
  std::size_t record_ = 0;  // of the open stream
  Prng random_;
  const std::string key_;
  const std::string range_end_;
  std::size_t room_;
  MemberId member_;         // 0: closed
  std::uint64_t life_ = 0;  // of the member the stream is open on
  bool created_ = false;
  bool refused_ = false;
  watch::StreamId stream_ = 0;
  Revision seen_;  // everything up to here was told
  bool begun_ = false;
  std::vector<watch::Response> taken_;
};

}  // namespace quorate::sim::cluster
