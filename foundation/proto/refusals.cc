#include "proto/refusals.h"

#include <google/protobuf/stubs/logging.h>

#include <string>

namespace quorate::proto {
namespace {

google::protobuf::LogHandler* original = nullptr;

void Pass(google::protobuf::LogLevel level, const char* file, int line, const std::string& text) {
  if (level == google::protobuf::LOGLEVEL_FATAL && original != nullptr) {
    original(level, file, line, text);
  }
}

}  // namespace

void MuteRefusals() {
  google::protobuf::LogHandler* const before = google::protobuf::SetLogHandler(&Pass);
  if (before != &Pass) original = before;
}

}  // namespace quorate::proto
