#include "commands/progress_line.h"

#include <ostream>

namespace quorate::commands {

ProgressLine::ProgressLine(const Session& session, const std::string& label)
    : session_(session),
      progress_(label, session.doors().terminal),
      begin_(session.clock().Now()) {}

ProgressLine::~ProgressLine() {
  if (session_.doors().terminal && progress_.spoke()) session_.err() << std::endl;
}

void ProgressLine::Show(std::uint64_t done, std::uint64_t total) {
  const auto line = progress_.Update(session_.clock().Now() - begin_, done, total);
  if (!line.has_value()) return;
  if (session_.doors().terminal) {
    session_.err() << '\r' << *line << std::flush;
  } else {
    session_.err() << *line << std::endl;
  }
}

}  // namespace quorate::commands
