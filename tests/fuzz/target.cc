#include "fuzz/target.h"

namespace quorate::fuzz {

std::vector<Target>& Targets() {
  static std::vector<Target> targets;
  return targets;
}

}  // namespace quorate::fuzz
