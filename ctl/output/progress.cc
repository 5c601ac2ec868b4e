#include "output/progress.h"

#include "output/text.h"

namespace quorate::output {

std::optional<std::string> Progress::Update(std::chrono::nanoseconds elapsed, std::uint64_t done,
                                            std::uint64_t total) {
  if (elapsed < next_) return std::nullopt;
  next_ = elapsed + std::chrono::seconds(terminal_ ? 1 : 10);
  std::string line = label_ + ": " + FormatBytes(done);
  if (total > 0) {
    line += " of " + FormatBytes(total) + " (" + std::to_string(done * 100 / total) + "%)";
  }
  const double seconds = std::chrono::duration<double>(elapsed).count();
  line +=
      ", " + FormatBytes(static_cast<std::uint64_t>(static_cast<double>(done) / seconds)) + "/s";
  return line;
}

}  // namespace quorate::output
