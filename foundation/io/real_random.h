// RealRandom: getrandom(2), one system call a number; good enough for secrets.
#pragma once

#include "io/random.h"

namespace quorate::io {

class RealRandom final : public Random {
 public:
  std::uint64_t Next() override;
};

}  // namespace quorate::io
