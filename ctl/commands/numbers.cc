#include "commands/numbers.h"

#include <charconv>
#include <system_error>
#include <type_traits>

namespace quorate::commands {
namespace {

template <typename Number>
Result<Number> Parse(const std::string& text, int base) {
  const char* name = std::is_signed_v<Number> ? "strconv.ParseInt" : "strconv.ParseUint";
  const std::string failed = std::string(name) + ": parsing \"" + text + "\": ";
  const char* begin = text.data();
  const char* end = text.data() + text.size();
  if (text.size() > 1 && text[0] == '+' && std::is_signed_v<Number>) ++begin;
  Number number{};
  const auto [stop, problem] = std::from_chars(begin, end, number, base);
  if (problem == std::errc::result_out_of_range) {
    return Error{Code::kInvalidArgument, failed + "value out of range"};
  }
  if (problem != std::errc() || stop != end) {
    return Error{Code::kInvalidArgument, failed + "invalid syntax"};
  }
  return number;
}

}  // namespace

Result<std::int64_t> ParseInt(const std::string& text, int base) {
  return Parse<std::int64_t>(text, base);
}

Result<std::uint64_t> ParseUint(const std::string& text, int base) {
  return Parse<std::uint64_t>(text, base);
}

}  // namespace quorate::commands
