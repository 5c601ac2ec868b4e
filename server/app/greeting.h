// Greet: before a member votes or acknowledges anything, it asks the others what they know of it.
//
// POST /quorate/hello with the claim of this directory; a member answers with what it knows. Any
// contradiction proves that the directory went back in time, and the start ends with exit code 16
// for good. A member that does not answer in time, or is a real etcd (404), says nothing: that is
// counted, and the start goes on.
//
// Thread: Greet blocks and is for the start only; AnswerHello from any.
// Source: knowledge/reliability.md point 77.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "app/recollection.h"
#include "membership/cluster.h"
#include "node/node.h"

namespace quorate::app {

// Asks one member; `done` once, on any thread.
using AskHello = std::function<void(const std::vector<std::string>& peer_urls, std::string claim,
                                    std::function<void(Result<std::string>)> done)>;

struct Greeting {
  std::optional<Ending> ending;  // the directory went back in time
  std::size_t unknown = 0;       // members that said nothing
};

Greeting Greet(const Claim& claim, const std::map<MemberId, std::vector<std::string>>& others,
               std::chrono::nanoseconds patience, const AskHello& ask);

// Begins a life: its number and `nonce` are on disk before anybody is asked, and a verdict before
// anybody hears of it. An error: that could not be written, and nobody was asked.
Result<Greeting> BeginLife(Recollection& recollection, std::uint64_t nonce,
                           const node::Status& status,
                           const std::map<MemberId, std::vector<std::string>>& others,
                           std::chrono::nanoseconds patience, const AskHello& ask);

// The other side: what is remembered and, while leading, what the log's progress says. An honest
// claim of a member is remembered.
Result<std::string> AnswerHello(Recollection& recollection, const node::Status& status,
                                const membership::Roster& roster, std::string_view claim);

// Notes what a leader knows now of everybody's acknowledgements, and what others have heard of the
// leader's own disk.
void NoteProgress(Recollection& recollection, const node::Status& status);

}  // namespace quorate::app
