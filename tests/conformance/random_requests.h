// RandomRequests: requests over a few keys, so that they collide; the same seed, the same requests.
#pragma once

#include <random>
#include <string>

#include "proto/rpc.pb.h"

namespace quorate::test {

class RandomRequests {
 public:
  explicit RandomRequests(unsigned seed) : random_(seed) {}

  std::int64_t Draw(std::int64_t below) { return static_cast<std::int64_t>(random_()) % below; }

  // `current`: the store's revision, so that revisions around it are asked for.
  etcdserverpb::RangeRequest Range(std::int64_t current);
  etcdserverpb::PutRequest Put();
  etcdserverpb::DeleteRangeRequest Delete();
  etcdserverpb::TxnRequest Txn(std::int64_t current, int depth = 0);
  std::int64_t Lease() { return Draw(4) + 100; }

 private:
  std::string Key();
  std::string End(const std::string& key);
  etcdserverpb::Compare Compare(std::int64_t current);
  void Operation(std::int64_t current, int depth, etcdserverpb::RequestOp* operation);

  std::mt19937 random_;
};

}  // namespace quorate::test
