// ProgressLine: shows output::Progress of one transfer on stderr.
#pragma once

#include <cstdint>
#include <string>

#include "commands/session.h"
#include "output/progress.h"

namespace quorate::commands {

class ProgressLine {
 public:
  ProgressLine(const Session& session, const std::string& label);
  ~ProgressLine();  // ends a terminal's line
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  // total 0: not known.
  void Show(std::uint64_t done, std::uint64_t total);

 private:
  const Session& session_;
  output::Progress progress_;
  io::Clock::Instant begin_;
};

}  // namespace quorate::commands
