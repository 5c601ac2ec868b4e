#include "config/flag_table.h"

namespace quorate::config {
namespace {

constexpr std::size_t kHelpColumn = 42;

void AppendFlag(std::string& out, const Flag& flag) {
  std::string left = "  --" + std::string(flag.name);
  if (!flag.default_text.empty()) left += " '" + std::string(flag.default_text) + "'";
  if (left.size() + 1 < kHelpColumn) {
    left.resize(kHelpColumn, ' ');
    out += left;
  } else {
    out += left + "\n" + std::string(kHelpColumn, ' ');
  }
  out += flag.help;
  out += '\n';
}

}  // namespace

std::string HelpText() {
  std::string out =
      "Usage:\n\n"
      "  quorate-server [flags]\n"
      "      Start one member. Every flag may also be given as an environment variable: "
      "--data-dir\n"
      "      is ETCD_DATA_DIR. Giving both is an error.\n"
      "  quorate-server --config-file FILE\n"
      "      Read the same names from a YAML or JSON file; flags and variables are then ignored.\n"
      "  quorate-server --version\n"
      "  quorate-server --help\n\n"
      "A single member on localhost needs no flag at all.\n";
  std::string_view section;
  for (const Flag& flag : Flags()) {
    if (flag.kind == FlagKind::kLater) continue;
    if (flag.section != section) {
      section = flag.section;
      out += "\n" + std::string(section) + ":\n";
    }
    AppendFlag(out, flag);
  }
  out += "\nKnown from etcd but not supported yet; a value that asks for them is refused:\n ";
  std::size_t column = 1;
  for (const Flag& flag : Flags()) {
    if (flag.kind != FlagKind::kLater) continue;
    if (column + flag.name.size() > 98) {
      out += "\n ";
      column = 1;
    }
    out += ' ';
    out += flag.name;
    column += flag.name.size() + 1;
  }
  return out + "\n";
}

}  // namespace quorate::config
