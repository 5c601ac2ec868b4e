#include "output/text.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <utility>

namespace quorate::output {
namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";

std::string Printf(const char* format, auto value) {
  std::array<char, 64> buffer{};
  const int length = std::snprintf(buffer.data(), buffer.size(), format, value);
  return {buffer.data(), static_cast<std::size_t>(length)};
}

unsigned Byte(char c) {
  return static_cast<unsigned char>(c);
}

// Length of the valid UTF-8 sequence at the front of text, 0 if there is none.
std::size_t SequenceLength(std::string_view text) {
  const unsigned first = Byte(text[0]);
  std::size_t length = 0;
  unsigned point = 0;
  if (first >= 0xC2 && first <= 0xDF) {
    length = 2;
    point = first & 0x1FU;
  } else if (first >= 0xE0 && first <= 0xEF) {
    length = 3;
    point = first & 0x0FU;
  } else if (first >= 0xF0 && first <= 0xF4) {
    length = 4;
    point = first & 0x07U;
  } else {
    return 0;
  }
  if (text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((Byte(text[i]) & 0xC0U) != 0x80U) return 0;
    point = (point << 6U) | (Byte(text[i]) & 0x3FU);
  }
  const bool overlong = (length == 3 && point < 0x800) || (length == 4 && point < 0x10000);
  const bool surrogate = point >= 0xD800 && point <= 0xDFFF;
  const bool control = point < 0xA0;  // U+0080 to U+009F are written as escapes
  return overlong || surrogate || control || point > 0x10FFFF ? 0 : length;
}

std::optional<char> SimpleEscape(char c) {
  switch (c) {
    case '\a':
      return 'a';
    case '\b':
      return 'b';
    case '\f':
      return 'f';
    case '\n':
      return 'n';
    case '\r':
      return 'r';
    case '\t':
      return 't';
    case '\v':
      return 'v';
    case '\\':
      return '\\';
    case '"':
      return '"';
    default:
      return std::nullopt;
  }
}

std::optional<char> SimpleUnescape(char c) {
  switch (c) {
    case 'a':
      return '\a';
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    case 'v':
      return '\v';
    case '\\':
      return '\\';
    case '"':
      return '"';
    case '\'':
      return '\'';
    default:
      return std::nullopt;
  }
}

std::optional<unsigned> HexDigit(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A' + 10);
  return std::nullopt;
}

std::string Fraction(std::uint64_t count, std::uint64_t unit) {
  std::string text = std::to_string(count / unit);
  std::uint64_t rest = count % unit;
  if (rest == 0) return text;
  text += '.';
  for (std::uint64_t place = unit / 10; rest != 0; place /= 10) {
    text += static_cast<char>('0' + rest / place);
    rest %= place;
  }
  return text;
}

}  // namespace

std::string Quote(std::string_view text) {
  std::string out = "\"";
  while (!text.empty()) {
    const char c = text[0];
    std::size_t used = 1;
    if (const auto escape = SimpleEscape(c); escape.has_value()) {
      out += '\\';
      out += *escape;
    } else if (c >= ' ' && c <= '~') {
      out += c;
    } else if (used = SequenceLength(text); used > 0) {
      out += text.substr(0, used);
    } else {
      used = 1;
      out += "\\x";
      out += kHexDigits[Byte(c) >> 4U];
      out += kHexDigits[Byte(c) & 15U];
    }
    text.remove_prefix(used);
  }
  return out + '"';
}

std::optional<std::string> Unquote(std::string_view quoted) {
  if (quoted.size() < 2 || quoted.front() != '"' || quoted.back() != '"') return std::nullopt;
  quoted = quoted.substr(1, quoted.size() - 2);
  std::string out;
  for (std::size_t i = 0; i < quoted.size(); ++i) {
    if (quoted[i] == '"') return std::nullopt;
    if (quoted[i] != '\\') {
      out += quoted[i];
      continue;
    }
    if (++i == quoted.size()) return std::nullopt;
    if (const auto plain = SimpleUnescape(quoted[i]); plain.has_value()) {
      out += *plain;
    } else if (quoted[i] == 'x' && i + 2 < quoted.size() && HexDigit(quoted[i + 1]).has_value() &&
               HexDigit(quoted[i + 2]).has_value()) {
      out += static_cast<char>(*HexDigit(quoted[i + 1]) * 16 + *HexDigit(quoted[i + 2]));
      i += 2;
    } else {
      return std::nullopt;
    }
  }
  return out;
}

