// mutants_ROOM: a room's tests, run against the room's variant with one planted bug switched on.
//
// Usage: mutants_ROOM [--planted=NAME] [gtest options]
// Ends with 0 when the tests pass, which with a planted bug means that it was not seen; with 3 when
// they pass and the place of the bug was never reached.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <iostream>
#include <string_view>

#include "base/site.h"

namespace {

constexpr std::string_view kPlanted = "--planted=";
constexpr int kNotReached = 3;

class OneBug final : public quorate::site::Oracle {
 public:
  explicit OneBug(std::string_view name) : name_(name) {}

  bool Reached(std::size_t id) override {
    const quorate::site::Place& place = quorate::site::Places()[id];
    if (place.kind != quorate::site::Kind::kPlanted || place.name != name_) return false;
    reached_ = true;
    return true;
  }

  bool reached() const { return reached_; }

 private:
  const std::string_view name_;
  bool reached_ = false;
};

}  // namespace

int main(int argc, char** argv) {
  testing::InitGoogleMock(&argc, argv);
  std::string_view name;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (!argument.starts_with(kPlanted)) {
      std::cerr << "unknown argument " << argument << "\n";
      return 2;
    }
    name = argument.substr(kPlanted.size());
  }
  OneBug bug(name);
  quorate::site::oracle = &bug;
  const int result = RUN_ALL_TESTS();
  quorate::site::oracle = nullptr;
  return result == 0 && !name.empty() && !bug.reached() ? kNotReached : result;
}
