// Bind: ties a subcommand to the function that runs it. Only .cc files of this room include it (it
// needs CLI11).
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "commands/session.h"

namespace quorate::commands {

// Runs after the whole command line was parsed without error.
template <typename App>
void Bind(App& command, Session& session, std::function<Exit(Session&)> run) {
  command.callback([&session, run = std::move(run)] { session.exit = run(session); });
}

// The words after the command that are not flags, and those after "--", which may begin with a
// dash. shown is what help calls them: "<key> [range_end]".
template <typename App>
void AddWords(App& command, Session& session, std::vector<std::string>& words,
              const std::string& shown, const std::string& description) {
  const std::size_t end = shown.find('>');
  command.add_option(shown.substr(1, end - 1), words, description)
      ->type_name(shown.substr(end + 1))
      ->expected(0, -1);
  command.parse_complete_callback([&words, &session] {
    words.insert(words.end(), session.after_dashes.begin(), session.after_dashes.end());
  });
}

// A subcommand that only holds others: alone it prints its help.
template <typename App>
App* AddGroup(App& parent, Session& session, const std::string& name,
              const std::string& description) {
  App* group = parent.add_subcommand(name, description);
  group->require_subcommand(0, 1);
  group->callback([group, &session] {
    if (group->get_subcommands().empty()) session.out() << group->help();
  });
  return group;
}

}  // namespace quorate::commands
