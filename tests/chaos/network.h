// Network: a bridge, and a network namespace on it for each member.
//
// Everything lives in namespaces without names: this process' own (entered first of all), which
// holds the bridge and the clients, and one a member, kept alive by a file descriptor. So nothing
// can collide with what the machine has, and nothing is left behind however the program ends.
// Mounts are this process' own as well.
//
// Slow links lose packets and are narrow; where the kernel has netem, they are late as well.
//
// Thread: one.
#pragma once

#include <string>
#include <vector>

namespace quorate::chaos {

// Before any thread is started. Ends the program with a clear text where that is not allowed.
void EnterPrivateNamespaces();

// A program of the system, by its path.
std::string FindProgram(const std::string& name);
// One of ours: of the folder that QUORATE_BIN names, or as built.
std::string OurProgram(const std::string& name);
// Runs to the end; ends this program when it fails.
void MustRun(const std::vector<std::string>& command);

class Network {
 public:
  explicit Network(int nodes);
  ~Network();
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;

  std::string Address(int node) const;
  // What must stand before a command so that it runs at the node.
  std::vector<std::string> At(int node) const;

  // `to` gets nothing any more that `from` sends.
  void Block(int from, int to);
  void Slow(int node);
  // Every link is as at first.
  void Heal();

 private:
  void AddNode(int node);
  bool TryRun(int node, std::vector<std::string> command) const;
  void RunAt(int node, std::vector<std::string> command) const;

  std::vector<int> namespaces_;  // file descriptors
  std::vector<bool> slow_;
};

}  // namespace quorate::chaos
