// Network: how messages travel between the members, and everything that can happen to them.
//
// A seed decides whether messages travel singly (any loss, doubling and order) or as the streams of
// the shipped framing: in order, until the stream breaks and what was on its way is gone.
// Snapshots take the time of their bytes and are stored by the receiver before it hears of them.
//
// Ownership: borrows the Cluster.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "node/network.h"
#include "peer/frames.h"
#include "sim/cluster/world.h"
#include "sim/prng.h"

namespace quorate::sim::cluster {

class Cluster;
class Member;

// What all messages suffer at the moment.
struct Weather {
  std::uint64_t loss = 0;        // per mille
  std::uint64_t duplicate = 0;   // per mille
  std::uint64_t long_delay = 0;  // per mille
  std::uint64_t damage = 0;      // per mille
  std::uint64_t misdeliver = 0;  // per mille
  Time jitter{0};
  Time delay{0};
  Time per_kilobyte{0};
};

class Network {
 public:
  Network(Cluster& cluster, std::uint64_t seed, bool framed)
      : cluster_(cluster), random_(seed), framed_(framed) {}

  void Send(Member& from, raft::Message message);
  void SendSnapshot(Member& from, raft::Message message,
                    std::shared_ptr<node::SnapshotSource> source, std::function<void(bool)> done);
  std::optional<Time> ConnectedSince(MemberId from, MemberId to);

  // Cuts add up; a link carries nothing while there is one. quiet: the sender does not learn.
  void Cut(MemberId from, MemberId to, int by, bool quiet);
  // What is on its way between the two is lost, in part.
  void Reset(MemberId a, MemberId b);
  // The next frame between the two breaks off in its middle, with its stream.
  void CutNextFrame(MemberId a, MemberId b);
  // Who dials a member reaches another one; itself: as it should be.
  void GiveAddress(MemberId of, MemberId to);
  void Restarted(MemberId member);
  // Nothing that a member has sent so far arrives any more.
  void Discard(MemberId member);
  // Whether something gets there now.
  bool Carries(MemberId from, MemberId to) const;
  void Heal();

  Weather& weather() { return weather_; }
  std::uint64_t sent() const { return sent_; }
  std::uint64_t lost() const { return lost_; }

 private:
  struct Link {
    int cuts = 0;
    int quiet = 0;
    Time since{0};
  };
  struct Stream {
    std::unique_ptr<peer::FrameEncoder> encoder;
    std::unique_ptr<peer::FrameDecoder> decoder;
    std::uint64_t epoch = 0;
    Time last_arrival{0};
  };
  using Pair = std::pair<MemberId, MemberId>;

  Time Travel(std::size_t bytes = 0);
  void SendFramed(Member& from, const raft::Message& message);
  Member* WrongReceiver(const raft::Message& message);
  bool Misdirected(Member& from, const raft::Message& message);
  void DeliverTo(MemberId other, MemberId from, const raft::Message& message);
  bool CutsFrame(const Pair& pair);
  bool SpoilSnapshot(std::string& bytes);
  bool TakesSnapshot(MemberId to, const std::string& bytes, const std::string& sent);
  void SendSingly(Member& from, const raft::Message& message);
  void Break(const Pair& pair);
  void Arrive(MemberId from, MemberId to, std::vector<raft::Message> messages);
  void Store(MemberId to, const raft::Message& message, const std::string& bytes,
             const std::function<void(bool)>& done);

  Cluster& cluster_;
  Prng random_;
  const bool framed_;
  Weather weather_;
  std::map<Pair, Link> links_;
  std::map<std::pair<Pair, bool>, Stream> streams_;  // bool: the append stream
  std::set<Pair> cut_frames_;                        // the next frame breaks off
  std::map<MemberId, MemberId> listens_;             // another member, at a member's address
  std::map<MemberId, Time> discarded_;               // what was sent before that is gone
  std::uint64_t sent_ = 0;
  std::uint64_t lost_ = 0;
};

}  // namespace quorate::sim::cluster
