#include "mvcc/entry_arena.h"

#include <algorithm>
#include <cstring>
#include <new>

#include "base/check.h"

namespace quorate::mvcc {
namespace {

std::size_t HistoryBytes(std::size_t capacity) {
  return sizeof(History) + capacity * sizeof(Stamp);
}

}  // namespace

EntryArena::~EntryArena() = default;

KeyEntry* EntryArena::NewEntry(std::string_view key) {
  auto* entry = new (Allocate(sizeof(KeyEntry) + key.size())) KeyEntry;
  entry->key_bytes = static_cast<std::uint32_t>(key.size());
  if (!key.empty()) std::memcpy(reinterpret_cast<char*>(entry + 1), key.data(), key.size());
  return entry;
}

void EntryArena::FreeEntry(KeyEntry* entry) {
  entry->DropHistory(*this, entry->history_count());
  Free(entry, sizeof(KeyEntry) + entry->key_bytes);
}

void* EntryArena::Allocate(std::size_t bytes) {
  const std::size_t kind = (bytes + kStep - 1) / kStep;
  memory_bytes_ += kind * kStep;
  if (kind > kClasses) return ::operator new(kind* kStep);
  if (free_[kind] != nullptr) {
    FreeBlock* block = free_[kind];
    free_[kind] = block->next;
    return block;
  }
  if (left_ < kind * kStep) {
    chunks_.push_back(std::make_unique_for_overwrite<std::byte[]>(kChunkBytes));
    at_ = chunks_.back().get();
    left_ = kChunkBytes;
  }
  std::byte* block = at_;
  at_ += kind * kStep;
  left_ -= kind * kStep;
  return block;
}

void EntryArena::Free(void* block, std::size_t bytes) {
  const std::size_t kind = (bytes + kStep - 1) / kStep;
  memory_bytes_ -= kind * kStep;
  if (kind > kClasses) {
    ::operator delete(block);
    return;
  }
  free_[kind] = new (block) FreeBlock{free_[kind]};
}

void KeyEntry::AddHistory(EntryArena& arena, Stamp stamp) {
  const std::size_t count = history_count();
  if (older == nullptr || older->count == older->capacity) {
    const std::size_t capacity = older == nullptr ? 1 : count + std::max<std::size_t>(2, count / 2);
    auto* grown = new (arena.Allocate(HistoryBytes(capacity))) History;
    grown->count = static_cast<std::uint32_t>(count);
    grown->capacity = static_cast<std::uint32_t>(capacity);
    if (older != nullptr) {
      std::copy_n(older->stamps(), count, grown->stamps());
      arena.Free(older, HistoryBytes(older->capacity));
    }
    older = grown;
  }
  older->stamps()[count] = stamp;
  ++older->count;
}

void KeyEntry::DropHistory(EntryArena& arena, std::size_t count) {
  if (count == 0) return;
  CHECK(count <= history_count());
  const std::size_t left = older->count - count;
  if (left == 0) {
    arena.Free(older, HistoryBytes(older->capacity));
    older = nullptr;
    return;
  }
  History* kept = older;
  if (left * 2 < older->capacity) {
    kept = new (arena.Allocate(HistoryBytes(left))) History;
    kept->capacity = static_cast<std::uint32_t>(left);
  }
  std::copy_n(older->stamps() + count, left, kept->stamps());
  kept->count = static_cast<std::uint32_t>(left);
  if (kept != older) {
    arena.Free(older, HistoryBytes(older->capacity));
    older = kept;
  }
}

}  // namespace quorate::mvcc
