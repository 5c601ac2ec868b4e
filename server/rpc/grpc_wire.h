// GrpcWire: the small texts of gRPC over HTTP/2: timeouts, percent-encoded messages, message
// prefixes.
//
// Thread: pure functions.
// Source: grpc PROTOCOL-HTTP2.md.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace quorate::rpc {

inline constexpr std::size_t kPrefixBytes = 5;  // compressed flag, then length, big-endian

// "5S", "100m": 1 to 8 digits and a unit of H M S m u n. nullopt: malformed. Longer than 10 years
// counts as that.
std::optional<std::chrono::nanoseconds> ParseTimeout(std::string_view text);

// Bytes outside printable ASCII, and "%", as %XX.
std::string PercentEncode(std::string_view text);

std::array<char, kPrefixBytes> MakePrefix(std::size_t message_bytes);

}  // namespace quorate::rpc
