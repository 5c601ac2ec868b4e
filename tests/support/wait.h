// WaitFor: polls a condition until it holds or a deadline passes. Tests never sleep for a guess.
#pragma once

#include <chrono>
#include <functional>

namespace quorate::test {

// True as soon as condition() is; false when `patience` has passed without it.
bool WaitFor(const std::function<bool()>& condition,
             std::chrono::milliseconds patience = std::chrono::seconds(10));

}  // namespace quorate::test
