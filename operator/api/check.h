// Check: what the validators share: collects violations and knows the schema's kinds of limits.
//
// Thread: one thread at a time.
#pragma once

#include <regex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/validate.h"

namespace quorate::api {

class Check {
 public:
  // Adds a violation unless the claim holds.
  void That(bool holds, std::string_view path, std::string_view message) {
    if (!holds) violations_.push_back({std::string(path), std::string(message)});
  }

  // A limit of the schema: shortest <= number <= largest.
  void Range(std::int64_t number, std::int64_t min, std::int64_t max, std::string_view path) {
    That(number >= min && number <= max, path,
         "must be between " + std::to_string(min) + " and " + std::to_string(max));
  }

  void Required(const std::string& text, std::string_view path) {
    That(!text.empty(), path, "is required");
  }

  // Empty texts pass: see Required. The pattern is compiled once in its life: that is slow.
  struct Shape {
    explicit Shape(const char* text) : pattern(text), regex(text) {}
    const char* pattern;
    std::regex regex;
  };
  void Pattern(const std::string& text, const Shape& shape, std::string_view path) {
    if (text.empty()) return;
    That(text.size() <= 4096 && std::regex_match(text, shape.regex), path,
         "must match " + std::string(shape.pattern));
  }

  void QuantityText(const Quantity& quantity, std::string_view path) {
    if (!quantity.empty())
      That(quantity.Units().has_value(), path, "must be a quantity such as 8Gi");
  }

  std::vector<Violation> Take() { return std::move(violations_); }

 private:
  std::vector<Violation> violations_;
};

}  // namespace quorate::api
