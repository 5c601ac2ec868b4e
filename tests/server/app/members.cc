#include "server/app/members.h"

#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "peers/etcd.h"
#include "support/root.h"
#include "support/wait.h"

namespace quorate::test {

Members::Members(std::vector<std::string> names) : names_(std::move(names)) {
  for (const std::string& name : names_) {
    client_ports_[name] = FreePort();
    peer_ports_[name] = FreePort();
  }
}

std::vector<std::string> Members::Command(const std::string& name,
                                          const std::vector<std::string>& cluster,
                                          const std::vector<std::string>& extra) const {
  std::string initial;
  for (const std::string& member : cluster) {
    initial += (initial.empty() ? "" : ",") + member + "=" + PeerUrl(member);
  }
  std::vector<std::string> command = {Program("quorate-server"),
                                      "--name=" + name,
                                      "--data-dir=" + DataDirectory(name),
                                      "--listen-client-urls=" + Endpoint(name),
                                      "--advertise-client-urls=" + Endpoint(name),
                                      "--listen-peer-urls=" + PeerUrl(name),
                                      "--initial-advertise-peer-urls=" + PeerUrl(name),
                                      "--initial-cluster=" + initial};
  command.insert(command.end(), extra.begin(), extra.end());
  return command;
}

void Members::Start(const std::string& name, const std::vector<std::string>& cluster,
                    const std::vector<std::string>& extra) {
  processes_[name] = std::make_unique<ChildProcess>(Command(name, cluster, extra),
                                                    scratch_.path() + "/" + name + ".log");
}

int Members::Run(const std::string& name, const std::vector<std::string>& cluster,
                 const std::vector<std::string>& extra) {
  Start(name, cluster, extra);
  return AwaitEnd(name);
}

void Members::StartAll() {
  for (const std::string& name : names_) Start(name, names_);
}

void Members::Kill(const std::string& name) {
  processes_.at(name)->Signal(SIGKILL);
  processes_.at(name)->Wait();
}

void Members::Stop(const std::string& name) {
  processes_.at(name)->Signal(SIGSTOP);
}

int Members::Terminate(const std::string& name) {
  processes_.at(name)->Signal(SIGTERM);
  return AwaitEnd(name);
}

int Members::AwaitEnd(const std::string& name) {
  ChildProcess& process = *processes_.at(name);
  EXPECT_TRUE(WaitFor([&process] { return !process.Running(); }, std::chrono::seconds(30)))
      << Log(name);
  if (process.Running()) process.Signal(SIGKILL);
  return process.Wait();
}

bool Members::Running(const std::string& name) {
  return processes_.at(name)->Running();
}

void Members::LoseData(const std::string& name) {
  std::filesystem::remove_all(DataDirectory(name));
}

std::string Members::PeerUrl(const std::string& name) const {
  return "http://127.0.0.1:" + std::to_string(peer_ports_.at(name));
}

std::string Members::Endpoint(const std::string& name) const {
  return "http://127.0.0.1:" + std::to_string(client_ports_.at(name));
}

std::string Members::Log(const std::string& name) const {
  std::ifstream in(scratch_.path() + "/" + name + ".log");
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

std::string Members::Http(const std::string& name, const std::string& path) const {
  return HttpGet(client_ports_.at(name), path);
}

std::unique_ptr<etcdclient::Client> Members::Connect(const std::vector<std::string>& names) const {
  etcdclient::Options options;
  for (const std::string& name : names) options.endpoints.push_back(Endpoint(name));
  auto client = etcdclient::MakeClient(options);
  EXPECT_TRUE(client.ok());
  return std::move(client).value();
}

bool Members::AwaitHealthy(const std::string& name) const {
  return WaitFor(
      [&] {
        return HttpGet(client_ports_.at(name), "/health").find("\"true\"") != std::string::npos;
      },
      std::chrono::seconds(30));
}

std::string Members::AwaitLeader(const std::vector<std::string>& names) const {
  std::string leader;
  const auto client = Connect(names);
  WaitFor(
      [&] {
        leader.clear();
        std::set<std::uint64_t> leaders;
        for (const std::string& name : names) {
          const auto status = client->StatusOf(Endpoint(name));
          if (!status.ok() || status->leader() == 0) return false;
          leaders.insert(status->leader());
          if (status->leader() == status->header().member_id()) leader = name;
        }
        return leaders.size() == 1 && !leader.empty();
      },
      std::chrono::seconds(30));
  return leader;
}

std::string Put(etcdclient::Client& client, const std::string& key, const std::string& value) {
  etcdserverpb::PutRequest request;
  request.set_key(key);
  request.set_value(value);
  const auto response = client.Put(request);
  return response.ok() ? "" : response.error().message;
}

std::string Get(etcdclient::Client& client, const std::string& key) {
  etcdserverpb::RangeRequest request;
  request.set_key(key);
  const auto response = client.Range(request);
  if (!response.ok()) return response.error().message;
  return response->kvs().empty() ? "(none)" : response->kvs(0).value();
}

}  // namespace quorate::test
