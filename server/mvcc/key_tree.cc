#include "mvcc/key_tree.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"

namespace quorate::mvcc {

struct KeyTree::Node {
  static constexpr std::size_t kPrefixBytes = 48;

  std::uint32_t count = 0;
  std::uint32_t common = 0;               // all keys of the node agree in this many first bytes
  std::array<char, kPrefixBytes> prefix;  // the first of those bytes, so as not to look at a key
  Tail* tails = nullptr;                  // of the slots; null in leaves
  std::array<Slot, kSlots> slots;

  std::string_view key(std::size_t at) const { return slots[at].entry->key(); }
};

struct KeyTree::Leaf : Node {
  std::uint32_t live = 0;  // entries whose latest is not a tombstone
  Revision newest;         // no entry has changed after it
  Leaf* previous = nullptr;
  Leaf* next = nullptr;
};

struct KeyTree::Inner : Node {
  Inner() { tails = slot_tails.data(); }
  Inner(const Inner&) = delete;
  Inner& operator=(const Inner&) = delete;

  std::array<Tail, kSlots> slot_tails;
  std::array<Node*, kSlots> children;
};

KeyTree::KeyTree() : root_(new Leaf) {}

KeyTree::~KeyTree() {
  FreeNode(root_, height_);
}

void KeyTree::FreeNode(Node* node, std::size_t height) {
  if (height == 0) {
    delete static_cast<Leaf*>(node);
    return;
  }
  auto* inner = static_cast<Inner*>(node);
  for (std::size_t i = 0; i < inner->count; ++i) FreeNode(inner->children[i], height - 1);
  delete inner;
}

KeyTree::Cursor::Cursor(const Leaf* leaf, std::size_t slot) : leaf_(leaf), slot_(slot) {
  if (slot_ == leaf_->count) {
    leaf_ = leaf_->next;
    slot_ = 0;
  }
}

const KeyEntry& KeyTree::Cursor::entry() const {
  return *leaf_->slots[slot_].entry;
}

void KeyTree::Cursor::Next() {
  if (++slot_ < leaf_->count) {
    if (slot_ + 4 < leaf_->count) __builtin_prefetch(leaf_->slots[slot_ + 4].entry);
    return;
  }
  leaf_ = leaf_->next;
  slot_ = 0;
}

KeyEntry* KeyTree::Find(std::string_view key) const {
  const Leaf* leaf = Descend(key);
  const std::size_t at = Search(*leaf, 0, key, false);
  if (at == leaf->count || leaf->key(at) != key) return nullptr;
  return leaf->slots[at].entry;
}

KeyTree::Cursor KeyTree::LowerBound(std::string_view key) const {
  const Leaf* leaf = Descend(key);
  return {leaf, Search(*leaf, 0, key, false)};
}

KeyEntry* KeyTree::FindForInsert(std::string_view key) {
  found_leaf_ = DescendWithPath(key);
  found_slot_ = Search(*found_leaf_, 0, key, false);
  if (found_slot_ == found_leaf_->count || found_leaf_->key(found_slot_) != key) return nullptr;
  return found_leaf_->slots[found_slot_].entry;
}

void KeyTree::Insert(KeyEntry* entry) {
  Leaf* leaf = found_leaf_;
  std::size_t at = found_slot_;
  ++size_;
  if (leaf->count < kSlots) {
    AddSlot(*leaf, 0, at, entry);
    Changed(*entry, false);
    return;
  }
  auto* right = new Leaf;
  right->previous = leaf;
  right->next = leaf->next;
  if (right->next != nullptr) right->next->previous = right;
  leaf->next = right;
  if (at == kSlots && right->next == nullptr) {  // ascending inserts leave full leaves behind
    AddSlot(*right, 0, 0, entry);
    found_leaf_ = right;
    Changed(*entry, false);
    AddChild(height_, leaf, right, entry);
    return;
  }
  constexpr std::size_t kHalf = kSlots / 2;
  std::copy(leaf->slots.begin() + kHalf, leaf->slots.end(), right->slots.begin());
  right->count = kSlots - kHalf;
  leaf->count = kHalf;
  Recount(*right, 0);
  Recount(*leaf, 0);
  Tally(*right);
  Tally(*leaf);
  AddChild(height_, leaf, right, right->slots[0].entry);
  if (at > kHalf) {
    AddSlot(*right, 0, at - kHalf, entry);
    found_leaf_ = right;
  } else {
    AddSlot(*leaf, 0, at, entry);
  }
  Changed(*entry, false);
}

void KeyTree::Append(KeyEntry* entry) {
  if (append_leaf_ == nullptr) append_leaf_ = DescendToLast();
  Leaf* leaf = append_leaf_;
  if (leaf->count == kSlots) {
    Recount(*leaf, 0);
    DescendToLast();
    append_leaf_ = new Leaf;
    append_leaf_->previous = leaf;
    leaf->next = append_leaf_;
    AddChild(height_, leaf, append_leaf_, entry);
    leaf = append_leaf_;
  }
  leaf->slots[leaf->count++].entry = entry;
  ++size_;
  if (!entry->latest.tombstone()) ++leaf->live;
  leaf->newest = std::max(leaf->newest, entry->latest.main());
}

void KeyTree::FinishAppends() {
  if (append_leaf_ != nullptr) Recount(*append_leaf_, 0);
  append_leaf_ = nullptr;
}

void KeyTree::Changed(const KeyEntry& entry, bool was_live) {
  Leaf& leaf = *found_leaf_;
  const bool is_live = !entry.latest.tombstone();
  if (is_live && !was_live) ++leaf.live;
  if (!is_live && was_live) --leaf.live;
  leaf.newest = std::max(leaf.newest, entry.latest.main());
}

void KeyTree::Tally(Leaf& leaf) {
  leaf.live = 0;
  leaf.newest = Revision{};
  for (std::size_t i = 0; i < leaf.count; ++i) {
    const Stamp latest = leaf.slots[i].entry->latest;
    if (!latest.tombstone()) ++leaf.live;
    leaf.newest = std::max(leaf.newest, latest.main());
  }
}

KeyTree::Counted KeyTree::Count(const KeyRange& range, Revision at, Exists exists,
                                std::size_t steps_max) const {
  Counted counted;
  if (!range.unbounded && range.begin >= range.end) return counted;
  const Leaf* leaf = Descend(range.begin);
  std::size_t slot = Search(*leaf, 0, range.begin, false);
  const Leaf* last = range.unbounded ? nullptr : Descend(range.end);
  for (; leaf != nullptr; leaf = leaf->next, slot = 0) {
    const std::size_t end = leaf == last ? Search(*leaf, 0, range.end, false) : leaf->count;
    const bool whole = slot == 0 && end == leaf->count && leaf->newest <= at;
    const std::size_t steps = whole ? 1 : 1 + end - slot;
    if (steps > steps_max && counted.count > 0 && slot < end) {
      counted.complete = false;
      counted.next.assign(leaf->key(slot));
      return counted;
    }
    steps_max -= std::min(steps, steps_max);
    if (whole) {
      counted.count += leaf->live;
    } else {
      for (; slot < end; ++slot) counted.count += exists(*leaf->slots[slot].entry, at) ? 1 : 0;
    }
    if (leaf == last) break;
  }
  return counted;
}

void KeyTree::Erase(std::string_view key) {
  Leaf* leaf = DescendWithPath(key);
  const std::size_t at = Search(*leaf, 0, key, false);
  CHECK(at < leaf->count && leaf->key(at) == key);
  if (!leaf->slots[at].entry->latest.tombstone()) --leaf->live;
  RemoveSlot(*leaf, at);
  --size_;
  if (leaf->count == 0) {
    if (height_ == 0) return;
    Unlink(leaf);
    delete leaf;
    RemoveChild(height_);
    CollapseRoot();
    return;
  }
  if (at == 0) ReplaceSeparator(height_, leaf->slots[0].entry);
  MergeIfSmall(leaf);
}

std::uint64_t KeyTree::Piece(std::string_view key, std::size_t from) {
  if (from >= key.size()) return 0;
  std::uint64_t piece = 0;
  std::memcpy(&piece, key.data() + from, std::min<std::size_t>(8, key.size() - from));
  return __builtin_bswap64(piece);
}

KeyTree::Tail KeyTree::TailOf(std::string_view key, std::size_t from) {
  return {Piece(key, from), Piece(key, from + 8)};
}

// Orders a slot whose piece equals the key's against the key.
int KeyTree::CompareSlot(const Node& node, std::size_t at, std::string_view key, const Tail& tail) {
  if (node.tails != nullptr && node.tails[at] != tail) return node.tails[at] < tail ? -1 : 1;
  return CompareFrom(node.key(at), key, node.common);
}

int KeyTree::CompareFrom(std::string_view a, std::string_view b, std::size_t from) {
  return a.substr(std::min(from, a.size())).compare(b.substr(std::min(from, b.size())));
}

std::size_t KeyTree::Search(const Node& node, std::size_t first, std::string_view key, bool after) {
  if (first >= node.count) return node.count;
  const std::size_t common = node.common;
  const int prefix_order = ComparePrefix(node, first, key);
  if (prefix_order != 0) return prefix_order < 0 ? first : node.count;
  const std::uint64_t piece = Piece(key, common);
  const Tail tail = node.tails == nullptr ? Tail{} : TailOf(key, common + 8);
  std::size_t low = first;
  std::size_t high = node.count;
  while (low < high) {
    const std::size_t middle = (low + high) / 2;
    const Slot& slot = node.slots[middle];
    bool before = slot.piece < piece;
    if (slot.piece == piece) {
      const int order = CompareSlot(node, middle, key, tail);
      before = order < 0 || (order == 0 && after);
    }
    if (before) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

int KeyTree::ComparePrefix(const Node& node, std::size_t first, std::string_view key) {
  const std::size_t common = node.common;
  if (common <= Node::kPrefixBytes) {
    return key.substr(0, common).compare(std::string_view(node.prefix.data(), common));
  }
  return key.substr(0, common).compare(node.key(first).substr(0, common));
}

void KeyTree::Recount(Node& node, std::size_t first) {
  if (first >= node.count) return;
  const std::string_view low = node.key(first);
  const std::string_view high = node.key(node.count - 1);
  const std::size_t shorter = std::min(low.size(), high.size());
  std::size_t common = 0;
  while (common < shorter && low[common] == high[common]) ++common;
  node.common = static_cast<std::uint32_t>(common);
  std::memcpy(node.prefix.data(), low.data(), std::min(common, Node::kPrefixBytes));
  for (std::size_t i = first; i < node.count; ++i) SetPieces(node, i);
}

void KeyTree::SetPieces(Node& node, std::size_t at) {
  const std::string_view key = node.key(at);
  node.slots[at].piece = Piece(key, node.common);
  if (node.tails != nullptr) node.tails[at] = TailOf(key, node.common + 8);
}

void KeyTree::Refresh(Node& node, std::size_t first, std::size_t at) {
  // Keys are in order, so only the ends decide what is common.
  const bool end = at == first || at + 1 == node.count;
  const std::string_view key = node.key(at);
  const std::string_view other = node.key(at == first ? node.count - 1 : first);
  const std::size_t common = node.common;
  const bool agrees = key.size() >= common && other.size() >= common &&
                      std::memcmp(key.data(), other.data(), common) == 0;
  if (end && (!agrees || node.count <= first + 2)) {
    Recount(node, first);
    return;
  }
  SetPieces(node, at);
}

void KeyTree::AddSlot(Node& node, std::size_t first, std::size_t at, KeyEntry* entry) {
  std::copy_backward(node.slots.begin() + at, node.slots.begin() + node.count,
                     node.slots.begin() + node.count + 1);
  if (node.tails != nullptr) {
    std::copy_backward(node.tails + at, node.tails + node.count, node.tails + node.count + 1);
  }
  node.slots[at].entry = entry;
  ++node.count;
  Refresh(node, first, at);
}

void KeyTree::RemoveSlot(Node& node, std::size_t at) {
  std::copy(node.slots.begin() + at + 1, node.slots.begin() + node.count, node.slots.begin() + at);
  if (node.tails != nullptr)
    std::copy(node.tails + at + 1, node.tails + node.count, node.tails + at);
  --node.count;
}

KeyTree::Leaf* KeyTree::Descend(std::string_view key) const {
  Node* node = root_;
  for (std::size_t level = height_; level > 0; --level) {
    auto* inner = static_cast<Inner*>(node);
    node = inner->children[Search(*inner, 1, key, true) - 1];
  }
  return static_cast<Leaf*>(node);
}

KeyTree::Leaf* KeyTree::DescendWithPath(std::string_view key) {
  Node* node = root_;
  for (std::size_t level = 0; level < height_; ++level) {
    auto* inner = static_cast<Inner*>(node);
    const std::size_t child = Search(*inner, 1, key, true) - 1;
    path_[level] = {inner, child};
    node = inner->children[child];
  }
  return static_cast<Leaf*>(node);
}

KeyTree::Leaf* KeyTree::DescendToLast() {
  Node* node = root_;
  for (std::size_t level = 0; level < height_; ++level) {
    auto* inner = static_cast<Inner*>(node);
    path_[level] = {inner, inner->count - 1};
    node = inner->children[inner->count - 1];
  }
  return static_cast<Leaf*>(node);
}

void KeyTree::AddChild(std::size_t level, Node* left, Node* right, KeyEntry* first) {
  if (level == 0) {
    auto* root = new Inner;
    root->children[0] = left;
    root->children[1] = right;
    root->slots[0].entry = nullptr;
    root->count = 1;
    AddSlot(*root, 1, 1, first);
    root_ = root;
    CHECK(++height_ < kDepthMax);
    return;
  }
  Inner* inner = path_[level - 1].inner;
  std::size_t at = path_[level - 1].child + 1;
  if (inner->count == kSlots) {
    const std::size_t from = at == kSlots ? kSlots : kSlots / 2;
    KeyEntry* promoted = first;
    Inner* other = SplitInner(*inner, from, &promoted);
    if (from == kSlots) {  // the new child alone begins the new node
      other->children[0] = right;
      other->slots[0].entry = nullptr;
      other->count = 1;
      AddChild(level - 1, inner, other, promoted);
      return;
    }
    AddChild(level - 1, inner, other, promoted);
    if (at > from) {
      inner = other;
      at -= from;
    }
  }
  std::copy_backward(inner->children.begin() + at, inner->children.begin() + inner->count,
                     inner->children.begin() + inner->count + 1);
  inner->children[at] = right;
  AddSlot(*inner, 1, at, first);
}

KeyTree::Inner* KeyTree::SplitInner(Inner& inner, std::size_t from, KeyEntry** first) {
  auto* other = new Inner;
  if (from == kSlots) return other;
  *first = inner.slots[from].entry;
  std::copy(inner.slots.begin() + from, inner.slots.end(), other->slots.begin());
  std::copy(inner.children.begin() + from, inner.children.end(), other->children.begin());
  other->slots[0].entry = nullptr;
  other->count = static_cast<std::uint32_t>(kSlots - from);
  inner.count = static_cast<std::uint32_t>(from);
  Recount(*other, 1);
  Recount(inner, 1);
  return other;
}

void KeyTree::RemoveChild(std::size_t level) {
  const auto [inner, child] = path_[level - 1];
  if (inner->count == 1) {
    delete inner;
    if (level == 1) {
      root_ = new Leaf;
      height_ = 0;
      return;
    }
    RemoveChild(level - 1);
    return;
  }
  KeyEntry* next = inner->slots[1].entry;
  TakeOut(*inner, child);
  if (child == 0) ReplaceSeparator(level - 1, next);
}

void KeyTree::TakeOut(Inner& inner, std::size_t child) {
  std::copy(inner.children.begin() + child + 1, inner.children.begin() + inner.count,
            inner.children.begin() + child);
  RemoveSlot(inner, child);
  inner.slots[0].entry = nullptr;
}

void KeyTree::ReplaceSeparator(std::size_t level, KeyEntry* first) {
  for (; level > 0; --level) {
    const auto [inner, child] = path_[level - 1];
    if (child == 0) continue;
    inner->slots[child].entry = first;
    Refresh(*inner, 1, child);
    return;
  }
}

void KeyTree::MergeIfSmall(Leaf* leaf) {
  if (height_ == 0 || leaf->count >= kSlots / 4) return;
  const auto [parent, child] = path_[height_ - 1];
  if (child + 1 >= parent->count) return;
  auto* right = static_cast<Leaf*>(parent->children[child + 1]);
  if (leaf->count + right->count > kSlots * 3 / 4) return;
  std::copy(right->slots.begin(), right->slots.begin() + right->count,
            leaf->slots.begin() + leaf->count);
  leaf->count += right->count;
  leaf->live += right->live;
  leaf->newest = std::max(leaf->newest, right->newest);
  Recount(*leaf, 0);
  Unlink(right);
  delete right;
  TakeOut(*parent, child + 1);
  CollapseRoot();
}

void KeyTree::CollapseRoot() {
  while (height_ > 0 && root_->count == 1) {
    auto* inner = static_cast<Inner*>(root_);
    root_ = inner->children[0];
    --height_;
    delete inner;
  }
}

void KeyTree::Unlink(Leaf* leaf) {
  if (leaf->previous != nullptr) leaf->previous->next = leaf->next;
  if (leaf->next != nullptr) leaf->next->previous = leaf->previous;
}

void KeyTree::ForEach(const std::function<void(KeyEntry&)>& visit) const {
  const Node* node = root_;
  for (std::size_t level = height_; level > 0; --level) {
    node = static_cast<const Inner*>(node)->children[0];
  }
  for (const auto* leaf = static_cast<const Leaf*>(node); leaf != nullptr; leaf = leaf->next) {
    for (std::size_t i = 0; i < leaf->count; ++i) visit(*leaf->slots[i].entry);
  }
}

void KeyTree::Verify() const {
  std::size_t count = 0;
  VerifyNode(root_, height_, nullptr, nullptr, &count);
  CHECK(count == size_);
}

void KeyTree::VerifyNode(const Node* node, std::size_t height, const KeyEntry* low,
                         const KeyEntry* high, std::size_t* count) {
  const std::size_t first = height == 0 ? 0 : 1;
  for (std::size_t i = first; i < node->count; ++i) {
    CHECK(node->key(i).substr(0, node->common) == node->key(first).substr(0, node->common));
    CHECK(node->slots[i].piece == Piece(node->key(i), node->common));
    CHECK(node->tails == nullptr || node->tails[i] == TailOf(node->key(i), node->common + 8));
    CHECK(i == first || node->key(i - 1) < node->key(i));
    CHECK(low == nullptr || low->key() <= node->key(i));
    CHECK(high == nullptr || node->key(i) < high->key());
  }
  if (height == 0) {
    Leaf tally = *static_cast<const Leaf*>(node);
    Tally(tally);
    CHECK(tally.live == static_cast<const Leaf*>(node)->live);
    CHECK(tally.newest <= static_cast<const Leaf*>(node)->newest);
    CHECK(low == nullptr || (node->count > 0 && node->slots[0].entry == low));
    *count += node->count;
    return;
  }
  const auto* inner = static_cast<const Inner*>(node);
  CHECK(inner->count > 0);
  for (std::size_t i = 0; i < inner->count; ++i) {
    const KeyEntry* child_low = i == 0 ? low : inner->slots[i].entry;
    const KeyEntry* child_high = i + 1 < inner->count ? inner->slots[i + 1].entry : high;
    VerifyNode(inner->children[i], height - 1, child_low, child_high, count);
  }
}

}  // namespace quorate::mvcc
