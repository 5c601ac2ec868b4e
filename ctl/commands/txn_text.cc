#include "commands/txn_text.h"

#include <optional>
#include <string_view>

#include "commands/numbers.h"
#include "output/text.h"

namespace quorate::commands {
namespace {

using etcdserverpb::Compare;

std::string_view Trim(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1);
}

std::optional<Compare::CompareTarget> TargetOf(std::string_view name) {
  if (name == "ver" || name == "version") return Compare::VERSION;
  if (name == "c" || name == "create") return Compare::CREATE;
  if (name == "m" || name == "mod") return Compare::MOD;
  if (name == "val" || name == "value") return Compare::VALUE;
  if (name == "lease") return Compare::LEASE;
  return std::nullopt;
}

std::optional<Compare::CompareResult> ResultOf(std::string_view sign) {
  if (sign == "=") return Compare::EQUAL;
  if (sign == "!=") return Compare::NOT_EQUAL;
  if (sign == ">") return Compare::GREATER;
  if (sign == "<") return Compare::LESS;
  return std::nullopt;
}

// False: not a number of the target's kind.
bool SetValue(Compare& compare, const std::string& value) {
  if (compare.target() == Compare::VALUE) {
    compare.set_value(value);
    return true;
  }
  const auto number = ParseInt(value, compare.target() == Compare::LEASE ? 16 : 10);
  if (!number.ok()) return false;
  switch (compare.target()) {
    case Compare::VERSION:
      compare.set_version(*number);
      break;
    case Compare::CREATE:
      compare.set_create_revision(*number);
      break;
    case Compare::MOD:
      compare.set_mod_revision(*number);
      break;
    default:
      compare.set_lease(*number);
  }
  return true;
}

// Where the quoted text that begins at `begin` ends (one past its closing quote).
std::size_t QuotedEnd(std::string_view line, std::size_t begin) {
  const char quote = line[begin];
  for (std::size_t i = begin + 1; i < line.size(); ++i) {
    if (quote == '"' && line[i] == '\\') {
      ++i;
    } else if (line[i] == quote) {
      return i + 1;
    }
  }
  return line.size();
}

}  // namespace

Result<Compare> ParseCompare(const std::string& line) {
  const Error malformed{Code::kInvalidArgument, "malformed comparison: " + line};
  const auto open = line.find('(');
  if (open == std::string::npos) return malformed;
  const std::string_view text = line;
  std::size_t close = text.find(')', open);
  if (open + 1 < text.size() && text[open + 1] == '"')
    close = text.find(')', QuotedEnd(text, open + 1));
  if (close == std::string::npos) return malformed;
  const std::string_view key = Trim(text.substr(open + 1, close - open - 1));
  const std::string_view rest = Trim(text.substr(close + 1));
  const auto space = rest.find_first_of(" \t\"");
  const auto target = TargetOf(Trim(text.substr(0, open)));
  if (!target.has_value()) {
    return Error{Code::kInvalidArgument,
                 "unknown target type: " + std::string(text.substr(0, open))};
  }
  const auto result = ResultOf(rest.substr(0, space));
  if (space == std::string_view::npos || !result.has_value()) {
    return Error{Code::kInvalidArgument, "invalid txn compare request: " + line};
  }
  Compare compare;
  compare.set_key(output::Unquote(key).value_or(std::string(key)));
  compare.set_target(*target);
  compare.set_result(*result);
  const std::string_view value = Trim(rest.substr(space));
  if (!SetValue(compare, output::Unquote(value).value_or(std::string(value)))) {
    return Error{Code::kInvalidArgument, "invalid txn compare request: " + line};
  }
  return compare;
}

std::vector<std::string> SplitWords(const std::string& line) {
  std::vector<std::string> words;
  const std::string_view text = line;
  std::size_t at = text.find_first_not_of(" \t");
  while (at != std::string_view::npos) {
    std::size_t end = std::min(text.find_first_of(" \t", at), text.size());
    if (text[at] == '"' || text[at] == '\'') end = QuotedEnd(text, at);
    const std::string_view word = text.substr(at, end - at);
    if (word.size() >= 2 && word.front() == '\'' && word.back() == '\'') {
      words.emplace_back(word.substr(1, word.size() - 2));
    } else {
      words.push_back(output::Unquote(word).value_or(std::string(word)));
    }
    at = text.find_first_not_of(" \t", end);
  }
  return words;
}

Result<std::vector<std::string>> ReadBlock(std::istream& in) {
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) {
    const std::string trimmed(Trim(line));
    if (trimmed.empty()) return lines;
    lines.push_back(trimmed);
  }
  return Error{Code::kOutOfRange, "EOF"};
}

}  // namespace quorate::commands
