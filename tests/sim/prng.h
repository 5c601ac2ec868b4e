// Prng: splitmix64 as an io::Random. The same seed gives the same run on every machine.
#pragma once

#include "io/random.h"

namespace quorate::sim {

class Prng final : public io::Random {
 public:
  explicit Prng(std::uint64_t seed) : state_(seed) {}

  std::uint64_t Next() override {
    std::uint64_t z = (state_ += 0x9E3779B97F4A7C15ULL);
    z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27U)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31U);
  }

  // True with the given chance in a thousand.
  bool Chance(std::uint64_t per_mille) { return Below(1000) < per_mille; }

 private:
  std::uint64_t state_;
};

}  // namespace quorate::sim
