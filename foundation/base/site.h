// Site: named places where the simulator may crash or bend a member, and planted bugs.
//
// QUORATE_CRASH_SITE("wal.after_append"); names a place where a process may die. The simulator that
//   decides so cuts the member off from its disk, network and clients at that very point, and takes
//   it down when the call returns: what the code does in between is seen by nobody.
// if (QUORATE_SITE("wal.tiny_segment")) names a place where the simulator may ask for something
//   legal but rare: a limit of one, a queue that is full, work put off to the next turn.
// if (QUORATE_PLANTED("raft.commit_old_term")) guards a bug that is wrong on purpose. The simulator
//   switches one on to show that its checkers see it. Never combine it with other conditions of
//   the product: the shipped code must read as if the line were not there.
//
// A name is "room.what", unique for its meaning. All three are the constant false (nothing) in
// whatever ships and cost nothing there; only the second compilation of the rooms (quorate_room's
// variant quorate::<room>_sim, definition QUORATE_SIMULATED) asks the oracle of its thread.
//
// Include it in .cc files only, never in a header that others include.
//
// Thread: an oracle belongs to the thread that set it.
// Source: FoundationDB's BUGGIFY.
#pragma once

#if !defined(QUORATE_SIMULATED)

#define QUORATE_SITE(name) false
#define QUORATE_PLANTED(name) false
#define QUORATE_CRASH_SITE(name) static_cast<void>(0)

#else

#include <cstddef>
#include <string_view>
#include <vector>

namespace quorate::site {

enum class Kind { kBend, kCrash, kPlanted };

struct Place {
  std::string_view name;
  Kind kind;
};

// Every place that is linked into this program, known before main; a place's id is its position.
// Two places of one name share what is decided about them, not their ids.
inline std::vector<Place>& Places() {
  static std::vector<Place> places;
  return places;
}

class Oracle {
 public:
  virtual ~Oracle() = default;
  // The place was reached. kBend and kPlanted: whether to do it.
  virtual bool Reached(std::size_t id) = 0;
};

inline thread_local Oracle* oracle = nullptr;  // none: every answer is no

template <std::size_t kSize>
struct Text {
  constexpr Text(const char (&text)[kSize]) {  // NOLINT: a literal becomes a Text
    for (std::size_t i = 0; i < kSize; ++i) bytes[i] = text[i];
  }
  char bytes[kSize] = {};
};

template <Text kName, Kind kKind>
struct Registered {
  static inline const std::size_t id = [] {
    Places().push_back({std::string_view(kName.bytes), kKind});
    return Places().size() - 1;
  }();
};

template <Text kName, Kind kKind>
bool Ask() {
  const std::size_t id = Registered<kName, kKind>::id;
  return oracle != nullptr && oracle->Reached(id);
}

}  // namespace quorate::site

#define QUORATE_SITE(name) (::quorate::site::Ask<name, ::quorate::site::Kind::kBend>())
#define QUORATE_PLANTED(name) (::quorate::site::Ask<name, ::quorate::site::Kind::kPlanted>())
#define QUORATE_CRASH_SITE(name) \
  static_cast<void>(::quorate::site::Ask<name, ::quorate::site::Kind::kCrash>())

#endif
