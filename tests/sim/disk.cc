#include "sim/disk.h"

#include <algorithm>
#include <cstring>
#include <set>

#include "base/check.h"

namespace quorate::sim {
namespace {

constexpr std::uint64_t kSectorBytes = 512;

// One unsynced change of a file's content.
struct Write {
  std::uint64_t offset;  // Truncate: the new size
  std::string bytes;
  bool truncate = false;
};

// The part of `write` within [begin, end), applied to image, which is large enough.
void Apply(const Write& write, std::uint64_t begin, std::uint64_t end, std::string& image) {
  if (write.truncate) {
    const std::uint64_t from = std::max(begin, write.offset);
    if (from < end) std::memset(image.data() + from, 0, end - from);
    return;
  }
  const std::uint64_t from = std::max(begin, write.offset);
  const std::uint64_t to = std::min(end, write.offset + write.bytes.size());
  if (from < to)
    std::memcpy(image.data() + from, write.bytes.data() + (from - write.offset), to - from);
}

std::uint64_t SizeAfter(const Write& write, std::uint64_t size) {
  return write.truncate ? write.offset : std::max(size, write.offset + write.bytes.size());
}

void ApplyWhole(const Write& write, std::string& image) {
  image.resize(SizeAfter(write, image.size()));
  Apply(write, 0, image.size(), image);
}

std::vector<std::string_view> Parts(std::string_view path) {
  std::vector<std::string_view> parts;
  while (!path.empty()) {
    const std::size_t slash = std::min(path.find('/'), path.size());
    const std::string_view part = path.substr(0, slash);
    if (!part.empty() && part != ".") parts.push_back(part);
    path.remove_prefix(std::min(slash + 1, path.size()));
  }
  return parts;
}

std::string_view BaseName(std::string_view path) {
  const auto parts = Parts(path);
  return parts.empty() ? std::string_view() : parts.back();
}

Error Fail(std::string_view call, std::string_view path, Code code) {
  std::string_view text = "injected fault";
  if (code == Code::kNotFound) text = "no such file or directory";
  if (code == Code::kAlreadyExists) text = "file exists";
  if (code == Code::kResourceExhausted) text = "no space left on device";
  if (code == Code::kFailedPrecondition) text = "wrong kind of file or directory not empty";
  if (code == Code::kDataLoss) text = "input/output error";
  if (code == Code::kUnavailable) text = "the machine has stopped";
  if (code == Code::kPermissionDenied) text = "bad file descriptor";
  return Error{code, std::string(call) + " " + std::string(path) + ": " + std::string(text)};
}

std::string_view CallOf(Operation operation) {
  constexpr std::string_view kCalls[] = {"open",     "read",   "write",  "fdatasync",
                                         "truncate", "rename", "remove", "fsync"};
  return kCalls[static_cast<std::size_t>(operation)];
}

}  // namespace

struct Disk::Node {
  bool directory = false;
  std::size_t number = 0;  // order of creation

  // A file: what is read, what a crash leaves at least, and the steps from the second to the first.
  std::string content;
  std::string durable;
  std::vector<Write> unsynced;
  const void* locked_by = nullptr;

  // A directory: the same for names.
  std::map<std::string, Node*, std::less<>> names;
  std::map<std::string, Node*, std::less<>> durable_names;
  std::vector<std::shared_ptr<NameChange>> unsynced_names;
};

// A name made (to), removed (from) or moved (both at once).
struct Disk::NameChange {
  Node* from_directory = nullptr;
  std::string from;
  Node* to_directory = nullptr;
  std::string to;
  Node* node = nullptr;
  bool done = false;
};

class Disk::Handle final : public io::File {
 public:
  Handle(Disk& disk, Node& node, std::string path, bool writable, std::uint64_t life)
      : disk_(disk), node_(node), path_(std::move(path)), writable_(writable), life_(life) {}

  ~Handle() override {
    MutexLock lock(disk_.mutex_);
    if (life_ == disk_.life_ && node_.locked_by == this) node_.locked_by = nullptr;
  }

