// Where the checkout and the built programs are, so that a test finds its data whatever folder it
// runs in.
#pragma once

#include <string>

namespace quorate::test {

std::string SourceRoot();                       // the checkout
std::string TestData(const std::string& path);  // tests/testdata/<path>
std::string Program(const std::string& name);   // build/<preset>/bin/<name>

}  // namespace quorate::test
