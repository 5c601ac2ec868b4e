// Feed: the fuzzer's bytes as numbers, choices and texts, for targets that build something of them.
//
// Everything comes from the front; at the end there are zeros and empty texts. Small numbers take
// one byte, so that changing a byte of the input changes one thing.
//
// Ownership: borrows the input.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace quorate::fuzz {

class Feed {
 public:
  explicit Feed(std::string_view input) : rest_(input) {}

  bool empty() const { return rest_.empty(); }

  std::uint8_t Byte() {
    if (rest_.empty()) return 0;
    const auto byte = static_cast<std::uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    return byte;
  }
  bool Flag() { return (Byte() & 1U) != 0; }
  // limit > 0, at most 256 values are reached.
  std::uint64_t Below(std::uint64_t limit) { return Byte() % limit; }

  // 0 to 247 in one byte; 248 + n announces n + 1 bytes, little-endian.
  std::uint64_t Number() {
    const std::uint8_t first = Byte();
    if (first < 248) return first;
    std::uint64_t number = 0;
    for (unsigned shift = 0; shift <= (first - 248U) * 8; shift += 8) {
      number |= static_cast<std::uint64_t>(Byte()) << shift;
    }
    return number;
  }

  // A length (Number) and as many bytes, or what is left.
  std::string_view Text() { return Take(Number()); }

  std::string_view Take(std::uint64_t size) {
    const std::string_view text = rest_.substr(0, std::min<std::uint64_t>(size, rest_.size()));
    rest_.remove_prefix(text.size());
    return text;
  }
  std::string_view Rest() { return Take(rest_.size()); }

  // A document, JSON and YAML alike, of lists and objects within each other, up to 10,000 deep: as
  // deep as an API server lets one be.
  std::string Nested() {
    const std::uint64_t depth = Below(40) * 256;
    const std::uint8_t pattern = Byte();
    std::string open;
    std::string close;
    for (std::uint64_t level = 0; level < depth; ++level) {
      const bool list = (pattern >> (level % 8) & 1U) != 0;
      open += list ? "[" : R"({"a":)";
      close += list ? ']' : '}';
    }
    std::reverse(close.begin(), close.end());
    return open.append(Rest()) + close;
  }

 private:
  std::string_view rest_;
};

}  // namespace quorate::fuzz
