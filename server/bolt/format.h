// Format: the numbers of a bbolt file. FORMAT.md draws them.
//
// A file is pages of one size, little-endian. Pages 0 and 1 are metas; the valid one with the
// larger transaction id names the root bucket, whose leaves name the buckets.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace quorate::bolt {

inline constexpr std::uint64_t kPageBytes = 4096;  // of the files we write
inline constexpr std::uint32_t kMagic = 0xED0CDAED;
inline constexpr std::uint32_t kVersion = 2;
inline constexpr std::uint64_t kNoFreelist = ~std::uint64_t{0};

inline constexpr std::uint16_t kBranchPage = 0x01;
inline constexpr std::uint16_t kLeafPage = 0x02;
inline constexpr std::uint16_t kMetaPage = 0x04;

inline constexpr std::uint32_t kBucketElement = 0x01;

inline constexpr std::size_t kPageHeaderBytes = 16;    // id 8, flags 2, count 2, overflow 4
inline constexpr std::size_t kElementBytes = 16;       // leaf: flags, pos, ksize, vsize
                                                       // branch: pos, ksize, page 8
inline constexpr std::size_t kBucketHeaderBytes = 16;  // root page 8, sequence 8
inline constexpr std::size_t kMetaBytes = 64;          // the last 8 are the checksum

inline constexpr std::size_t kKeyBytesMax = 32768;
inline constexpr std::size_t kValueBytesMax = (1U << 31U) - 2;

// Where a file ends and begins: all that its metas say.
struct Layout {
  std::uint64_t root_page = 0;
  std::uint64_t pages = 0;  // the file is so many pages long

  std::uint64_t bytes() const { return pages * kPageBytes; }
  bool operator==(const Layout&) const = default;
};

template <typename Number>
void AppendLittleEndian(std::string& out, Number number) {
  for (std::size_t i = 0; i < sizeof(Number); ++i) out += static_cast<char>(number >> (8 * i));
}

// REQUIRES: bytes has sizeof(Number) bytes from offset on.
template <typename Number>
Number ReadLittleEndian(std::string_view bytes, std::size_t offset) {
  std::uint64_t number = 0;
  for (std::size_t i = sizeof(Number); i-- > 0;) {
    number = number << 8U | static_cast<unsigned char>(bytes[offset + i]);
  }
  return static_cast<Number>(number);
}

// FNV-1a of 64 bits: the checksum of a meta.
inline std::uint64_t MetaChecksum(std::string_view bytes) {
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  for (const char c : bytes) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  }
  return hash;
}

}  // namespace quorate::bolt
