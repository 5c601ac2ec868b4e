#include "chaos/faults.h"

#include <chrono>
#include <cstdio>
#include <thread>
#include <utility>

#include "etcdclient/snapshot.h"
#include "support/wait.h"

namespace quorate::chaos {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

void Say(const std::string& text) {
  std::printf("  %s\n", text.c_str());
  std::fflush(stdout);
}

}  // namespace

const std::vector<std::string>& AllFaults() {
  static const std::vector<std::string> kAll = {
      "kill",    "pause",    "isolate", "one-way", "bridge",   "slow",       "disk-full",
      "restart", "kill-all", "replace", "compact", "snapshot", "move-leader"};
  return kAll;
}

bool Faults::MakeOne(const std::vector<std::string>& kinds) {
  return Make(kinds[random_() % kinds.size()]);
}

bool Faults::Make(const std::string& kind) {
  bool made = true;
  draw_.at_leader = random_() % 2 == 0;
  draw_.slot = static_cast<int>(random_() % static_cast<unsigned>(cluster_.size()));
  draw_.lasts = milliseconds(500 + random_() % 3000);
  draw_.coin = random_() % 2 == 0;
  if (kind == "kill") Kill();
  if (kind == "pause") Pause();
  if (kind == "isolate") Isolate();
  if (kind == "one-way") OneWay();
  if (kind == "bridge") Bridge();
  if (kind == "disk-full") FillDisk();
  if (kind == "kill-all") KillAll();
  if (kind == "replace") Replace();
  if (kind == "compact") made = Compact();
  if (kind == "snapshot") made = SaveSnapshot();
  if (kind == "move-leader") made = MoveLeader();
  if (kind == "slow") {
    const int slot = Any();
    Say("slow links of " + std::to_string(slot));
    network_.Slow(slot);
    Last();
    network_.Heal();
  }
  if (kind == "restart") {
    const int slot = Any();
    const int exit = cluster_.Terminate(slot);
    Say("restart " + std::to_string(slot));
    if (exit != kEndedByRequest)
      findings_.push_back("member " + std::to_string(slot) + " ended with " + std::to_string(exit) +
                          " when it was asked to stop");
    cluster_.Start(slot);
  }
  ExpectRunning();
  if (made) ++made_[kind];
  return made;
}

int Faults::Any() {
  const int leader = draw_.at_leader ? cluster_.Leader() : -1;
  return leader >= 0 ? leader : draw_.slot;
}

void Faults::Last() {
  std::this_thread::sleep_for(draw_.lasts);
}

// Nobody ends but by our hand.
void Faults::ExpectRunning(int except) {
  for (int slot = 0; slot < cluster_.size(); ++slot) {
    if (slot == except || cluster_.Running(slot)) continue;
    if (was_full_.contains(slot) && cluster_.ExitOf(slot) == 13) {
      Say(std::to_string(slot) + " stopped because its disk had been full");
      cluster_.Start(slot);
      continue;
    }
    findings_.push_back("member " + std::to_string(slot) + " ended by itself with " +
                        std::to_string(cluster_.ExitOf(slot)) + ", see " + cluster_.log_path(slot));
    Say("FINDING " + findings_.back());
    cluster_.Start(slot);
  }
}

void Faults::Kill() {
  const int slot = Any();
  Say("kill -9 " + std::to_string(slot));
  cluster_.Kill(slot);
  Last();
  cluster_.Start(slot);
}

void Faults::Pause() {
  const int slot = Any();
  Say("pause " + std::to_string(slot));
  cluster_.Pause(slot);
  Last();
  cluster_.Resume(slot);
}

void Faults::Isolate() {
  const int slot = Any();
  Say("isolate " + std::to_string(slot));
  for (int other = 0; other < cluster_.size(); ++other) {
    if (other == slot) continue;
    network_.Block(slot, other);
    network_.Block(other, slot);
  }
  Last();
  network_.Heal();
}

// One member is heard by nobody, or hears nobody.
void Faults::OneWay() {
  const int slot = Any();
  const bool mute = draw_.coin;
  Say((mute ? "nobody hears " : "deaf is ") + std::to_string(slot));
  for (int other = 0; other < cluster_.size(); ++other) {
    if (other == slot) continue;
    if (mute) network_.Block(slot, other);
    if (!mute) network_.Block(other, slot);
  }
  Last();
  network_.Heal();
}

