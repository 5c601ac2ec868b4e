// Progress: when a long transfer has something to say, and what. Pure: the caller brings the time
// and prints.
//
//   12 MB of 40 MB (30%), 8.1 MB/s
//
// Silent for the first second; then one line a second, or one in ten seconds when nobody watches a
// terminal.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace quorate::output {

class Progress {
 public:
  Progress(std::string label, bool terminal) : label_(std::move(label)), terminal_(terminal) {}

  // total 0: not known.
  std::optional<std::string> Update(std::chrono::nanoseconds elapsed, std::uint64_t done,
                                    std::uint64_t total);
  // True when a line was given out, so that a terminal's last one wants ending.
  bool spoke() const { return next_ > std::chrono::seconds(1); }

 private:
  std::string label_;
  bool terminal_;
  std::chrono::nanoseconds next_ = std::chrono::seconds(1);  // when the next line is due
};

}  // namespace quorate::output