  Result<std::size_t> ReadAt(std::uint64_t offset, std::span<std::byte> out) override {
    MutexLock lock(disk_.mutex_);
    TRY(Live(Operation::kRead));
    TRY(disk_.Enter(Operation::kRead, path_));
    if (offset >= node_.content.size()) return std::size_t{0};
    const std::size_t size = std::min<std::size_t>(out.size(), node_.content.size() - offset);
    std::memcpy(out.data(), node_.content.data() + offset, size);
    return size;
  }

  Status WriteAt(std::uint64_t offset, Bytes bytes) override {
    MutexLock lock(disk_.mutex_);
    return Put(Operation::kWrite, Write{offset, std::string(AsText(bytes))});
  }

  Status Append(Bytes bytes) override {
    MutexLock lock(disk_.mutex_);
    return Put(Operation::kWrite, Write{node_.content.size(), std::string(AsText(bytes))});
  }

  Status ZeroFill(std::uint64_t offset, std::uint64_t length) override {
    MutexLock lock(disk_.mutex_);
    return Put(Operation::kWrite, Write{offset, std::string(length, '\0')});
  }

  Status Truncate(std::uint64_t size) override {
    MutexLock lock(disk_.mutex_);
    return Put(Operation::kTruncate, Write{size, {}, true});
  }

  Status Sync() override {
    MutexLock lock(disk_.mutex_);
    TRY(Live(Operation::kSync));
    if (Status status = disk_.Change(Operation::kSync, path_); !status.ok()) {
      if (status.error().code != Code::kUnavailable) {
        // Some of it may have reached the disk; the rest is forgotten, yet stays readable.
        std::string readable = node_.content;
        disk_.CrashContent(node_);
        node_.content = std::move(readable);
      }
      return status;
    }
    for (const Write& write : node_.unsynced) ApplyWhole(write, node_.durable);
    node_.unsynced.clear();
    return {};
  }

  Result<std::uint64_t> Size() override {
    MutexLock lock(disk_.mutex_);
    TRY(Live(Operation::kRead));
    return std::uint64_t{node_.content.size()};
  }

  Result<bool> TryLock() override {
    MutexLock lock(disk_.mutex_);
    TRY(Live(Operation::kRead));
    if (node_.locked_by != nullptr) return node_.locked_by == this;
    node_.locked_by = this;
    return true;
  }

 private:
  Status Live(Operation operation) QUORATE_REQUIRES(disk_.mutex_) {
    if (life_ == disk_.life_) return {};
    return Fail(CallOf(operation), path_, Code::kUnavailable);
  }

  Status Put(Operation operation, Write write) QUORATE_REQUIRES(disk_.mutex_) {
    TRY(Live(operation));
    if (!writable_) return Fail(CallOf(operation), path_, Code::kPermissionDenied);
    Status status = disk_.Change(operation, path_);
    const std::uint64_t size = SizeAfter(write, node_.content.size());
    if (status.ok() && disk_.capacity_ && size > node_.content.size() &&
        disk_.Used() + (size - node_.content.size()) > *disk_.capacity_) {
      status = Fail(CallOf(operation), path_, Code::kResourceExhausted);
    }
    if (!status.ok()) {
      if (write.truncate || status.error().code == Code::kResourceExhausted) return status;
      // A part of it was done, up to a sector's edge: the kernel copies page by page.
      const std::uint64_t end = write.offset + disk_.prng_.Below(write.bytes.size() + 1);
      const std::uint64_t edge = end / kSectorBytes * kSectorBytes;
      write.bytes.resize(edge > write.offset ? edge - write.offset : 0);
    }
    ApplyWhole(write, node_.content);
    node_.unsynced.push_back(std::move(write));
    return status;
  }

