// A store over MemoryBackend with a lease book that remembers, and one line per operation.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "mvcc/store.h"
#include "proto/rpc.pb.h"
#include "storage/memory_backend.h"

namespace quorate::mvcc {

class FakeLeases final : public LeaseBook {
 public:
  bool Exists(LeaseId lease) const override { return known.contains(lease); }
  void Attach(LeaseId lease, std::string_view key) override;
  void Detach(LeaseId lease, std::string_view key) override;

  std::set<LeaseId> known;
  std::map<LeaseId, std::set<std::string>> keys;
};

class FakeListener final : public ChangeListener {
 public:
  void OnChanges(Revision revision, std::span<const Change> changes) override;

  std::vector<std::string> heard;  // "5.0 put a=1 v2 (3.0)", "6.1 delete b (2.0)"
};

class StoreTest : public testing::Test {
 protected:
  StoreTest() { Open(); }

  void Open();
  // As a crash after a flush: what was committed is there, everything in memory is new.
  void Reopen();
  void Commit();

  Revision Put(std::string_view key, std::string_view value, std::int64_t lease = 0);
  // How many were deleted.
  std::int64_t Delete(std::string_view key, std::string_view range_end = {});
  void Compact(std::int64_t revision, std::size_t rows_per_step = 2);
  std::uint32_t Hash(std::int64_t revision);
  // "a=1 b=2 count=3 more", or the error's text.
  std::string Range(const RangeQuery& query);
  std::string Range(std::string_view key, std::string_view range_end = {},
                    std::int64_t revision = 0);

  std::shared_ptr<storage::MemoryStorage> storage_ = std::make_shared<storage::MemoryStorage>();
  std::unique_ptr<storage::MemoryBackend> backend_;
  storage::Batch batch_;
  FakeLeases leases_;
  FakeListener listener_;
  std::unique_ptr<Store> store_;
  std::uint64_t index_ = 0;
};

// The whole keyspace as a range.
inline constexpr std::string_view kAll("\0", 1);

std::string Text(const etcdserverpb::RangeResponse& response);

}  // namespace quorate::mvcc
