// What a person configures a member with: command line, environment, config file.
#include <map>

#include "base/check.h"
#include "config/config_file.h"
#include "config/parse.h"
#include "config/validate.h"
#include "fuzz/feed.h"
#include "fuzz/target.h"

namespace quorate::config {
namespace {

// One argument a line; a line with '$' before it is a variable.
void CommandLine(std::string_view text) {
  std::vector<std::string> arguments;
  std::map<std::string, std::string> environment;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    const std::size_t equals = line.find('=');
    if (line.starts_with('$') && equals != std::string_view::npos) {
      environment.emplace(line.substr(1, equals - 1), line.substr(equals + 1));
    } else {
      arguments.emplace_back(line);
    }
  }
  ParseOutcome outcome = ParseCommandLine(arguments, environment);
  if (outcome.errors.empty()) (void)Complete(outcome.options);
}

FUZZ_TARGET(config) {
  fuzz::Feed feed(input);
  const std::uint64_t choice = feed.Below(4);
  if (choice < 2) return CommandLine(feed.Rest());
  auto options = ParseConfigFile(choice == 2 ? std::string(feed.Rest()) : feed.Nested());
  if (options.ok()) (void)Complete(*options);
}

}  // namespace
}  // namespace quorate::config