// Two halves that only one member joins.
void Faults::Bridge() {
  const int size = cluster_.size();
  const int middle = draw_.slot;
  Say("two halves, joined by " + std::to_string(middle));
  for (int a = 1; a < size; ++a)
    for (int b = 1; b < size; ++b) {
      const bool apart = (a <= size / 2) != (b <= size / 2);
      if (apart) network_.Block((middle + a) % size, (middle + b) % size);
    }
  Last();
  network_.Heal();
}

// The member may stop (13), or refuse writes until there is room again.
void Faults::FillDisk() {
  const int slot = Any();
  Say("full disk of " + std::to_string(slot));
  was_full_.insert(slot);
  cluster_.FillDisk(slot);
  Last();
  cluster_.EmptyDisk(slot);
  if (cluster_.Running(slot)) return;
  const int exit = cluster_.ExitOf(slot);
  Say("it stopped with " + std::to_string(exit));
  if (exit != 13)
    findings_.push_back("member " + std::to_string(slot) + " ended with " + std::to_string(exit) +
                        " on a full disk, not with 13");
  cluster_.Start(slot);
}

void Faults::KillAll() {
  Say("kill -9 all");
  for (int slot = 0; slot < cluster_.size(); ++slot) cluster_.Kill(slot);
  for (int slot = 0; slot < cluster_.size(); ++slot) cluster_.Start(slot);
}

void Faults::Replace() {
  const int slot = Any();
  // One whose disk was full a moment ago may only now stop for it, and be needed for the majority.
  const std::string why = cluster_.Replace(slot, [&] { ExpectRunning(slot); });
  Say("replace " + std::to_string(slot) + (why.empty() ? "" : ": " + why));
  if (!why.empty())
    findings_.push_back("member " + std::to_string(slot) + " could not be replaced: " + why);
  if (!cluster_.Running(slot)) cluster_.Start(slot);
}

bool Faults::Compact() {
  const int slot = Any();
  const auto status = cluster_.client().StatusOf(cluster_.endpoint(slot));
  if (!status.ok() || status->header().revision() < 200) return false;
  etcdserverpb::CompactionRequest request;
  request.set_revision(status->header().revision() - 100);
  Say("compact " + std::to_string(request.revision()));
  clients_.Note(CallAndNote(cluster_.client(), cluster_, slot, request, milliseconds(2000)));
  return true;
}

// Of a member that is well: then it must come.
bool Faults::SaveSnapshot() {
  const int slot = Any();
  if (!cluster_.Running(slot) || !cluster_.AwaitHealthy(slot, 5)) return false;
  const auto saved = etcdclient::FetchSnapshot(
      cluster_.client(), cluster_.endpoint(slot),
      [](std::string_view, std::uint64_t) { return Status(); }, {.timeout = milliseconds(10000)});
  Say("snapshot of " + std::to_string(slot) + ": " +
      (saved.ok() ? std::to_string(saved->bytes) + " bytes" : saved.error().message));
  if (saved.ok()) return true;
  if (cluster_.Running(slot) && cluster_.AwaitHealthy(slot, 1))  // not one that ended meanwhile
    findings_.push_back("no snapshot of member " + std::to_string(slot) +
                        ", which was well: " + saved.error().message);
  return false;
}

bool Faults::MoveLeader() {
  const int leader = cluster_.Leader();
  if (leader < 0) return false;
  const int target = (leader + 1) % cluster_.size();
  const auto status = cluster_.client().StatusOf(cluster_.endpoint(target));
  if (!status.ok()) return false;
  const auto moved = cluster_.client().MoveLeader(cluster_.endpoint(leader),
                                                  MemberId{status->header().member_id()});
  Say("move the leader to " + std::to_string(target) +
      (moved.ok() ? "" : ": " + moved.error().message));
  return moved.ok();
}

void Faults::MendAll() {
  network_.Heal();
  ExpectRunning();
  for (int slot = 0; slot < cluster_.size(); ++slot) {
    if (cluster_.AwaitHealthy(slot, 60)) continue;
    ExpectRunning();  // one that ended is started again
    if (cluster_.AwaitHealthy(slot, 60)) continue;
    findings_.push_back("member " + std::to_string(slot) +
                        " did not come back within 60 s after the faults were over");
    Say("FINDING " + findings_.back());
  }
}

}  // namespace quorate::chaos
