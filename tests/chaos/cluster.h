// Cluster: quorate-server processes on the nodes of a network, each with a small disk of its own.
//
// Slot i is node i of the network; the member in it can be replaced by another one of the same
// address. Its disk is a tmpfs, so that it can be full.
//
// Thread: the fault thread; endpoint() and life() from any.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "chaos/network.h"
#include "etcdclient/client.h"
#include "peers/process.h"

namespace quorate::chaos {

// What a member's process ends with when SIGTERM asked it to: as etcd, it ends by the signal.
inline constexpr int kEndedByRequest = 128 + 15;

class Cluster {
 public:
  // directory: for data and logs; must be empty.
  Cluster(Network& network, int members, std::string directory);
  ~Cluster();
  Cluster(const Cluster&) = delete;
  Cluster& operator=(const Cluster&) = delete;

  int size() const { return static_cast<int>(slots_.size()); }
  std::string endpoint(int slot) const;
  // A number that is the slot's member's process' alone; another one whenever it starts or ends.
  std::uint64_t life(int slot) const;
  std::string data_directory(int slot) const { return disk(slot) + "/data"; }
  std::string log_path(int slot) const;

  void Start(int slot);
  void StartAll();
  void Kill(int slot);      // SIGKILL
  int Terminate(int slot);  // SIGTERM; the exit code
  void Pause(int slot);     // SIGSTOP
  void Resume(int slot);
  bool Running(int slot);
  bool paused(int slot) const { return slots_[static_cast<std::size_t>(slot)]->paused; }
  // Why it ended: an exit code, or 128 + a signal. REQUIRES: !Running(slot).
  int ExitOf(int slot);

  // The slot that leads; -1: nobody whom most would follow.
  int Leader();
  bool AwaitHealthy(int slot, int seconds);

  void FillDisk(int slot);
  void EmptyDisk(int slot);
  // Another member, with an empty directory, at this slot's address. "": done; else why not, and
  // the slot's member may be the old one, or none. `meanwhile` is called again and again.
  std::string Replace(int slot, const std::function<void()>& meanwhile);

  // `quoratectl verify` of its data directory: "", or what is wrong there. REQUIRES:
  // !Running(slot).
  std::string Verify(int slot) const;

  etcdclient::Client& client() { return *client_; }

 private:
  struct Slot {
    std::string name;
    int generation = 0;
    bool joins = false;
    bool paused = false;
    std::string initial_cluster;
    std::unique_ptr<test::ChildProcess> process;
    std::atomic<std::uint64_t> life = 0;
  };

  std::string disk(int slot) const { return directory_ + "/" + std::to_string(slot); }
  std::string PeerUrl(int slot) const;
  // Looks at the member list of the others again and again until `look` is content, for a minute.
  // `look` may act and says in `why` what hinders. "" or what failed and why.
  using Look = std::function<bool(etcdclient::Client&, const etcdserverpb::MemberListResponse&,
                                  std::string& why)>;
  std::string UntilOthersList(const char* what, int slot, const std::function<void()>& meanwhile,
                              const Look& look);
  bool LivesAt(const etcdserverpb::Member& member, int slot) const;
  std::string RemoveMember(int slot, const std::function<void()>& meanwhile);
  std::string AddMember(int slot, const std::function<void()>& meanwhile);
  std::string PromoteMember(int slot, const std::function<void()>& meanwhile);
  std::vector<std::string> Others(int slot) const;

  Network& network_;
  const std::string directory_;
  std::vector<std::unique_ptr<Slot>> slots_;
  std::unique_ptr<etcdclient::Client> client_;
};

// A client that tries each endpoint once and gives up soon.
std::unique_ptr<etcdclient::Client> MakeImpatientClient(std::vector<std::string> endpoints);

}  // namespace quorate::chaos
