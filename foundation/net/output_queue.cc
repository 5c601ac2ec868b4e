#include "net/output_queue.h"

#include <utility>

namespace quorate::net {

void OutputQueue::Append(std::string_view bytes) {
  if (bytes.empty()) return;
  bytes_ += bytes.size();
  if (pieces_.empty() || !pieces_.back().open ||
      pieces_.back().owned.size() + bytes.size() > kChunkBytes) {
    Piece& piece = pieces_.emplace_back();
    piece.owned = std::move(spare_);
    spare_ = std::string();
    piece.owned.clear();
    piece.open = true;
  }
  pieces_.back().owned.append(bytes);
}

void OutputQueue::AppendOwned(std::string bytes) {
  if (bytes.size() <= kCopyMax) {
    Append(bytes);
    return;
  }
  bytes_ += bytes.size();
  Piece& piece = pieces_.emplace_back();
  piece.owned = std::move(bytes);
}

void OutputQueue::AppendShared(std::shared_ptr<const void> owner, std::string_view bytes) {
  if (bytes.size() <= kCopyMax) {
    Append(bytes);
    return;
  }
  bytes_ += bytes.size();
  Piece& piece = pieces_.emplace_back();
  piece.owner = std::move(owner);
  piece.shared = bytes;
}

const std::vector<std::string_view>& OutputQueue::Front(std::size_t pieces_max) {
  front_.clear();
  for (const Piece& piece : pieces_) {
    if (front_.size() == pieces_max) break;
    front_.push_back(piece.view());
  }
  if (!front_.empty()) front_.front().remove_prefix(offset_);
  return front_;
}

void OutputQueue::Consume(std::size_t bytes) {
  bytes_ -= bytes;
  while (!pieces_.empty()) {
    Piece& piece = pieces_.front();
    const std::size_t left = piece.view().size() - offset_;
    if (bytes < left) {
      offset_ += bytes;
      return;
    }
    bytes -= left;
    offset_ = 0;
    if (piece.open && piece.owned.capacity() <= 2 * kChunkBytes) spare_ = std::move(piece.owned);
    pieces_.pop_front();
  }
}

void OutputQueue::Clear() {
  pieces_.clear();
  offset_ = 0;
  bytes_ = 0;
}

}  // namespace quorate::net
