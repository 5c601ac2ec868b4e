#include "net/chunk.h"

#include <array>
#include <charconv>
#include <utility>

#include "base/check.h"

namespace quorate::net {

void WriteChunk(Connection& connection, std::string bytes) {
  CHECK(!bytes.empty());
  std::array<char, 20> size{};
  char* end = std::to_chars(size.data(), size.data() + 16, bytes.size(), 16).ptr;
  *end++ = '\r';
  *end++ = '\n';
  connection.Write({size.data(), static_cast<std::size_t>(end - size.data())});
  connection.WriteOwned(std::move(bytes));
  connection.Write("\r\n");
}

void WriteLastChunk(Connection& connection) {
  connection.Write("0\r\n\r\n");
}

}  // namespace quorate::net
