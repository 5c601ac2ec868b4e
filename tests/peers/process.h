// ChildProcess: a real program, started for a test and ended with it.
//
// It runs in a session of its own with stdin from /dev/null; its output goes to a file. The
// destructor ends it by pid (SIGKILL) and reaps it; a parent that dies takes it along.
#pragma once

#include <sys/types.h>

#include <map>
#include <string>
#include <vector>

namespace quorate::test {

class ChildProcess {
 public:
  // environment is added to this process's own. Aborts the test run when the program cannot be
  // started.
  ChildProcess(const std::vector<std::string>& command, const std::string& output_path,
               const std::map<std::string, std::string>& environment = {});
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  void Signal(int number) const;
  bool Running();
  // Waits for the end; the exit code, or 128 + the signal's number.
  int Wait();

 private:
  pid_t pid_ = -1;
  int exit_ = -1;  // once reaped
};

struct CommandResult {
  int exit = 0;
  std::string out;
  std::string err;
};
// Runs to the end; input is its stdin.
CommandResult RunCommand(const std::vector<std::string>& command, const std::string& input = "",
                         const std::map<std::string, std::string>& environment = {});

// An empty directory below the system's temporary one, removed with all it holds.
class ScratchDirectory {
 public:
  ScratchDirectory();
  ~ScratchDirectory();
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// A free TCP port of 127.0.0.1, this program's until it ends: its servers may leave it and come
// back.
int FreePort();

// ${QUORATE_CACHE:-$HOME/.cache/quorate}/parts/<name>; empty when it was not built
// (deploy/local/parts.sh builds it).
std::string Part(const std::string& name);

}  // namespace quorate::test
