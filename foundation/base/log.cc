#include "base/log.h"

#include <fmt/format.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <chrono>
#include <ctime>
#include <memory>

namespace quorate::log {
namespace {

constexpr std::string_view kCaller = "quorate";

Format g_format = Format::kJson;  // set once by Configure, before threads start

spdlog::level::level_enum ToVendor(Level level) {
  switch (level) {
    case Level::kDebug:
      return spdlog::level::debug;
    case Level::kInfo:
      return spdlog::level::info;
    case Level::kWarn:
      return spdlog::level::warn;
    case Level::kError:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

std::shared_ptr<spdlog::logger> MakeDefault() {
  auto logger = std::make_shared<spdlog::logger>("quorate",
                                                 std::make_shared<spdlog::sinks::stderr_sink_mt>());
  logger->set_pattern("%v");
  logger->set_level(spdlog::level::info);
  return logger;
}

std::shared_ptr<spdlog::logger>& Logger() {
  static std::shared_ptr<spdlog::logger> logger = MakeDefault();
  return logger;
}

std::string_view Name(Level level) {
  switch (level) {
    case Level::kDebug:
      return "debug";
    case Level::kInfo:
      return "info";
    case Level::kWarn:
      return "warn";
    case Level::kError:
      return "error";
  }
  return "info";
}

// The only wall clock outside io: a log line's stamp decides nothing.
void AppendStamp(fmt::memory_buffer& out) {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  std::tm parts{};
  gmtime_r(&now.tv_sec, &parts);
  fmt::format_to(std::back_inserter(out), "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z",
                 parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min,
                 parts.tm_sec, now.tv_nsec / 1000);
}

void AppendQuoted(fmt::memory_buffer& out, std::string_view text) {
  out.push_back('"');
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(c);
    } else if (c == '\n') {
      out.append(std::string_view("\\n"));
    } else if (c == '\t') {
      out.append(std::string_view("\\t"));
    } else if (byte < 0x20) {
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", byte);
    } else {
      out.push_back(c);
    }
  }
  out.push_back('"');
}

void AppendValue(fmt::memory_buffer& out, const Field::Value& value) {
  std::visit(
      [&out](const auto& v) {
        if constexpr (std::is_same_v<std::decay_t<decltype(v)>, std::string>) {
          AppendQuoted(out, v);
        } else {
          fmt::format_to(std::back_inserter(out), "{}", v);
        }
      },
      value);
}

void AppendFields(fmt::memory_buffer& out, const std::vector<Field>& fields, bool leading_comma) {
  for (const Field& field : fields) {
    if (leading_comma) out.push_back(',');
    leading_comma = true;
    AppendQuoted(out, field.key);
    out.push_back(':');
    AppendValue(out, field.value);
  }
}

void FormatJson(fmt::memory_buffer& out, Level level, std::string_view message,
                const std::vector<Field>& fields) {
  fmt::format_to(std::back_inserter(out), R"({{"level":"{}","ts":")", Name(level));
  AppendStamp(out);
  fmt::format_to(std::back_inserter(out), R"(","caller":"{}","msg":)", kCaller);
  AppendQuoted(out, message);
  AppendFields(out, fields, true);
  out.push_back('}');
}

void FormatConsole(fmt::memory_buffer& out, Level level, std::string_view message,
                   const std::vector<Field>& fields) {
  AppendStamp(out);
  fmt::format_to(std::back_inserter(out), "\t{}\t{}\t{}", Name(level), kCaller, message);
  if (fields.empty()) return;
  out.append(std::string_view("\t{"));
  AppendFields(out, fields, false);
  out.push_back('}');
}

}  // namespace

bool Configure(const Options& options) {
  std::vector<spdlog::sink_ptr> sinks;
  try {
    for (const std::string& output : options.outputs) {
      if (output == "stderr" || output == "default") {
        sinks.push_back(std::make_shared<spdlog::sinks::stderr_sink_mt>());
      } else if (output == "stdout") {
        sinks.push_back(std::make_shared<spdlog::sinks::stdout_sink_mt>());
      } else {
        sinks.push_back(std::make_shared<spdlog::sinks::basic_file_sink_mt>(output));
      }
    }
  } catch (const spdlog::spdlog_ex&) {
    return false;
  }
  auto logger = std::make_shared<spdlog::logger>("quorate", sinks.begin(), sinks.end());
  logger->set_pattern("%v");
  logger->set_level(ToVendor(options.level));
  logger->flush_on(spdlog::level::info);
  g_format = options.format;
  Logger() = std::move(logger);
  return true;
}

bool ParseLevel(std::string_view text, Level* level) {
  if (text == "debug") {
    *level = Level::kDebug;
  } else if (text == "info") {
    *level = Level::kInfo;
  } else if (text == "warn") {
    *level = Level::kWarn;
  } else if (text == "error" || text == "panic" || text == "fatal" || text == "dpanic") {
    *level = Level::kError;
  } else {
    return false;
  }
  return true;
}

void Write(Level level, std::string_view message, const std::vector<Field>& fields) {
  spdlog::logger& logger = *Logger();
  if (!logger.should_log(ToVendor(level))) return;
  fmt::memory_buffer line;
  if (g_format == Format::kJson) {
    FormatJson(line, level, message, fields);
  } else {
    FormatConsole(line, level, message, fields);
  }
  logger.log(ToVendor(level), std::string_view(line.data(), line.size()));
}

}  // namespace quorate::log
