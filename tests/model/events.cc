// What may happen in a state, within the scenario's limits.
#include <algorithm>

#include "model/space.h"

namespace quorate::model {

bool Space::Allowed(const Past& past, std::size_t at, const Member& member, Event& event,
                    std::string& payload) const {
  if (!member.Can(event.kind)) return false;
  const auto& quiet = scenario_.quiet;
  switch (event.kind) {
    case Event::Kind::kTimeout:
      return std::find(quiet.begin(), quiet.end(), member.core().id()) == quiet.end();
    case Event::Kind::kLeaseEnds:
      return scenario_.settings.check_quorum;
    case Event::Kind::kPropose:
      event.argument = past.proposals;
      payload = std::string(1, static_cast<char>('a' + past.proposals));
      return past.proposals < scenario_.proposals;
    case Event::Kind::kChange:
      if (past.changes >= scenario_.changes.size()) return false;
      event.argument = past.changes;
      payload = EncodeChange(scenario_.changes[past.changes]);
      return true;
    case Event::Kind::kRead:
      event.argument = static_cast<std::uint32_t>(past.reads.size());
      payload = std::string(1, static_cast<char>('0' + past.reads.size()));
      return past.reads.size() < scenario_.reads;
    case Event::Kind::kCrash:
      return past.crashes[at] < scenario_.crashes_each;
    case Event::Kind::kCompact:
      return past.compactions < scenario_.compactions;
    case Event::Kind::kTransfer:
      return past.transfers < scenario_.transfers && event.argument != member.core().id().value;
    default:
      return true;
  }
}

void Space::Count(Past& past, std::size_t at, const Event& event) {
  switch (event.kind) {
    case Event::Kind::kPropose:
      ++past.proposals;
      return;
    case Event::Kind::kChange:
      ++past.changes;
      return;
    case Event::Kind::kRead:
      // It must see everything that was committed when it was asked.
      past.reads.push_back(static_cast<std::uint8_t>(past.truth.size()));
      return;
    case Event::Kind::kCrash:
      ++past.crashes[at];
      return;
    case Event::Kind::kCompact:
      ++past.compactions;
      return;
    case Event::Kind::kTransfer:
      ++past.transfers;
      return;
    default:
      return;
  }
}

}  // namespace quorate::model