  Disk& disk_;
  Node& node_;
  std::string path_;
  bool writable_;
  std::uint64_t life_;
};

Disk::Disk(std::uint64_t seed) : prng_(seed), root_(nullptr) {
  MutexLock lock(mutex_);
  root_ = NewNode(true);
}

Disk::~Disk() = default;

Disk::Node* Disk::NewNode(bool directory) {
  nodes_.push_back(std::make_unique<Node>());
  nodes_.back()->directory = directory;
  nodes_.back()->number = nodes_.size();
  return nodes_.back().get();
}

Disk::Node* Disk::Find(std::string_view path) {
  Node* node = root_;
  for (const std::string_view part : Parts(path)) {
    if (!node->directory) return nullptr;
    const auto found = node->names.find(part);
    if (found == node->names.end()) return nullptr;
    node = found->second;
  }
  return node;
}

// Faults and the stopped machine; then the call may go on.
Status Disk::Enter(Operation operation, std::string_view path) {
  if (stop_at_ != 0 && changes_ >= stop_at_)
    return Fail(CallOf(operation), path, Code::kUnavailable);
  for (auto fault = faults_.begin(); fault != faults_.end(); ++fault) {
    if (fault->operation != operation) continue;
    if (path.find(fault->path_part) == std::string_view::npos) continue;
    if (fault->skip > 0) {
      --fault->skip;
      continue;
    }
    const Code code = fault->code;
    if (!fault->forever) faults_.erase(fault);
    return Fail(CallOf(operation), path, code);
  }
  return {};
}

Status Disk::Change(Operation operation, std::string_view path) {
  if (stop_at_ != 0 && changes_ >= stop_at_)
    return Fail(CallOf(operation), path, Code::kUnavailable);
  ++changes_;
  return Enter(operation, path);
}

Result<std::unique_ptr<io::File>> Disk::Open(std::string_view path, io::OpenMode mode) {
  MutexLock lock(mutex_);
  TRY(Enter(Operation::kOpen, path));
  Node* const directory = Find(io::ParentOf(path));
  if (directory == nullptr) return Fail("open", path, Code::kNotFound);
  if (!directory->directory) return Fail("open", path, Code::kFailedPrecondition);
  Node* node = Find(path);
  if (node != nullptr && node->directory) return Fail("open", path, Code::kFailedPrecondition);
  if (node != nullptr && mode == io::OpenMode::kCreateNew) {
    return Fail("open", path, Code::kAlreadyExists);
  }
  if (node == nullptr) {
    if (mode == io::OpenMode::kRead || mode == io::OpenMode::kReadWrite) {
      return Fail("open", path, Code::kNotFound);
    }
    TRY(Change(Operation::kOpen, path));
    node = NewNode(false);
    Name({nullptr, {}, directory, std::string(BaseName(path)), node});
  } else if (mode == io::OpenMode::kTruncate && !node->content.empty()) {
    TRY(Change(Operation::kTruncate, path));
    node->content.clear();
    node->unsynced.push_back(Write{0, {}, true});
  }
  return std::unique_ptr<io::File>(std::make_unique<Handle>(*this, *node, std::string(path),
                                                            mode != io::OpenMode::kRead, life_));
}

Result<io::FileInfo> Disk::Stat(std::string_view path) {
  MutexLock lock(mutex_);
  TRY(Enter(Operation::kRead, path));
  const Node* const node = Find(path);
  if (node == nullptr) return Fail("stat", path, Code::kNotFound);
  return io::FileInfo{node->content.size(), node->directory};
}

Result<std::vector<std::string>> Disk::List(std::string_view directory) {
  MutexLock lock(mutex_);
  TRY(Enter(Operation::kRead, directory));
  const Node* const node = Find(directory);
  if (node == nullptr) return Fail("list", directory, Code::kNotFound);
  if (!node->directory) return Fail("list", directory, Code::kFailedPrecondition);
  std::vector<std::string> names;
  for (const auto& [name, child] : node->names) names.push_back(name);
  return names;
}

Status Disk::Rename(std::string_view from, std::string_view to) {
  MutexLock lock(mutex_);
  Node* const node = Find(from);
  Node* const source = Find(io::ParentOf(from));
  Node* const target = Find(io::ParentOf(to));
  if (node == nullptr || target == nullptr) return Fail("rename", from, Code::kNotFound);
  if (const Node* const old = Find(to); old != nullptr) {
    if (old->directory != node->directory || !old->names.empty()) {
      return Fail("rename", from, Code::kFailedPrecondition);
    }
  }
  TRY(Change(Operation::kRename, from));
  Name({source, std::string(BaseName(from)), target, std::string(BaseName(to)), node});
  return {};
}

Status Disk::Remove(std::string_view path) {
  MutexLock lock(mutex_);
  const Node* const node = Find(path);
  if (node == nullptr) return Fail("remove", path, Code::kNotFound);
  if (!node->names.empty() || node == root_) {
    return Fail("remove", path, Code::kFailedPrecondition);
  }
  TRY(Change(Operation::kRemove, path));
  Name({Find(io::ParentOf(path)), std::string(BaseName(path)), nullptr, {}, nullptr});
  return {};
}

Status Disk::MakeDirectories(std::string_view path) {
  MutexLock lock(mutex_);
  Node* node = root_;
  for (const std::string_view part : Parts(path)) {
    const auto found = node->names.find(part);
    if (found != node->names.end()) {
      node = found->second;
      if (!node->directory) return Fail("mkdir", path, Code::kFailedPrecondition);
      continue;
    }
    TRY(Change(Operation::kOpen, path));
    Node* const child = NewNode(true);
    Name({nullptr, {}, node, std::string(part), child});
    Harden(*node, node->unsynced_names.size());
    node = child;
  }
  return {};
}

Status Disk::SyncDirectory(std::string_view path) {
  MutexLock lock(mutex_);
  Node* const node = Find(path);
  if (node == nullptr) return Fail("open", path, Code::kNotFound);
  if (!node->directory) return Fail("open", path, Code::kFailedPrecondition);
  TRY(Change(Operation::kSyncDirectory, path));
  Harden(*node, node->unsynced_names.size());
  return {};
}

Result<io::Space> Disk::FreeSpace(std::string_view path) {
  MutexLock lock(mutex_);
  if (Find(path) == nullptr) return Fail("statvfs", path, Code::kNotFound);
  const std::uint64_t total = capacity_.value_or(1ULL << 40U);
  const std::uint64_t used = Used();
  return io::Space{total, total > used ? total - used : 0};
}

void Disk::Name(NameChange change) {
  const auto shared = std::make_shared<NameChange>(std::move(change));
  if (shared->from_directory != nullptr) {
    shared->from_directory->names.erase(shared->from);
    shared->from_directory->unsynced_names.push_back(shared);
  }
  if (shared->to_directory != nullptr) {
    shared->to_directory->names[shared->to] = shared->node;
    if (shared->to_directory != shared->from_directory) {
      shared->to_directory->unsynced_names.push_back(shared);
    }
  }
}

// The first `count` name changes of a directory become durable. A move between two directories
// takes the older changes of the other one with it, as a journal would.
void Disk::Harden(Node& directory, std::size_t count) {
  for (std::size_t i = 0; i < count && !directory.unsynced_names.empty(); ++i) {
    const std::shared_ptr<NameChange> change = directory.unsynced_names.front();
    directory.unsynced_names.erase(directory.unsynced_names.begin());
    if (change->done) continue;
    change->done = true;
    for (Node* const other : {change->from_directory, change->to_directory}) {
      if (other == nullptr || other == &directory) continue;
      const auto& queue = other->unsynced_names;
      const auto at = std::find(queue.begin(), queue.end(), change);
      Harden(*other, static_cast<std::size_t>(at - queue.begin()));
    }
    if (change->from_directory != nullptr)
      change->from_directory->durable_names.erase(change->from);
    if (change->to_directory != nullptr) {
      change->to_directory->durable_names[change->to] = change->node;
    }
  }
}

void Disk::Crash() {
  MutexLock lock(mutex_);
  for (const auto& node : nodes_) {
    if (!node->directory) {
      CrashContent(*node);
    } else if (!node->unsynced_names.empty()) {
      Harden(*node, prng_.Below(node->unsynced_names.size() + 1));
    }
  }
  for (const auto& node : nodes_) {
    node->names = node->durable_names;
    node->unsynced_names.clear();
    node->locked_by = nullptr;
  }
  ++life_;
  stop_at_ = 0;
  Sweep();
}

// Chooses, for each sector, after how many of the unsynced writes it was last written back.
void Disk::CrashContent(Node& file) {
  const std::size_t count = file.unsynced.size();
  if (count > 0) {
    std::uint64_t size = file.durable.size();
    std::vector<std::uint64_t> sizes{size};
    std::uint64_t extent = size;
    for (const Write& write : file.unsynced) {
      size = SizeAfter(write, size);
      extent = std::max(extent, size);
      sizes.push_back(size);
    }
    enum : std::uint8_t { kNone, kAll, kPrefix, kAny };
    const std::uint64_t way = prng_.Below(4);
    std::size_t kept = way == kNone ? 0 : way == kAll ? count : prng_.Below(count + 1);
    file.durable.resize(extent);
    for (std::uint64_t begin = 0; begin < extent; begin += kSectorBytes) {
      const std::uint64_t end = std::min(begin + kSectorBytes, extent);
      std::size_t cut = kept;
      if (way == kAny) cut = prng_.Below(count + 1);
      if (way == kPrefix && kept < count) cut += prng_.Below(2);  // the next write is torn
      for (std::size_t i = 0; i < cut; ++i) Apply(file.unsynced[i], begin, end, file.durable);
    }
    if (way == kPrefix && kept < count) kept += prng_.Below(2);
    file.durable.resize(sizes[kept]);
    file.unsynced.clear();
  }
  file.content = file.durable;
}

void Disk::Kill() {
  MutexLock lock(mutex_);
  for (const auto& node : nodes_) node->locked_by = nullptr;
  ++life_;
  stop_at_ = 0;
}

// Forgets what no name leads to any more.
void Disk::Sweep() {
  std::set<const Node*> reached{root_};
  std::vector<Node*> open{root_};
  while (!open.empty()) {
    const Node* const node = open.back();
    open.pop_back();
    for (const auto& [name, child] : node->names) {
      if (reached.insert(child).second) open.push_back(child);
    }
  }
  // Dead handles hold references into nodes, so contents go and the shells stay.
  for (const auto& node : nodes_) {
    if (reached.contains(node.get())) continue;
    std::string().swap(node->content);
    std::string().swap(node->durable);
    node->names.clear();
    node->durable_names.clear();
  }
}

std::uint64_t Disk::Used() const {
  std::uint64_t used = 0;
  std::vector<const Node*> open{root_};
  while (!open.empty()) {
    const Node* const node = open.back();
    open.pop_back();
    used += node->content.size();
    for (const auto& [name, child] : node->names) open.push_back(child);
  }
  return used;
}

void Disk::Inject(Fault fault) {
  MutexLock lock(mutex_);
  faults_.push_back(std::move(fault));
}

void Disk::ClearFaults() {
  MutexLock lock(mutex_);
  faults_.clear();
}

void Disk::SetCapacity(std::uint64_t bytes) {
  MutexLock lock(mutex_);
  capacity_ = bytes;
}

void Disk::StopAfter(std::uint64_t changes) {
  MutexLock lock(mutex_);
  stop_at_ = changes_ + changes;
}

void Disk::NeverStop() {
  MutexLock lock(mutex_);
  if (changes_ < stop_at_) stop_at_ = 0;
}

std::uint64_t Disk::changes() const {
  MutexLock lock(mutex_);
  return changes_;
}

Disk::Image Disk::TakeImage() const {
  MutexLock lock(mutex_);
  Image image;
  AddToImage(*root_, "", image);
  return image;
}

void Disk::AddToImage(const Node& directory, const std::string& path, Image& image) const {
  for (const auto& [name, node] : directory.durable_names) {
    const std::string inner = path + "/" + name;
    image[inner] = node->directory ? std::nullopt : std::optional(node->durable);
    if (node->directory) AddToImage(*node, inner, image);
  }
}

void Disk::PutBack(const Image& image) {
  MutexLock lock(mutex_);
  ++life_;
  stop_at_ = 0;
  root_->names.clear();
  root_->durable_names.clear();
  root_->unsynced_names.clear();
  Sweep();
  for (const auto& [path, bytes] : image) {  // a directory comes before what is in it
    Node* const node = NewNode(!bytes);
    if (bytes) node->content = node->durable = *bytes;
    Node* const parent = Find(io::ParentOf(path));
    parent->names[std::string(BaseName(path))] = node;
    parent->durable_names[std::string(BaseName(path))] = node;
  }
}

void Disk::Damage(std::string_view path, std::uint64_t offset, std::uint8_t mask) {
  MutexLock lock(mutex_);
  Node* const node = Find(path);
  CHECK(node != nullptr && !node->directory && offset < node->content.size());
  for (std::string* bytes : {&node->content, &node->durable}) {
    if (offset < bytes->size()) (*bytes)[offset] = static_cast<char>((*bytes)[offset] ^ mask);
  }
}

}  // namespace quorate::sim
