#include "io/random.h"

#include <sys/random.h>

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "io/real_random.h"

namespace quorate::io {

std::uint64_t Random::Below(std::uint64_t bound) {
  CHECK(bound > 0);
  // Numbers under 2^64 mod bound are drawn again, so that no remainder is favoured.
  const std::uint64_t least = (0 - bound) % bound;
  std::uint64_t number = Next();
  while (number < least) number = Next();
  return number % bound;
}

void Random::Fill(std::span<std::byte> out) {
  while (!out.empty()) {
    const std::uint64_t number = Next();
    const std::size_t size = std::min(out.size(), sizeof number);
    std::memcpy(out.data(), &number, size);
    out = out.subspan(size);
  }
}

std::uint64_t RealRandom::Next() {
  std::uint64_t number = 0;
  // Eight bytes are never interrupted once the kernel's pool is ready.
  while (getrandom(&number, sizeof number, 0) != static_cast<ssize_t>(sizeof number)) {
  }
  return number;
}

}  // namespace quorate::io
