#include "chaos/cluster.h"

#include <csignal>
#include <filesystem>
#include <fstream>
#include <map>
#include <thread>
#include <utility>

#include "support/wait.h"

namespace quorate::chaos {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr const char* kDiskSize = "size=400m";  // two segments of log, the next one, and the store

}  // namespace

std::unique_ptr<etcdclient::Client> MakeImpatientClient(std::vector<std::string> endpoints) {
  auto client = etcdclient::MakeClient({.endpoints = std::move(endpoints),
                                        .dial_timeout = milliseconds(500),
                                        .call_timeout = milliseconds(2000)});
  return client.ok() ? std::move(client).value() : nullptr;
}

Cluster::Cluster(Network& network, int members, std::string directory)
    : network_(network), directory_(std::move(directory)) {
  std::string initial;
  std::vector<std::string> endpoints;
  for (int i = 0; i < members; ++i) {
    auto slot = std::make_unique<Slot>();
    slot->name = "m" + std::to_string(i);
    initial += (initial.empty() ? "" : ",") + slot->name + "=" + PeerUrl(i);
    endpoints.push_back(endpoint(i));
    std::filesystem::create_directories(disk(i));
    MustRun({FindProgram("mount"), "-t", "tmpfs", "-o", kDiskSize, "chaos", disk(i)});
    slots_.push_back(std::move(slot));
  }
  for (auto& slot : slots_) slot->initial_cluster = initial;
  client_ = MakeImpatientClient(endpoints);
}

Cluster::~Cluster() {
  for (auto& slot : slots_) slot->process.reset();
  for (int i = 0; i < size(); ++i) test::RunCommand({FindProgram("umount"), "-l", disk(i)});
}

std::string Cluster::endpoint(int slot) const {
  return "http://" + network_.Address(slot) + ":2379";
}

std::string Cluster::PeerUrl(int slot) const {
  return "http://" + network_.Address(slot) + ":2380";
}

std::uint64_t Cluster::life(int slot) const {
  return static_cast<std::uint64_t>(slot + 1) * 1'000'000 +
         slots_[static_cast<std::size_t>(slot)]->life;
}

std::string Cluster::log_path(int slot) const {
  return directory_ + "/" + std::to_string(slot) + ".log";
}

void Cluster::Start(int slot) {
  Slot& s = *slots_[static_cast<std::size_t>(slot)];
  std::vector<std::string> command = network_.At(slot);
  for (const std::string& word :
       {OurProgram("quorate-server"), "--name=" + s.name, "--data-dir=" + data_directory(slot),
        "--listen-client-urls=" + endpoint(slot), "--advertise-client-urls=" + endpoint(slot),
        "--listen-peer-urls=" + PeerUrl(slot), "--initial-advertise-peer-urls=" + PeerUrl(slot),
        "--initial-cluster=" + s.initial_cluster,
        std::string("--initial-cluster-state=") + (s.joins ? "existing" : "new"),
        std::string("--snapshot-count=1000"), std::string("--heartbeat-interval=100"),
        std::string("--election-timeout=1000")})
    command.push_back(word);
  ++s.life;
  s.paused = false;
  s.process = std::make_unique<test::ChildProcess>(command, log_path(slot));
}

void Cluster::StartAll() {
  for (int slot = 0; slot < size(); ++slot) Start(slot);
}

void Cluster::Kill(int slot) {
  Slot& s = *slots_[static_cast<std::size_t>(slot)];
  ++s.life;
  s.process->Signal(SIGKILL);
  s.process->Wait();
}

int Cluster::Terminate(int slot) {
  Slot& s = *slots_[static_cast<std::size_t>(slot)];
  ++s.life;
  s.process->Signal(SIGTERM);
  if (!test::WaitFor([&] { return !s.process->Running(); }, seconds(60)))
    s.process->Signal(SIGKILL);
  return s.process->Wait();
}

void Cluster::Pause(int slot) {
  slots_[static_cast<std::size_t>(slot)]->process->Signal(SIGSTOP);
  slots_[static_cast<std::size_t>(slot)]->paused = true;
}

void Cluster::Resume(int slot) {
  slots_[static_cast<std::size_t>(slot)]->process->Signal(SIGCONT);
  slots_[static_cast<std::size_t>(slot)]->paused = false;
}

bool Cluster::Running(int slot) {
  const auto& process = slots_[static_cast<std::size_t>(slot)]->process;
  return process != nullptr && process->Running();
}

int Cluster::ExitOf(int slot) {
  return slots_[static_cast<std::size_t>(slot)]->process->Wait();
}

int Cluster::Leader() {
  std::map<std::uint64_t, int> followers;
  std::map<std::uint64_t, int> slot_of;
  for (int slot = 0; slot < size(); ++slot) {
    if (!Running(slot) || paused(slot)) continue;
    const auto status =
        client_->StatusOf(endpoint(slot), {.timeout = milliseconds(500), .one_round = true});
    if (!status.ok()) continue;
    slot_of[status->header().member_id()] = slot;
    if (status->leader() != 0) ++followers[status->leader()];
  }
  for (const auto& [id, count] : followers)
    if (count * 2 > size() && slot_of.contains(id)) return slot_of[id];
  return -1;
}

