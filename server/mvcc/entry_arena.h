// EntryArena: memory for key entries and their histories, in size classes with free lists.
//
// Entries are small, many and long-lived: cutting them from large chunks costs no header each and
// does not fragment. Sizes are rounded up to 16 bytes; large blocks come from the heap.
//
// Thread: one.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "mvcc/revision_id.h"

namespace quorate::mvcc {

// Stamp: a revision with its tombstone mark in 16 bytes.
class Stamp {
 public:
  Stamp() = default;
  Stamp(RevisionId id, bool tombstone)
      : main_(id.main.value), sub_((id.sub << 1) | (tombstone ? 1 : 0)) {}
  Revision main() const { return Revision{main_}; }
  RevisionId id() const { return {Revision{main_}, sub_ >> 1}; }
  bool tombstone() const { return (sub_ & 1) != 0; }

 private:
  std::int64_t main_ = 0;
  std::int64_t sub_ = 0;  // sub * 2 + tombstone
};

class EntryArena;

// History: the revisions of a key before its latest, oldest first.
struct History {
  std::uint32_t count;
  std::uint32_t capacity;
  Stamp* stamps() { return reinterpret_cast<Stamp*>(this + 1); }
};

// KeyEntry: one key of the index; its bytes follow the struct.
struct KeyEntry {
  Stamp latest;
  Revision create_revision;  // of the latest life
  std::int64_t version = 0;  // of the latest record; 0 when it is a tombstone
  History* older = nullptr;  // null: the latest is the only revision
  std::uint32_t key_bytes = 0;
  bool leased = false;  // KeyIndex knows by which

  std::string_view key() const { return {reinterpret_cast<const char*>(this + 1), key_bytes}; }
  std::size_t history_count() const { return older == nullptr ? 0 : older->count; }
  Stamp history(std::size_t i) const { return older->stamps()[i]; }
  void AddHistory(EntryArena& arena, Stamp stamp);
  void DropHistory(EntryArena& arena, std::size_t count);  // the oldest `count`
};

class EntryArena {
 public:
  EntryArena() = default;
  ~EntryArena();
  EntryArena(const EntryArena&) = delete;
  EntryArena& operator=(const EntryArena&) = delete;

  KeyEntry* NewEntry(std::string_view key);
  void FreeEntry(KeyEntry* entry);  // with its history

  void* Allocate(std::size_t bytes);
  void Free(void* block, std::size_t bytes);
  std::size_t memory_bytes() const { return memory_bytes_; }

 private:
  static constexpr std::size_t kStep = 16;
  static constexpr std::size_t kClasses = 64;  // up to 1024 bytes
  static constexpr std::size_t kChunkBytes = std::size_t{64} << 10;
  struct FreeBlock {
    FreeBlock* next;
  };

  std::array<FreeBlock*, kClasses + 1> free_{};
  std::vector<std::unique_ptr<std::byte[]>> chunks_;
  std::byte* at_ = nullptr;
  std::size_t left_ = 0;
  std::size_t memory_bytes_ = 0;
};

}  // namespace quorate::mvcc
