// Refusals: what protobuf says on its own about bytes that it refuses, such as a name that is not
// UTF-8: nothing. Who parsed them gets the error and answers it; a line on stderr that is not one
// of our log would be written by whoever sends bad bytes.
//
// Thread: MuteRefusals once, before others start.
#pragma once

namespace quorate::proto {

// From now on only what ends the process is still written to stderr.
void MuteRefusals();

}  // namespace quorate::proto
