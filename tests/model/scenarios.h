// Scenarios: the small worlds that the model goes through.
//
// Each looks at one part of raft with everything that may go wrong around it; together they cover
// elections, replication, reads, membership and snapshots. `states_max` bounds each.
#pragma once

#include <cstddef>
#include <vector>

#include "model/space.h"

namespace quorate::model {

std::vector<Scenario> Scenarios(std::size_t states_max);

}  // namespace quorate::model
