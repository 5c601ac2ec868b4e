// ChosenEndpoints: which members a command that goes to each of them goes to.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "commands/session.h"

namespace quorate::commands {

// Those of --endpoints or, with --cluster, all client URLs of the member list.
Result<std::vector<std::string>> ChosenEndpoints(Session& session, etcdclient::Client& client,
                                                 bool cluster);

}  // namespace quorate::commands
