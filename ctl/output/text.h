// Text: values as Go programs print them, so that output can be compared and parsed as etcdctl's
// is.
//
// Source: Go's fmt and time packages, github.com/dustin/go-humanize (formats).
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace quorate::output {

// Double quotes around, escapes as in Go source: %q.
std::string Quote(std::string_view text);
// The text that Quote made this of; nullopt: not in double quotes, or a bad escape.
std::optional<std::string> Unquote(std::string_view quoted);

// "3.926744ms", "5s", "1m2.5s".
std::string FormatDuration(std::chrono::nanoseconds duration);
// "5s", "1m30s", "100ms", "0"; nullopt for anything else.
std::optional<std::chrono::nanoseconds> ParseDuration(std::string_view text);

// "20 kB", "2.1 GB", "512 B": powers of 1000.
std::string FormatBytes(std::uint64_t bytes);

// %16x: lower-case hex, padded with spaces to sixteen.
std::string PadHex(std::uint64_t number);
// %016x.
std::string ZeroHex(std::uint64_t number);
// Every byte as "\x6b".
std::string EscapeHex(std::string_view bytes);

std::string Base64(std::string_view bytes);

std::string Join(const std::vector<std::string>& parts, std::string_view separator);
std::vector<std::string> Split(std::string_view text, char separator);

}  // namespace quorate::output
