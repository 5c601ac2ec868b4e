// A store whose rows say anything, as a damaged or a foreign one may: opening refuses it or makes
// something of it that can be read, hashed and compacted.
#include "apply/alarms.h"
#include "base/bytes.h"
#include "base/check.h"
#include "base/crc32c.h"
#include "fuzz/feed.h"
#include "fuzz/target.h"
#include "lease/lessor.h"
#include "membership/cluster.h"
#include "mvcc/record.h"
#include "mvcc/revision_id.h"
#include "mvcc/store.h"
#include "sim/clock.h"
#include "storage/memory_backend.h"

namespace quorate::mvcc {
namespace {

void RoundTrip(std::string_view bytes) {
  Record record;
  if (!Decode(bytes, &record)) return;
  const std::string encoded = Encode(record);
  CHECK(encoded.size() == EncodedSize(record));
  Record again;
  CHECK(Decode(encoded, &again));
  CHECK(again.key == record.key && again.value == record.value && again.lease == record.lease);
  CHECK(again.mod_revision == record.mod_revision && again.version == record.version);
  CHECK(again.create_revision == record.create_revision);
}

// A row of history whose name is one and whose value is a record, however senseless.
void PutRecord(fuzz::Feed& feed, storage::Batch& batch) {
  const RevisionId id{Revision{static_cast<std::int64_t>(feed.Number())},
                      static_cast<std::int64_t>(feed.Below(4))};
  Record record;
  record.key = feed.Text();
  record.create_revision = Revision{static_cast<std::int64_t>(feed.Number())};
  record.mod_revision = feed.Flag() ? id.main : Revision{static_cast<std::int64_t>(feed.Number())};
  record.version = static_cast<std::int64_t>(feed.Number());
  record.value = feed.Text();
  record.lease = LeaseId{static_cast<std::int64_t>(feed.Below(4))};
  batch.Put(storage::Family::kRev, RowName(id, feed.Flag()).text(), Encode(record));
}

// A row of the index checkpoint, sealed as one: 4 bytes of CRC-32C over name and content.
void PutIndexRow(fuzz::Feed& feed, storage::Batch& batch) {
  std::string name("head");
  if (feed.Flag()) {
    name = "c";
    AppendBigEndian64(name, feed.Below(3));
    AppendBigEndian64(name, feed.Below(3));
  } else if (feed.Flag()) {
    name = "d" + std::string(feed.Text());
  }
  const std::string_view content = feed.Text();
  const std::uint32_t crc = Crc32c(Crc32c(0, AsBytes(name)), AsBytes(content));
  std::string sealed;
  for (unsigned shift = 0; shift < 32; shift += 8) sealed += static_cast<char>(crc >> shift);
  batch.Put(storage::Family::kIndex, name, sealed.append(content));
}

void Fill(fuzz::Feed& feed, storage::Batch& batch) {
  for (int row = 0; row < 64 && !feed.empty(); ++row) {
    const std::uint64_t choice = feed.Below(10);
    if (choice == storage::Slot(storage::Family::kIndex)) {
      PutIndexRow(feed, batch);
      continue;
    }
    if (choice >= storage::kFamilyCount) {
      PutRecord(feed, batch);
      continue;
    }
    static constexpr std::string_view kNames[] = {
        storage::kScheduledCompact, storage::kFinishedCompact, storage::kClusterVersion,
        storage::kDowngrade,        storage::kAuthEnabled,     storage::kStorageVersion};
    const std::uint64_t name = feed.Below(12);
    const std::string_view key = name < std::size(kNames) ? kNames[name] : feed.Text();
    const std::string_view value = feed.Text();
    RoundTrip(value);
    (void)DecodeRowName(key);
    batch.Put(storage::kFamilies[choice], key, value);
  }
}

void Use(Store& store, storage::Backend& backend, storage::Batch& batch) {
  RangeQuery query;
  query.key = std::string_view("\0", 1);
  query.range_end = query.key;
  (void)store.Range(query);
  query.revision = Revision{2};
  query.order = RangeQuery::Order::kDescend;
  query.target = RangeQuery::Target::kVersion;
  (void)store.Range(query);
  for (int i = 0; store.compaction_due() && i < 100; ++i) {
    if (!store.CompactStep(8).ok()) return;
    CHECK(backend.Commit(batch, backend.position()).ok());
    batch.Clear();
    store.Committed();
  }
}

FUZZ_TARGET(store_rows) {
  fuzz::Feed feed(input);
  storage::MemoryBackend backend(std::make_shared<storage::MemoryStorage>());
  storage::Batch batch;
  Fill(feed, batch);
  CHECK(backend.Commit(batch, {LogIndex{1}, Term{1}}).ok());
  batch.Clear();
  const sim::Clock clock;
  lease::Lessor lessor(lease::Options{}, clock);
  membership::Cluster cluster(ClusterId{1}, 1);
  apply::Alarms alarms;
  (void)cluster.Load(backend);
  (void)alarms.Load(backend);
  if (!lessor.Load(backend).ok()) return;
  auto store = Store::Open({.backend = &backend, .batch = &batch, .leases = &lessor});
  if (store.ok()) Use(**store, backend, batch);
}

}  // namespace
}  // namespace quorate::mvcc
