// OutputQueue: bytes waiting for a socket, small pieces gathered into chunks, large ones kept as
// they came.
//
// Only net's .cc files include this.
//
// Thread: its connection's loop.
#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace quorate::net {

class OutputQueue {
 public:
  void Append(std::string_view bytes);  // copied
  void AppendOwned(std::string bytes);  // copied only when small
  void AppendShared(std::shared_ptr<const void> owner, std::string_view bytes);

  std::size_t bytes() const { return bytes_; }
  bool empty() const { return bytes_ == 0; }

  // The first pieces, at most `pieces_max`; valid until the next change.
  const std::vector<std::string_view>& Front(std::size_t pieces_max);
  void Consume(std::size_t bytes);
  void Clear();

 private:
  static constexpr std::size_t kChunkBytes = std::size_t{32} << 10;
  static constexpr std::size_t kCopyMax = 4096;  // below this a copy costs less than a piece

  struct Piece {
    std::string owned;
    std::shared_ptr<const void> owner;
    std::string_view shared;
    bool open = false;  // owned, and may grow

    std::string_view view() const { return owner == nullptr ? std::string_view(owned) : shared; }
  };

  std::deque<Piece> pieces_;
  std::size_t offset_ = 0;  // of the first piece already consumed
  std::size_t bytes_ = 0;
  std::string spare_;  // a chunk's memory, for the next one
  std::vector<std::string_view> front_;
};

}  // namespace quorate::net
