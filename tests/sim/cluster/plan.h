// Plan: what one seed does to a cluster, written down before anything runs.
//
// The seed alone decides the size of the cluster, its options and a list of faults with their
// times. Faults are plain data with their own random numbers, so any subset of the list can be run:
// a failing run is made smaller by leaving faults out (minimise.h). Swarm: every seed draws which
// kinds of faults it uses and how often, so that rare combinations are not drowned by common ones.
//
// Units: times are nanoseconds of the simulated world since its beginning.
// Thread: values.
// Source: knowledge of swarm testing (Groce et al., ISSTA 2012).
#pragma once

#include <chrono>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

namespace quorate::sim::cluster {

using Time = std::chrono::nanoseconds;

enum class FaultKind : std::uint8_t {
  // Network, for `lasts`; a and b choose members.
  kLoss,       // value: per mille of all messages
  kDuplicate,  // value: per mille
  kReorder,    // value: jitter in microseconds
  kDelay,      // value: microseconds on every message
  kLongDelay,  // value: per mille of messages that take seconds
  kCutOneWay,
  kCutPair,
  kPartition,     // value: bits choose the side
  kTopology,      // value: chain, ring, bridge, star
  kFlap,          // a link that comes and goes
  kSwizzle,       // links go one by one and come back in another order
  kNarrow,        // value: microseconds for each kilobyte
  kReset,         // streams break, what is on its way is lost
  kHalfOpen,      // nothing arrives, and the sender does not learn of it
  kDamage,        // value: per mille of messages whose bytes change on their way
  kCutFrame,      // a stream breaks in the middle of its next frame
  kMisdeliver,    // value: per mille of messages that reach another member, too or instead
  kAddressReuse,  // b listens where a was
  // Process.
  kCrash,        // power loss; restarts after `lasts`
  kKill,         // the process alone
  kCrashAtSite,  // value: which, and at which time it is reached
  kCrashAtIo,    // value: at which change of the disk
  kCrashLoop,    // value: crashes again so often
  kKillAll,
  kOldDirectory,    // a copy of the whole directory, made now, comes back after `lasts`
  kEmptyDirectory,  // it starts with nothing, under its own name
  kOtherDirectory,  // it is started with another member's directory
  kOtherCluster,    // it is started with another cluster's directory
  kSecondInstance,  // a second process is started on its directory
  kOldVersion,      // for a while it is a version that does not know what only our members say
  kPause,
  kSlowCpu,
  // Disk.
  kSyncError,
  kReadError,  // when it starts the next time
  kFull,
  kSlowDisk,
  kStall,
  // Of a member that is down; a minority.
  kBitFlip,
  kLostWrite,         // some sectors of its log, written and synced within `lasts`, are not there
  kMisdirectedWrite,  // they are elsewhere in it
  // Clock.
  kWallJump,
  kFreeze,  // it all but stands still
  kDrift,
  // Administration.
  kAddMember,
  kAddLearner,
  kPromote,
  kRemoveMember,
  kReplaceEmpty,
  kUpdateMember,
  kMoveLeader,
  kBackup,
  kCompact,
  kNoSpaceAlarm,
  // Code.
  kBend,  // value: which site, and how often
  // A step to two voters with a learner, or one of the two is removed and the other one crashes or
  // is cut off from it (b) at about that time (value). Not of the swarm: a run of two voters has it
  // or not.
  kTwoToOne,
  kCount,
};
inline constexpr std::size_t kFaultKinds = static_cast<std::size_t>(FaultKind::kCount);
std::string_view ToString(FaultKind kind);
// kCount: there is no such kind.
FaultKind ToFaultKind(std::string_view name);

struct Fault {
  Time at;
  Time lasts{0};
  FaultKind kind = FaultKind::kLoss;
  std::uint64_t a = 0;
  std::uint64_t b = 0;
  std::uint64_t value = 0;
};
std::string ToString(const Fault& fault);

struct Plan {
  std::uint64_t seed = 0;
  int voters = 3;
  Time faults_until{0};  // then everything heals
  std::chrono::milliseconds heartbeat{100};
  std::chrono::milliseconds election{1000};
  std::uint64_t snapshot_count = 100;
  std::uint64_t catch_up_entries = 50;
  std::uint64_t segment_bytes = 64 << 10;
  bool pre_vote = true;
  bool framed = false;  // messages travel as the peers' streams, in order
  int clients = 4;
  int watchers = 3;
  int leases = 2;
  int keys = 8;
  Time think{0};  // of a client between two requests
  std::size_t compaction_rows = 1000;
  std::vector<Fault> faults;
};

struct PlanOptions {
  int members = 0;                     // 0: the seed decides
  double seconds = 40;                 // of faults
  FaultKind only = FaultKind::kCount;  // every fault is of this kind; kCount: the seed decides
};

Plan MakePlan(std::uint64_t seed, const PlanOptions& options);

// Keeps the faults of these positions.
Plan Only(Plan plan, const std::set<std::size_t>& keep);

}  // namespace quorate::sim::cluster
