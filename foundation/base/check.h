// CHECK: abort when the program itself is wrong. On in every build.
//
// An expected failure (a full disk, a bad request) is a Result, never a CHECK.
#pragma once

namespace quorate::internal {
[[noreturn]] void CheckFailed(const char* condition, const char* file, int line);
}  // namespace quorate::internal

#define CHECK(condition)              \
  ((condition) ? static_cast<void>(0) \
               : ::quorate::internal::CheckFailed(#condition, __FILE__, __LINE__))
