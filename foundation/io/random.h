// Random: the only source of chance.
//
// RealRandom asks the kernel, so its numbers may make tokens and ids; sim::Prng is splitmix64,
// where one seed gives the same run on every machine.
//
// Thread: RealRandom from any thread; sim::Prng from one at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace quorate::io {

class Random {
 public:
  virtual ~Random() = default;

  // Uniform over all 64-bit numbers.
  virtual std::uint64_t Next() = 0;

  // Uniform in [0, bound). REQUIRES: bound > 0.
  std::uint64_t Below(std::uint64_t bound);

  // Overwrites every byte of out.
  void Fill(std::span<std::byte> out);
};

}  // namespace quorate::io
