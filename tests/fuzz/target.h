// FUZZ_TARGET: one function that takes whatever bytes there are, and must survive them.
//
//   FUZZ_TARGET(s3_text) {
//     (void)objectstore::XmlText(input, "Key");
//   }
//
// Each file of targets/ holds one. In the fuzz preset it becomes a program of its own,
// fuzz_s3_text, that libFuzzer feeds under AddressSanitizer and UBSan (tests/fuzz/run). In every
// other preset all of them are linked into one test, which gives each the files of
// corpus/s3_text/: what was found once stays found.
//
// A target checks with CHECK what must hold for any input: what was decoded can be encoded again, a
// prefix stays a prefix. It keeps nothing from one call to the next, so that one file repeats a
// finding.
//
// Thread: one call at a time.
#pragma once

#include <string_view>
#include <vector>

namespace quorate::fuzz {

struct Target {
  std::string_view name;
  void (*run)(std::string_view input);
};

// Those linked in.
std::vector<Target>& Targets();

struct Registration {
  explicit Registration(Target target) { Targets().push_back(target); }
};

}  // namespace quorate::fuzz

#define FUZZ_TARGET(name)                                                                \
  static void Fuzz_##name(std::string_view input);                                       \
  static const ::quorate::fuzz::Registration kRegistration_##name({#name, Fuzz_##name}); \
  static void Fuzz_##name([[maybe_unused]] std::string_view input)