bool Cluster::AwaitHealthy(int slot, int within) {
  return test::WaitFor(
             [&] {
               if (!Running(slot)) return true;  // it will not become so
               etcdserverpb::RangeRequest request;
               request.set_key("health");
               return client_
                   ->Range(request, {.endpoint = endpoint(slot), .timeout = milliseconds(1000)})
                   .ok();
             },
             seconds(within)) &&
         Running(slot);
}

void Cluster::FillDisk(int slot) {
  std::ofstream filler(disk(slot) + "/filler", std::ios::binary);
  const std::string block(1 << 20, 'x');
  while (filler.write(block.data(), static_cast<std::streamsize>(block.size())).flush()) {
  }
}

void Cluster::EmptyDisk(int slot) {
  std::filesystem::remove(disk(slot) + "/filler");
}

std::vector<std::string> Cluster::Others(int slot) const {
  std::vector<std::string> others;
  for (int i = 0; i < size(); ++i)
    if (i != slot) others.push_back(endpoint(i));
  return others;
}

bool Cluster::LivesAt(const etcdserverpb::Member& member, int slot) const {
  return member.peerurls_size() != 0 && member.peerurls(0) == PeerUrl(slot);
}

std::string Cluster::UntilOthersList(const char* what, int slot,
                                     const std::function<void()>& meanwhile, const Look& look) {
  const auto client = MakeImpatientClient(Others(slot));
  std::string why = "no quorum";
  const bool seen = test::WaitFor(
      [&] {
        meanwhile();
        const auto list = client->MemberList(true);
        if (!list.ok()) return why = list.error().message, false;
        return look(*client, *list, why);
      },
      seconds(60));
  return seen ? "" : std::string(what) + ": " + why;
}

std::string Cluster::RemoveMember(int slot, const std::function<void()>& meanwhile) {
  return UntilOthersList(
      "remove", slot, meanwhile, [&](etcdclient::Client& client, const auto& list, auto& why) {
        for (const auto& member : list.members()) {
          if (!LivesAt(member, slot)) continue;
          const auto removed =
              client.MemberRemove(MemberId{member.id()}, {.timeout = milliseconds(5000)});
          if (!removed.ok()) why = removed.error().message;
          return false;  // the list tells
        }
        return true;
      });
}

std::string Cluster::AddMember(int slot, const std::function<void()>& meanwhile) {
  return UntilOthersList(
      "add", slot, meanwhile, [&](etcdclient::Client& client, const auto& list, auto& why) {
        std::string initial;
        bool listed = false;
        for (const auto& member : list.members()) {
          // By our own names: one that was added a moment ago has not told the others its name.
          for (int i = 0; i < size(); ++i) {
            if (!LivesAt(member, i)) continue;
            listed = listed || i == slot;
            initial += (initial.empty() ? "" : ",") + slots_[static_cast<std::size_t>(i)]->name +
                       "=" + PeerUrl(i);
          }
        }
        if (listed) {
          slots_[static_cast<std::size_t>(slot)]->initial_cluster = initial;
          return true;
        }
        const auto added = client.MemberAdd({PeerUrl(slot)}, true, {.timeout = milliseconds(5000)});
        if (!added.ok()) why = added.error().message;
        return false;
      });
}

std::string Cluster::PromoteMember(int slot, const std::function<void()>& meanwhile) {
  return UntilOthersList("promote", slot, meanwhile,
                         [&](etcdclient::Client& client, const auto& list, auto& why) {
                           for (const auto& member : list.members()) {
                             if (!LivesAt(member, slot)) continue;
                             if (!member.islearner()) return true;
                             const auto done = client.MemberPromote(MemberId{member.id()});
                             if (!done.ok()) why = done.error().message;
                             return false;
                           }
                           why = "not in the list";
                           return false;
                         });
}

std::string Cluster::Replace(int slot, const std::function<void()>& meanwhile) {
  Slot& s = *slots_[static_cast<std::size_t>(slot)];
  if (Running(slot)) Kill(slot);
  if (std::string why = RemoveMember(slot, meanwhile); !why.empty()) return why;
  if (std::string why = Verify(slot); !why.empty()) return why;
  std::filesystem::remove_all(data_directory(slot));
  s.name = "m" + std::to_string(slot) + "g" + std::to_string(++s.generation);
  s.joins = true;
  if (std::string why = AddMember(slot, meanwhile); !why.empty()) return why;
  Start(slot);
  return PromoteMember(slot, meanwhile);
}

std::string Cluster::Verify(int slot) const {
  const auto verified =
      test::RunCommand({OurProgram("quoratectl"), "verify", data_directory(slot)});
  return verified.exit == 0 ? "" : "verify: " + verified.out + verified.err;
}

}  // namespace quorate::chaos
