// The way from libFuzzer to the one target of this program.
#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "base/log.h"
#include "fuzz/target.h"

extern "C" int LLVMFuzzerInitialize(int*, char***);
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  CHECK(quorate::fuzz::Targets().size() == 1);
  // Refusals of bad bytes are logged; a million of them would be the slowest part.
  CHECK(quorate::log::Configure({.level = quorate::log::Level::kError, .outputs = {"/dev/null"}}));
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  quorate::fuzz::Targets().front().run({reinterpret_cast<const char*>(data), size});
  return 0;
}
