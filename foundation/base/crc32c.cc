#include "base/crc32c.h"

#include <array>
#include <cstring>

namespace quorate {
namespace {

constexpr std::array<std::uint32_t, 256> MakeTable() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1U) ^ ((crc & 1U) != 0 ? 0x82F63B78U : 0U);
    table[i] = crc;
  }
  return table;
}

constexpr std::array<std::uint32_t, 256> kTable = MakeTable();

std::uint32_t Portable(std::uint32_t crc, Bytes bytes) {
  for (const std::byte b : bytes) {
    crc = (crc >> 8U) ^ kTable[(crc ^ std::to_integer<std::uint32_t>(b)) & 0xFFU];
  }
  return crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) std::uint32_t Hardware(std::uint32_t crc, Bytes bytes) {
  std::uint64_t wide = crc;
  while (bytes.size() >= 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data(), 8);
    wide = __builtin_ia32_crc32di(wide, word);
    bytes = bytes.subspan(8);
  }
  auto narrow = static_cast<std::uint32_t>(wide);
  for (const std::byte b : bytes) {
    narrow = __builtin_ia32_crc32qi(narrow, std::to_integer<std::uint8_t>(b));
  }
  return narrow;
}
#endif

using Engine = std::uint32_t (*)(std::uint32_t, Bytes);

Engine ChooseEngine() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("sse4.2") != 0) return Hardware;
#endif
  return Portable;
}

}  // namespace

std::uint32_t Crc32c(std::uint32_t crc, Bytes bytes) {
  static const Engine engine = ChooseEngine();
  return ~engine(~crc, bytes);
}

}  // namespace quorate
