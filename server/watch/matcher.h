// Matcher: which watchers want a key. PURE.
//
// Watchers of single keys are found by hash. Watchers of ranges are found in a treap ordered by
// their beginnings in which each node knows the furthest end below it, so that only ranges that
// hold the key are visited.
//
// Ownership: borrows the watchers.
// Thread: one.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/ids.h"
#include "watch/event.h"

namespace quorate::watch {

// Watcher: one watch of one stream.
struct Watcher {
  std::uint64_t stream = 0;
  std::int64_t id = 0;
  std::string key;
  std::string range_end;  // empty: key alone; "\0": from key on
  Revision start;         // as requested; 0: from now
  Revision next;          // the first revision it has not heard yet
  bool no_put = false;
  bool no_delete = false;
  bool prev_kv = false;
  bool fragment = false;
  bool progress_notify = false;
  bool heard = false;               // an event since the last progress notice
  bool lagging = false;             // catches up; not in the matcher of synced watchers
  bool held = false;                // it catches up, but its stream is full
  std::uint64_t lagging_since = 0;  // since it catches up: smaller than of those who came later
  std::vector<EventBytes> events;   // in hand, while a revision or a step is matched

  bool Wants(bool deleted) const { return deleted ? !no_delete : !no_put; }
};

class Matcher {
 public:
  Matcher();
  ~Matcher();
  Matcher(const Matcher&) = delete;
  Matcher& operator=(const Matcher&) = delete;

  void Add(Watcher* watcher);
  // REQUIRES: it was added and its key and range_end are unchanged.
  void Remove(Watcher* watcher);
  // Appends every watcher whose range holds the key.
  void Match(std::string_view key, std::vector<Watcher*>& out) const;
  bool empty() const { return singles_.empty() && root_ == nullptr; }

 private:
  struct Node;
  using NodePtr = std::unique_ptr<Node>;
  struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept {
      return std::hash<std::string_view>{}(text);
    }
  };

  static void Insert(NodePtr& at, NodePtr node);
  static void Split(NodePtr root, const Node& at, NodePtr* left, NodePtr* right);
  static NodePtr Merge(NodePtr left, NodePtr right);
  static Node* Find(Node* root, std::string_view begin, std::string_view end);
  static bool EraseNode(NodePtr& at, const Node& target);
  static void Visit(const Node* node, std::string_view key, std::vector<Watcher*>& out);

  std::unordered_map<std::string, std::vector<Watcher*>, TextHash, std::equal_to<>> singles_;
  NodePtr root_;
  std::uint64_t draws_ = 0;  // treap priorities: a fixed sequence, no randomness needed
};

}  // namespace quorate::watch
