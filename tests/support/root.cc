#include "support/root.h"

namespace quorate::test {

std::string SourceRoot() {
  return QUORATE_ROOT;
}
std::string TestData(const std::string& path) {
  return SourceRoot() + "/tests/testdata/" + path;
}
std::string Program(const std::string& name) {
  return std::string(QUORATE_BIN) + "/" + name;
}

}  // namespace quorate::test
