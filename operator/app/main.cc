// quorate-operator: runs etcd clusters on Kubernetes. See --help.
#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

#include "app/run.h"
#include "config/options.h"

namespace {

extern "C" char** environ;

quorate::config::Environment ReadEnvironment() {
  quorate::config::Environment out;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    const std::size_t equals = text.find('=');
    if (equals != std::string::npos) out[text.substr(0, equals)] = text.substr(equals + 1);
  }
  return out;
}

}  // namespace

int main(int argc, char** argv) {
  const auto options = quorate::config::ParseOptions(
      std::vector<std::string>(argv + 1, argv + argc), ReadEnvironment());
  if (!options.ok()) {
    std::cerr << "quorate-operator: " << options.error().message << "\n";
    return 2;
  }
  if (options->show_help) {
    std::cout << quorate::config::HelpText();
    return 0;
  }
  if (options->show_version) {
    std::cout << "quorate-operator " << QUORATE_VERSION << "\n";
    return 0;
  }
  return quorate::app::RunOperator(*options);
}
