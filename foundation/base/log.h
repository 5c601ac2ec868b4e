// Log: structured lines, a constant message and a tail of fields, in etcd's JSON shape.
//
//   log::Info("became leader", {{"term", term}, {"member", ToHex(id.value)}});
//   {"level":"info","ts":"2026-11-21T07:30:00.123456Z","caller":"quorate","msg":"became
//   leader","term":3,...}
//
// Error = a human must act, Warn = degraded, Info = a state change, Debug = the rest. Secrets
// never. Pure rooms do not log: they return notes. The only room that includes spdlog is this one.
//
// Thread: any.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

#include "base/strong_id.h"

namespace quorate::log {

enum class Level { kDebug, kInfo, kWarn, kError };

// One "key": value of a line. Values are rendered as JSON strings, numbers or booleans.
struct Field {
  using Value = std::variant<std::string, std::int64_t, std::uint64_t, double, bool>;

  Field(std::string_view name, std::string_view text) : key(name), value(std::string(text)) {}
  Field(std::string_view name, const char* text) : key(name), value(std::string(text)) {}
  Field(std::string_view name, const std::string& text) : key(name), value(text) {}
  Field(std::string_view name, bool flag) : key(name), value(flag) {}
  Field(std::string_view name, double number) : key(name), value(number) {}
  template <typename T>
  requires(std::is_integral_v<T> && !std::is_same_v<T, bool>) Field(std::string_view name, T number)
      : key(name) {
    if constexpr (std::is_signed_v<T>) {
      value = static_cast<std::int64_t>(number);
    } else {
      value = static_cast<std::uint64_t>(number);
    }
  }
  template <typename Tag, typename Rep>
  Field(std::string_view name, Ordinal<Tag, Rep> number) : Field(name, number.value) {}

  std::string key;
  Value value;
};

enum class Format { kJson, kConsole };

struct Options {
  Level level = Level::kInfo;
  Format format = Format::kJson;
  std::vector<std::string> outputs = {"stderr"};  // "stderr", "stdout" or a file's path
};

// Call once at start; before it, lines go to stderr as JSON. False: an output cannot be opened.
bool Configure(const Options& options);

// Parses debug, info, warn, error (etcd's names; panic and fatal mean error). False for anything
// else.
bool ParseLevel(std::string_view text, Level* level);

void Write(Level level, std::string_view message, const std::vector<Field>& fields);

inline void Debug(std::string_view message, std::initializer_list<Field> fields = {}) {
  Write(Level::kDebug, message, fields);
}
inline void Info(std::string_view message, std::initializer_list<Field> fields = {}) {
  Write(Level::kInfo, message, fields);
}
inline void Warn(std::string_view message, std::initializer_list<Field> fields = {}) {
  Write(Level::kWarn, message, fields);
}
inline void Error(std::string_view message, std::initializer_list<Field> fields = {}) {
  Write(Level::kError, message, fields);
}

}  // namespace quorate::log
