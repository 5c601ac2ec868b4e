#include "app/exit.h"

#include <fstream>
#include <nlohmann/json.hpp>

#include "base/log.h"

namespace quorate::app {
namespace {

constexpr const char* kTerminationLog = "/dev/termination-log";
// What a kubelet keeps of a termination message.
constexpr std::size_t kMessageBytesMax = 3000;

void WriteTerminationLine(const Ending& ending) {
  std::fstream file(kTerminationLog, std::ios::in | std::ios::out);  // never creates it
  if (!file.is_open()) return;
  const nlohmann::ordered_json line = {{"exit", static_cast<int>(ending.code)},
                                       {"class", std::string(ToString(ending.code))},
                                       {"message", ending.message.substr(0, kMessageBytesMax)}};
  file << line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) << "\n";
}

}  // namespace

std::string_view ToString(ExitCode code) {
  switch (code) {
    case ExitCode::kOk:
      return "ok";
    case ExitCode::kStartFailed:
      return "start failed";
    case ExitCode::kBadCommandLine:
      return "bad command line";
    case ExitCode::kRemoved:
      return "removed from the cluster";
    case ExitCode::kDataUnusable:
      return "data unusable";
    case ExitCode::kWrongIdentity:
      return "wrong cluster or member id";
    case ExitCode::kDiskFull:
      return "disk full";
    case ExitCode::kBadConfiguration:
      return "bad configuration";
    case ExitCode::kBootstrapForbidden:
      return "bootstrap forbidden";
    case ExitCode::kWentBack:
      return "went back in time";
  }
  return "unknown";
}

int Report(const Ending& ending) {
  if (ending.code == ExitCode::kOk) return 0;
  log::Error("stopping", {{"exit", static_cast<int>(ending.code)},
                          {"class", ToString(ending.code)},
                          {"error", ending.message}});
  WriteTerminationLine(ending);
  return static_cast<int>(ending.code);
}

}  // namespace quorate::app
