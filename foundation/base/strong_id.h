// StrongId, Ordinal: integers that do not mix with other integers.
//
// StrongId names a thing (a member, a lease): it compares and hashes. Ordinal counts (an index, a
// term, a revision): it also adds, subtracts and steps. `.value` is the bare number, for formats
// and wire.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>

namespace quorate {

template <typename Tag, typename Rep>
struct StrongId {
  Rep value{};

  constexpr auto operator<=>(const StrongId&) const = default;
};

template <typename Tag, typename Rep>
struct Ordinal {
  Rep value{};

  constexpr auto operator<=>(const Ordinal&) const = default;
  constexpr Ordinal& operator++() {
    ++value;
    return *this;
  }
  constexpr Ordinal& operator--() {
    --value;
    return *this;
  }
  constexpr Ordinal& operator+=(Rep n) {
    value += n;
    return *this;
  }
  friend constexpr Ordinal operator+(Ordinal a, Rep n) { return Ordinal{a.value + n}; }
  friend constexpr Ordinal operator-(Ordinal a, Rep n) { return Ordinal{a.value - n}; }
  // How many steps from b to a. REQUIRES for unsigned Rep: a >= b.
  friend constexpr Rep operator-(Ordinal a, Ordinal b) { return a.value - b.value; }
};

}  // namespace quorate

template <typename Tag, typename Rep>
struct std::hash<quorate::StrongId<Tag, Rep>> {
  std::size_t operator()(const quorate::StrongId<Tag, Rep>& id) const noexcept {
    return std::hash<Rep>{}(id.value);
  }
};

template <typename Tag, typename Rep>
struct std::hash<quorate::Ordinal<Tag, Rep>> {
  std::size_t operator()(const quorate::Ordinal<Tag, Rep>& ordinal) const noexcept {
    return std::hash<Rep>{}(ordinal.value);
  }
};
