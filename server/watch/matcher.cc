#include "watch/matcher.h"

#include <algorithm>
#include <compare>
#include <utility>

#include "base/check.h"

namespace quorate::watch {
namespace {

bool Unbounded(std::string_view range_end) {
  return range_end.size() == 1 && range_end[0] == '\0';
}

// Whether end a lies beyond end b.
bool Further(std::string_view a, std::string_view b) {
  if (Unbounded(b)) return false;
  return Unbounded(a) || a > b;
}

std::uint64_t Mix(std::uint64_t number) {  // splitmix64
  number += 0x9e3779b97f4a7c15U;
  number = (number ^ (number >> 30)) * 0xbf58476d1ce4e5b9U;
  number = (number ^ (number >> 27)) * 0x94d049bb133111ebU;
  return number ^ (number >> 31);
}

}  // namespace

// One range and everybody who watches it.
struct Matcher::Node {
  std::string begin;
  std::string end;
  std::uint64_t priority = 0;
  std::vector<Watcher*> watchers;
  NodePtr left;
  NodePtr right;
  const Node* furthest = this;  // the node of this subtree whose end is the furthest

  std::strong_ordering Order(std::string_view other_begin, std::string_view other_end) const {
    const int order = begin.compare(other_begin);
    return (order != 0 ? order : end.compare(other_end)) <=> 0;
  }
  void Update() {
    furthest = this;
    for (const Node* child : {left.get(), right.get()}) {
      if (child != nullptr && Further(child->furthest->end, furthest->end)) {
        furthest = child->furthest;
      }
    }
  }
};

Matcher::Matcher() = default;
Matcher::~Matcher() = default;

void Matcher::Add(Watcher* watcher) {
  if (watcher->range_end.empty()) {
    singles_[watcher->key].push_back(watcher);
    return;
  }
  if (Node* node = Find(root_.get(), watcher->key, watcher->range_end)) {
    node->watchers.push_back(watcher);
    return;
  }
  auto node = std::make_unique<Node>();
  node->begin = watcher->key;
  node->end = watcher->range_end;
  node->priority = Mix(++draws_);
  node->watchers.push_back(watcher);
  Insert(root_, std::move(node));
}

void Matcher::Remove(Watcher* watcher) {
  if (watcher->range_end.empty()) {
    const auto found = singles_.find(watcher->key);
    CHECK(found != singles_.end());
    std::erase(found->second, watcher);
    if (found->second.empty()) singles_.erase(found);
    return;
  }
  Node* node = Find(root_.get(), watcher->key, watcher->range_end);
  CHECK(node != nullptr);
  std::erase(node->watchers, watcher);
  if (node->watchers.empty()) CHECK(EraseNode(root_, *node));
}

void Matcher::Match(std::string_view key, std::vector<Watcher*>& out) const {
  if (!singles_.empty()) {
    const auto found = singles_.find(key);
    if (found != singles_.end()) {
      out.insert(out.end(), found->second.begin(), found->second.end());
    }
  }
  Visit(root_.get(), key, out);
}

void Matcher::Visit(const Node* node, std::string_view key, std::vector<Watcher*>& out) {
  while (node != nullptr && Further(node->furthest->end, key)) {
    Visit(node->left.get(), key, out);
    if (node->begin > key) return;
    if (Further(node->end, key)) {
      out.insert(out.end(), node->watchers.begin(), node->watchers.end());
    }
    node = node->right.get();
  }
}

Matcher::Node* Matcher::Find(Node* root, std::string_view begin, std::string_view end) {
  while (root != nullptr) {
    const auto order = root->Order(begin, end);
    if (order == 0) return root;
    root = order > 0 ? root->left.get() : root->right.get();
  }
  return nullptr;
}

void Matcher::Insert(NodePtr& at, NodePtr node) {
  if (at == nullptr) {
    at = std::move(node);
  } else if (node->priority > at->priority) {
    Split(std::move(at), *node, &node->left, &node->right);
    at = std::move(node);
  } else {
    NodePtr& side = at->Order(node->begin, node->end) > 0 ? at->left : at->right;
    Insert(side, std::move(node));
  }
  at->Update();
}

void Matcher::Split(NodePtr root, const Node& at, NodePtr* left, NodePtr* right) {
  if (root == nullptr) {
    left->reset();
    right->reset();
    return;
  }
  if (root->Order(at.begin, at.end) < 0) {
    NodePtr rest;
    Split(std::move(root->right), at, &rest, right);
    root->right = std::move(rest);
    root->Update();
    *left = std::move(root);
  } else {
    NodePtr rest;
    Split(std::move(root->left), at, left, &rest);
    root->left = std::move(rest);
    root->Update();
    *right = std::move(root);
  }
}

Matcher::NodePtr Matcher::Merge(NodePtr left, NodePtr right) {
  if (left == nullptr) return right;
  if (right == nullptr) return left;
  if (left->priority > right->priority) {
    left->right = Merge(std::move(left->right), std::move(right));
    left->Update();
    return left;
  }
  right->left = Merge(std::move(left), std::move(right->left));
  right->Update();
  return right;
}

bool Matcher::EraseNode(NodePtr& at, const Node& target) {
  if (at == nullptr) return false;
  bool erased = true;
  if (at.get() == &target) {
    at = Merge(std::move(at->left), std::move(at->right));
  } else {
    erased = EraseNode(at->Order(target.begin, target.end) > 0 ? at->left : at->right, target);
  }
  if (at != nullptr) at->Update();
  return erased;
}

}  // namespace quorate::watch
