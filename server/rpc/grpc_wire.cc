#include "rpc/grpc_wire.h"

namespace quorate::rpc {

std::optional<std::chrono::nanoseconds> ParseTimeout(std::string_view text) {
  using std::chrono::nanoseconds;
  if (text.size() < 2 || text.size() > 9) return std::nullopt;
  std::int64_t number = 0;
  for (const char digit : text.substr(0, text.size() - 1)) {
    if (digit < '0' || digit > '9') return std::nullopt;
    number = number * 10 + (digit - '0');
  }
  std::int64_t unit = 0;
  switch (text.back()) {
    case 'H':
      unit = 3'600'000'000'000;
      break;
    case 'M':
      unit = 60'000'000'000;
      break;
    case 'S':
      unit = 1'000'000'000;
      break;
    case 'm':
      unit = 1'000'000;
      break;
    case 'u':
      unit = 1'000;
      break;
    case 'n':
      unit = 1;
      break;
    default:
      return std::nullopt;
  }
  constexpr std::int64_t kMax = std::int64_t{10} * 365 * 24 * 3'600'000'000'000;
  return nanoseconds(number > kMax / unit ? kMax : number * unit);
}

std::string PercentEncode(std::string_view text) {
  static constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string encoded;
  encoded.reserve(text.size());
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte <= 0x7e && c != '%') {
      encoded += c;
    } else {
      encoded += '%';
      encoded += kHex[byte >> 4U];
      encoded += kHex[byte & 0xfU];
    }
  }
  return encoded;
}

std::array<char, kPrefixBytes> MakePrefix(std::size_t message_bytes) {
  return {0, static_cast<char>(message_bytes >> 24U), static_cast<char>(message_bytes >> 16U),
          static_cast<char>(message_bytes >> 8U), static_cast<char>(message_bytes)};
}

}  // namespace quorate::rpc
