// WriteChunk: a piece of a body whose length was not told before it (chunked transfer coding).
//
// Thread: the connection's loop.
#pragma once

#include <string>

#include "net/connection.h"

namespace quorate::net {

// REQUIRES: bytes are not empty; an empty chunk is the end.
void WriteChunk(Connection& connection, std::string bytes);
void WriteLastChunk(Connection& connection);

}  // namespace quorate::net
