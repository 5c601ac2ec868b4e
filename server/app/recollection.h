// Recollection: what a member remembers across its lives of itself and of the others, so that a
// data directory that went back in time (a restored volume, an old copy) is recognised.
//
// Each life, from start to end, has a number, the incarnation, and a random nonce; both are on disk
// before anybody hears of them. The leader tells every member how much each of them has
// acknowledged; all keep it. A member that starts asks the others what they know of it (hello) and
// compares that with what it finds in its directory. What was acknowledged and committed never
// leaves an honest disk, and a number of life is used once: any difference proves an old directory.
//
//   <data-dir>/member/recollection.json
//   {"incarnation":7,"nonce":"9f..","verdict":{"exit":16,"message":".."},
//    "members":{"8e9e05c52164694d":{"incarnation":3,"nonce":"1c..","index":120,"term":5}}}
//   a1b2c3d4
//
// One line of JSON and its CRC-32C in hexadecimal, for a changed digit would condemn others.
//
// A verdict is final: a directory that was found to be old, or to hold what the others do not, is
// never started again, whatever the others say then.
//
// Invariants: of each member the highest of everything that was ever noted. Ownership: borrows the
// Disk. Thread: any. Errors: kDataLoss when the file is not one.
// Source: knowledge/reliability.md point 77.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "app/exit.h"
#include "base/ids.h"
#include "base/mutex.h"
#include "base/result.h"
#include "io/disk.h"

namespace quorate::app {

// What is known of a member; 0: nothing.
struct Known {
  std::uint64_t incarnation = 0;
  std::uint64_t nonce = 0;  // of that incarnation
  LogIndex index;           // it has acknowledged this, and it was committed
  Term term;                // in which it acknowledged something

  friend bool operator==(const Known&, const Known&) = default;
};

// What a member finds in its directory.
struct Claim {
  MemberId member;
  std::uint64_t incarnation = 0;
  std::uint64_t nonce = 0;
  LogIndex last;  // of its log
  Term term;
};

// Why the directory behind the claim must be older than what is known; empty: nothing says so.
std::string WhyWentBack(const Claim& claim, const Known& known);

std::string ToJson(const Known& known);
Result<Known> ParseKnown(std::string_view json);
std::string ToJson(const Claim& claim);
Result<Claim> ParseClaim(std::string_view json);

class Recollection {
 public:
  static Result<std::unique_ptr<Recollection>> Open(io::Disk& disk, std::string path);

  // Set: this directory must not be started.
  std::optional<Ending> verdict() const;
  // Makes the verdict final before anybody acts on it. The first one stands.
  Status Condemn(const Ending& verdict);

  // A new life; on disk when this returns.
  Status BeginLife(std::uint64_t nonce);
  std::uint64_t incarnation() const;
  std::uint64_t nonce() const;

  Known Of(MemberId member) const;
  void Note(MemberId member, const Known& known);
  void Forget(MemberId member);
  // Writes what changed since the last time. May block: not on a loop.
  Status SaveChanges();

 private:
  Recollection(io::Disk& disk, std::string path) : disk_(disk), path_(std::move(path)) {}
  Status Parse(std::string_view file);
  std::string ToText() const QUORATE_REQUIRES(mutex_);
  Status Save();

  io::Disk& disk_;
  const std::string path_;
  Mutex save_mutex_;  // one write of the file at a time; nobody on a loop waits for it
  mutable Mutex mutex_;
  std::uint64_t incarnation_ QUORATE_GUARDED_BY(mutex_) = 0;
  std::uint64_t nonce_ QUORATE_GUARDED_BY(mutex_) = 0;
  std::optional<Ending> verdict_ QUORATE_GUARDED_BY(mutex_);
  std::map<MemberId, Known> members_ QUORATE_GUARDED_BY(mutex_);
  bool changed_ QUORATE_GUARDED_BY(mutex_) = false;
};

}  // namespace quorate::app
