#include "fixture.h"

#include "base/check.h"

namespace quorate::mvcc {

void FakeLeases::Attach(LeaseId lease, std::string_view key) {
  CHECK(known.contains(lease));
  keys[lease].emplace(key);
}

void FakeLeases::Detach(LeaseId lease, std::string_view key) {
  keys[lease].erase(std::string(key));
  if (keys[lease].empty()) keys.erase(lease);
}

void FakeListener::OnChanges(Revision revision, std::span<const Change> changes) {
  for (const Change& change : changes) {
    EXPECT_EQ(change.id.main, revision);
    mvccpb::KeyValue kv;
    EXPECT_TRUE(kv.ParseFromArray(change.record.data(), static_cast<int>(change.record.size())));
    EXPECT_EQ(kv.key(), change.key);
    EXPECT_EQ(kv.mod_revision(), revision.value);
    std::string text = std::to_string(change.id.main.value) + "." + std::to_string(change.id.sub);
    text += (change.deleted ? " delete " : " put ") + kv.key();
    if (!change.deleted) text += "=" + kv.value() + " v" + std::to_string(kv.version());
    if (change.previous.main != Revision{}) {
      text += " (" + std::to_string(change.previous.main.value) + "." +
              std::to_string(change.previous.sub) + ")";
    }
    heard.push_back(text);
  }
}

void StoreTest::Open() {
  backend_ = std::make_unique<storage::MemoryBackend>(storage_);
  auto opened = Store::Open({backend_.get(), &batch_, &leases_});
  ASSERT_TRUE(opened.ok()) << opened.error().message;
  store_ = std::move(opened).value();
  store_->SetListener(&listener_);
}

void StoreTest::Reopen() {
  ASSERT_TRUE(backend_->Flush(storage::Backend::Wait::kYes).ok());
  store_.reset();
  leases_.keys.clear();
  Open();
}

void StoreTest::Commit() {
  ASSERT_TRUE(backend_->Commit(batch_, {LogIndex{++index_}, Term{1}}).ok());
  batch_.Clear();
  store_->Committed();
}

Revision StoreTest::Put(std::string_view key, std::string_view value, std::int64_t lease) {
  WriteTxn txn(*store_);
  txn.Put(key, value, LeaseId{lease});
  const Revision revision = txn.End();
  Commit();
  return revision;
}

std::int64_t StoreTest::Delete(std::string_view key, std::string_view range_end) {
  WriteTxn txn(*store_);
  const std::int64_t deleted = txn.DeleteRange(key, range_end);
  txn.End();
  Commit();
  return deleted;
}

void StoreTest::Compact(std::int64_t revision, std::size_t rows_per_step) {
  const Status status = store_->Compact(Revision{revision});
  ASSERT_TRUE(status.ok()) << status.error().message;
  Commit();
  while (store_->compaction_due()) {
    ASSERT_TRUE(store_->CompactStep(rows_per_step).ok());
    Commit();
  }
}

std::uint32_t StoreTest::Hash(std::int64_t revision) {
  auto task = store_->StartHash(Revision{revision});
  if (!task.ok()) {
    ADD_FAILURE() << task.error().message;
    return 0;
  }
  while (!*(*task)->Step(3)) {
  }
  return (*task)->result().hash;
}

std::string Text(const etcdserverpb::RangeResponse& response) {
  std::string text;
  for (const auto& kv : response.kvs()) text += kv.key() + "=" + kv.value() + " ";
  text += "count=" + std::to_string(response.count());
  return text + (response.more() ? " more" : "");
}

std::string StoreTest::Range(const RangeQuery& query) {
  const auto answer = store_->Range(query);
  if (!answer.ok()) return answer.error().message;
  EXPECT_EQ(answer->revision, store_->revision());
  etcdserverpb::RangeResponse response;
  EXPECT_TRUE(response.ParseFromString(answer->body));
  EXPECT_EQ(response.SerializeAsString(), answer->body);
  EXPECT_EQ(response.kvs_size(), answer->rows);
  return Text(response);
}

std::string StoreTest::Range(std::string_view key, std::string_view range_end,
                             std::int64_t revision) {
  RangeQuery query;
  query.key = key;
  query.range_end = range_end;
  query.revision = Revision{revision};
  return Range(query);
}

}  // namespace quorate::mvcc
