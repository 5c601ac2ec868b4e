// FlagTable: every flag of etcd 3.6 and Quorate's own, one row each.
//
// A flag is `kWorks` (it sets an option), `kNoEffect` (accepted, with a warning: it tunes an engine
// that is not here) or `kLater` (refused with a text that says so, unless its value asks for
// nothing). No flag is silently ignored.
#pragma once

#include <span>
#include <string_view>

#include "base/result.h"
#include "config/options.h"

namespace quorate::config {

enum class FlagKind { kWorks, kNoEffect, kLater };

struct Flag {
  std::string_view name;          // without dashes
  std::string_view section;       // heading in --help
  std::string_view default_text;  // as --help shows it; for kLater the value that asks for nothing
  std::string_view help;
  bool is_bool = false;  // may stand alone: --force-new-cluster
  FlagKind kind = FlagKind::kWorks;
  Status (*set)(Options& options, std::string_view value) = nullptr;  // kWorks only
};

std::span<const Flag> Flags();

// The row of a name, etcd 3.6's `experimental-` spelling included; nullptr for an unknown name.
const Flag* FindFlag(std::string_view name);

// Applies one value, whatever its source. Errors name the flag, the value and what is allowed.
Status SetFlag(Options& options, const Flag& flag, std::string_view value);

// The text of --help.
std::string HelpText();

}  // namespace quorate::config
