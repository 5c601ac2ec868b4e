// ObjectStore: the door to where backups are kept.
//
// A store holds whole objects under keys. Keys are paths of plain names
// ("prod/main/manifest.json"): no empty name, no
// "." or "..", no leading slash. An object is there with all its bytes or not at all.
//
// Implementations: S3Store and DirectoryStore. Both pass one contract suite
// (tests/ctl/objectstore). Errors: kNotFound (no such object, no such bucket), kPermissionDenied
// (credentials or rights), kResourceExhausted (the store is full), kUnavailable (not reachable,
// after retries), kInvalidArgument (a key that is none), kDataLoss (fewer bytes came than were
// announced). The text names the store's own address of the object and its own reason. Thread: one
// at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace quorate::objectstore {

struct ObjectInfo {
  std::string key;
  std::uint64_t size = 0;  // bytes

  bool operator==(const ObjectInfo&) const = default;
};

// Upload: one object on its way, of any length. Nothing is to be seen under its key before Finish
// returned ok.
class Upload {
 public:
  virtual ~Upload() = default;  // gives up what was sent, unless finished

  virtual Status Write(std::string_view bytes) = 0;
  // After ok nothing more may be written.
  virtual Status Finish() = 0;
};

// An Error from a sink ends the reading and is returned.
using Sink = std::function<Status(std::string_view bytes)>;

class ObjectStore {
 public:
  virtual ~ObjectStore() = default;

  // How people write this object's place: "s3://bucket/prefix/key".
  virtual std::string AddressOf(std::string_view key) const = 0;

  // Replaces what was there. For objects that fit in memory easily.
  virtual Status Put(const std::string& key, std::string_view bytes) = 0;
  virtual Result<std::unique_ptr<Upload>> BeginUpload(const std::string& key) = 0;

  // Hands out the bytes from offset on, in order, each once; a connection lost on the way is taken
  // up where it broke.
  virtual Status Read(const std::string& key, std::uint64_t offset, const Sink& sink) = 0;
  virtual Result<ObjectInfo> Head(const std::string& key) = 0;

  // Every object whose key begins with prefix, sorted bytewise.
  virtual Result<std::vector<ObjectInfo>> List(const std::string& prefix) = 0;
  // Ok when there was none.
  virtual Status Delete(const std::string& key) = 0;
};

// The whole object; kResourceExhausted when it has more than bytes_max.
Result<std::string> Get(ObjectStore& store, const std::string& key, std::uint64_t bytes_max);

// kInvalidArgument says what is wrong with it.
Status CheckKey(std::string_view key);

}  // namespace quorate::objectstore
