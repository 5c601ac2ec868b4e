// Exit: how this process ends when it cannot go on, so that a program can tell why.
//
// The exit code is the class of the reason (DESIGN 4.7); the reason stands in the log and, as one
// JSON line, in /dev/termination-log when that exists, where a kubelet picks it up:
//   {"exit":12,"class":"wrong cluster or member id","message":"..."}
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace quorate::app {

enum class ExitCode : std::uint8_t {
  kOk = 0,
  kStartFailed = 1,
  kBadCommandLine = 2,
  kRemoved = 10,
  kDataUnusable = 11,
  kWrongIdentity = 12,
  kDiskFull = 13,
  kBadConfiguration = 14,
  kBootstrapForbidden = 15,
  kWentBack = 16,
};

std::string_view ToString(ExitCode code);

// Ending: a code and what to tell.
struct Ending {
  ExitCode code = ExitCode::kOk;
  std::string message;
};

// Logs the ending, writes the termination line, and returns the number to exit with.
int Report(const Ending& ending);

}  // namespace quorate::app
