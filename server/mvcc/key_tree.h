// KeyTree: an ordered set of key entries: a B+tree of pointers with a piece of each key beside it.
//
// Each node knows how many first bytes all its keys share and keeps the next eight bytes of every
// key in the slot, so that a search seldom looks at a key itself although keys of one application
// all begin alike. Ascending inserts fill nodes to the end.
//
// Invariants: the separator of every child but the leftmost is the first entry of that child.
// Ownership: borrows the entries; an entry must not move or change its key while it is in the tree.
// Thread: one.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "mvcc/entry_arena.h"

namespace quorate::mvcc {

class KeyTree {
  struct Node;
  struct Leaf;
  struct Inner;

 public:
  KeyTree();
  ~KeyTree();
  KeyTree(const KeyTree&) = delete;
  KeyTree& operator=(const KeyTree&) = delete;

  // Cursor: stands on an entry while Valid(). Any change of the tree ends it.
  class Cursor {
   public:
    bool Valid() const { return leaf_ != nullptr; }
    const KeyEntry& entry() const;
    void Next();

   private:
    friend class KeyTree;
    Cursor(const Leaf* leaf, std::size_t slot);
    const Leaf* leaf_;
    std::size_t slot_;
  };

  KeyEntry* Find(std::string_view key) const;
  Cursor LowerBound(std::string_view key) const;
  // The entry of the key, or null after remembering where it belongs: Insert then adds it there.
  KeyEntry* FindForInsert(std::string_view key);
  // REQUIRES: the last call was FindForInsert(entry->key()) and returned null; entry->latest is
  // set.
  void Insert(KeyEntry* entry);
  // The entry that FindForInsert has just returned got a new latest stamp; `was_live`: before.
  void Changed(const KeyEntry& entry, bool was_live);
  // Adds an entry behind all others, for a tree that is built from sorted keys: cheaper than Insert
  // and leaves full nodes. REQUIRES: its key is greater than every other. Nothing else may be asked
  // of the tree until FinishAppends().
  void Append(KeyEntry* entry);
  void FinishAppends();
  // REQUIRES: the key is there.
  void Erase(std::string_view key);

  // How many entries of etcd's range exist at `at`, as `exists` tells. Nodes that nothing has
  // changed since `at` are counted without looking at their entries.
  struct Counted {
    std::int64_t count = 0;
    bool complete = true;
    std::string next;  // where to go on when not complete
  };
  using Exists = bool (*)(const KeyEntry& entry, Revision at);
  Counted Count(const KeyRange& range, Revision at, Exists exists, std::size_t steps_max) const;

  std::size_t size() const { return size_; }
  // Every entry, in order, for the owner to free.
  void ForEach(const std::function<void(KeyEntry&)>& visit) const;
  // CHECKs every invariant. For tests.
  void Verify() const;

 private:
  static constexpr std::size_t kSlots = 64;
  static constexpr std::size_t kDepthMax = 12;

  struct Slot {
    std::uint64_t piece;  // the eight key bytes behind the node's common ones, big-endian
    KeyEntry* entry;
  };
  struct Tail {  // the sixteen key bytes behind the piece, for inner nodes: their keys differ late
    std::uint64_t high = 0;
    std::uint64_t low = 0;
    auto operator<=>(const Tail&) const = default;
  };
  struct Step {
    Inner* inner;
    std::size_t child;
  };

  static std::uint64_t Piece(std::string_view key, std::size_t from);
  static Tail TailOf(std::string_view key, std::size_t from);
  static int CompareSlot(const Node& node, std::size_t at, std::string_view key, const Tail& tail);
  static int CompareFrom(std::string_view a, std::string_view b, std::size_t from);
  // The first slot in [first, count) whose key is >= `key`, or > `key` when `after`. Slot 0 of an
  // inner node has no key: there `first` is 1.
  static std::size_t Search(const Node& node, std::size_t first, std::string_view key, bool after);
  // Makes the node's common bytes and the piece of slot `at` right after the slot has changed.
  static void SetPieces(Node& node, std::size_t at);
  static void Refresh(Node& node, std::size_t first, std::size_t at);
  static void Recount(Node& node, std::size_t first);
  static int ComparePrefix(const Node& node, std::size_t first, std::string_view key);
  static void AddSlot(Node& node, std::size_t first, std::size_t at, KeyEntry* entry);
  static void RemoveSlot(Node& node, std::size_t at);

  Leaf* Descend(std::string_view key) const;
  Leaf* DescendWithPath(std::string_view key);
  Leaf* DescendToLast();  // with the path
  // `level` counts inner nodes above the child meant: its parent is path_[level - 1].
  void AddChild(std::size_t level, Node* left, Node* right, KeyEntry* first);
  void RemoveChild(std::size_t level);
  void ReplaceSeparator(std::size_t level, KeyEntry* first);
  static void TakeOut(Inner& inner, std::size_t child);
  static Inner* SplitInner(Inner& inner, std::size_t from, KeyEntry** first);
  void MergeIfSmall(Leaf* leaf);
  void CollapseRoot();
  static void Unlink(Leaf* leaf);
  static void Tally(Leaf& leaf);
  static void FreeNode(Node* node, std::size_t height);
  static void VerifyNode(const Node* node, std::size_t height, const KeyEntry* low,
                         const KeyEntry* high, std::size_t* count);

  Node* root_;
  std::size_t height_ = 0;  // inner levels above the leaves
  std::size_t size_ = 0;
  std::array<Step, kDepthMax> path_;  // of the last DescendWithPath, root first
  Leaf* found_leaf_ = nullptr;        // of the last FindForInsert
  Leaf* append_leaf_ = nullptr;       // where Append goes on; null: not begun
  std::size_t found_slot_ = 0;
};

}  // namespace quorate::mvcc
