// Members: quorate-server processes on loopback, for tests that start, kill, lose and replace them.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "etcdclient/client.h"
#include "peers/process.h"

namespace quorate::test {

class Members {
 public:
  // Chooses ports for `names`; nothing runs yet.
  explicit Members(std::vector<std::string> names);

  // Flags of a member that --initial-cluster names with all of `cluster`.
  std::vector<std::string> Command(const std::string& name, const std::vector<std::string>& cluster,
                                   const std::vector<std::string>& extra = {}) const;
  void Start(const std::string& name, const std::vector<std::string>& cluster,
             const std::vector<std::string>& extra = {});
  // Starts the command to its end: the exit code. What it said is in Log().
  int Run(const std::string& name, const std::vector<std::string>& cluster,
          const std::vector<std::string>& extra = {});
  void StartAll();

  void Stop(const std::string& name);      // SIGSTOP
  void Kill(const std::string& name);      // SIGKILL
  int Terminate(const std::string& name);  // SIGTERM; the exit code
  int AwaitEnd(const std::string& name);
  bool Running(const std::string& name);
  void LoseData(const std::string& name);

  std::string PeerUrl(const std::string& name) const;
  std::string Endpoint(const std::string& name) const;
  std::string DataDirectory(const std::string& name) const { return scratch_.path() + "/" + name; }
  std::string Log(const std::string& name) const;
  std::string Http(const std::string& name, const std::string& path) const;  // GET: the body
  std::string Metrics(const std::string& name) const { return Http(name, "/metrics"); }

  // A client of these members.
  std::unique_ptr<etcdclient::Client> Connect(const std::vector<std::string>& names) const;
  bool AwaitHealthy(const std::string& name) const;
  // The name of the member that leads, once all of `names` agree on one; empty when they do not.
  std::string AwaitLeader(const std::vector<std::string>& names) const;

 private:
  ScratchDirectory scratch_;
  std::vector<std::string> names_;
  std::map<std::string, int> client_ports_;
  std::map<std::string, int> peer_ports_;
  std::map<std::string, std::unique_ptr<ChildProcess>> processes_;
};

// Puts and gets one key; the error's text, or "".
std::string Put(etcdclient::Client& client, const std::string& key, const std::string& value);
std::string Get(etcdclient::Client& client, const std::string& key);

}  // namespace quorate::test