std::string FormatDuration(std::chrono::nanoseconds duration) {
  if (duration.count() == 0) return "0s";
  if (duration.count() < 0) return "-" + FormatDuration(-duration);
  const auto count = static_cast<std::uint64_t>(duration.count());
  if (count < 1000) return std::to_string(count) + "ns";
  if (count < 1000'000) return Fraction(count, 1000) + "µs";
  if (count < 1000'000'000) return Fraction(count, 1000'000) + "ms";
  constexpr std::uint64_t kMinute = 60'000'000'000;
  const std::uint64_t minutes = count / kMinute;
  const std::string seconds = Fraction(count % kMinute, 1000'000'000) + "s";
  if (minutes == 0) return seconds;
  if (minutes < 60) return std::to_string(minutes) + "m" + seconds;
  return std::to_string(minutes / 60) + "h" + std::to_string(minutes % 60) + "m" + seconds;
}

std::optional<std::chrono::nanoseconds> ParseDuration(std::string_view text) {
  if (text == "0") return std::chrono::nanoseconds(0);
  if (text.empty()) return std::nullopt;
  static constexpr std::array<std::pair<std::string_view, double>, 7> kUnits = {
      {{"ns", 1}, {"us", 1e3}, {"µs", 1e3}, {"ms", 1e6}, {"s", 1e9}, {"m", 60e9}, {"h", 3600e9}}};
  double total = 0;
  while (!text.empty()) {
    const std::size_t digits = text.find_first_not_of("0123456789.");
    if (digits == 0 || digits == std::string_view::npos) return std::nullopt;
    const std::size_t end = std::min(text.find_first_of("0123456789.", digits), text.size());
    const std::string_view unit = text.substr(digits, end - digits);
    double scale = 0;
    for (const auto& [name, nanoseconds] : kUnits) {
      if (name == unit) scale = nanoseconds;
    }
    if (scale == 0) return std::nullopt;
    const std::string number(text.substr(0, digits));
    if (std::count(number.begin(), number.end(), '.') > 1 || number == ".") return std::nullopt;
    total += std::strtod(number.c_str(), nullptr) * scale;
    text.remove_prefix(end);
  }
  constexpr double kTooMuch = 0x1p63;  // nanoseconds: 292 years
  if (!(total < kTooMuch)) return std::nullopt;
  return std::chrono::nanoseconds(std::llround(total));
}

std::string FormatBytes(std::uint64_t bytes) {
  static constexpr std::array<const char*, 7> kUnits = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
  if (bytes < 10) return std::to_string(bytes) + " B";
  std::size_t unit = 0;
  double value = static_cast<double>(bytes);
  while (value >= 1000 && unit + 1 < kUnits.size()) {
    value /= 1000;
    ++unit;
  }
  value = std::floor(value * 10 + 0.5) / 10;
  return Printf(value < 10 ? "%.1f" : "%.0f", value) + " " + kUnits[unit];
}

std::string PadHex(std::uint64_t number) {
  return Printf("%16llx", static_cast<unsigned long long>(number));
}

std::string ZeroHex(std::uint64_t number) {
  return Printf("%016llx", static_cast<unsigned long long>(number));
}

std::string EscapeHex(std::string_view bytes) {
  std::string out;
  for (const char c : bytes) {
    out += "\\x";
    out += kHexDigits[Byte(c) >> 4U];
    out += kHexDigits[Byte(c) & 15U];
  }
  return out;
}

std::string Base64(std::string_view bytes) {
  static constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t left = bytes.size() - i;
    const unsigned group = (Byte(bytes[i]) << 16U) | (left > 1 ? Byte(bytes[i + 1]) << 8U : 0U) |
                           (left > 2 ? Byte(bytes[i + 2]) : 0U);
    out += kAlphabet[group >> 18U];
    out += kAlphabet[(group >> 12U) & 63U];
    out += left > 1 ? kAlphabet[(group >> 6U) & 63U] : '=';
    out += left > 2 ? kAlphabet[group & 63U] : '=';
  }
  return out;
}

std::string Join(const std::vector<std::string>& parts, std::string_view separator) {
  std::string out;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (i > 0) out += separator;
    out += parts[i];
  }
  return out;
}

std::vector<std::string> Split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  while (true) {
    const std::size_t at = text.find(separator);
    parts.emplace_back(text.substr(0, at));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

}  // namespace quorate::output
