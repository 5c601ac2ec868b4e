// What a person configures the operator with: command line and environment.
#include <algorithm>

#include "base/check.h"
#include "config/options.h"
#include "fuzz/feed.h"
#include "fuzz/target.h"

namespace quorate::config {
namespace {

// One argument a line; a line with '$' before it is a variable.
FUZZ_TARGET(operator_options) {
  std::vector<std::string> arguments;
  Environment environment;
  while (!input.empty()) {
    const std::string_view line = input.substr(0, input.find('\n'));
    input.remove_prefix(std::min(line.size() + 1, input.size()));
    const std::size_t equals = line.find('=');
    if (line.starts_with('$') && equals != std::string_view::npos) {
      environment.emplace(line.substr(1, equals - 1), line.substr(equals + 1));
    } else {
      arguments.emplace_back(line);
    }
  }
  const auto options = ParseOptions(arguments, environment);
  if (!options.ok() || options->show_help || options->show_version) return;
  CHECK(options->workers >= 1 && options->workers <= 64);
  CHECK(options->leader_elect_lease_duration > options->leader_elect_renew_deadline);
  CHECK(options->leader_elect_renew_deadline > options->leader_elect_retry_period);
  CHECK(options->leader_elect_retry_period.count() > 0);
}

}  // namespace
}  // namespace quorate::config
