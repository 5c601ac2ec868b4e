// What every Backend promises, held against the real and the in-memory one.
#include <cstring>
#include <filesystem>
#include <map>
#include <random>

#include "base/bytes.h"
#include "storage/memory_backend.h"
#include "storage/rocks_backend.h"

namespace quorate::storage {
namespace {

// A store that can be crashed: everything that was not flushed is gone.
class Subject {
 public:
  virtual ~Subject() = default;
  virtual std::unique_ptr<Backend> Open() = 0;
  virtual std::unique_ptr<Backend> OpenCheckpoint() = 0;
  virtual std::string CheckpointPath() const = 0;
};

class MemorySubject final : public Subject {
 public:
  std::unique_ptr<Backend> Open() override { return std::make_unique<MemoryBackend>(storage_); }
  std::unique_ptr<Backend> OpenCheckpoint() override {
    return std::make_unique<MemoryBackend>(storage_->checkpoints.at(CheckpointPath()));
  }
  std::string CheckpointPath() const override { return "copy"; }

 private:
  std::shared_ptr<MemoryStorage> storage_ = std::make_shared<MemoryStorage>();
};

class RocksSubject final : public Subject {
 public:
  RocksSubject() {
    std::string name = (std::filesystem::temp_directory_path() / "quorate-store-XXXXXX").string();
    root_ = mkdtemp(name.data());
  }
  ~RocksSubject() override { std::filesystem::remove_all(root_); }
  RocksSubject(const RocksSubject&) = delete;
  RocksSubject& operator=(const RocksSubject&) = delete;

  std::unique_ptr<Backend> Open() override { return OpenAt(root_ + "/store"); }
  std::unique_ptr<Backend> OpenCheckpoint() override { return OpenAt(CheckpointPath()); }
  std::string CheckpointPath() const override { return root_ + "/copy"; }

 private:
  static std::unique_ptr<Backend> OpenAt(const std::string& path) {
    auto opened = OpenRocksBackend(path, Options{});
    if (!opened.ok()) {
      ADD_FAILURE() << opened.error().message;
      return nullptr;
    }
    return std::move(opened).value();
  }
  std::string root_;
};

class BackendContract : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    if (GetParam() == "memory") {
      subject_ = std::make_unique<MemorySubject>();
    } else {
      subject_ = std::make_unique<RocksSubject>();
    }
    store_ = subject_->Open();
    ASSERT_TRUE(store_);
  }
  void Crash() {
    store_.reset();
    store_ = subject_->Open();
    ASSERT_TRUE(store_);
  }
  void Put(std::string_view key, std::string_view value, std::uint64_t index,
           Family family = Family::kRev) {
    Batch batch;
    batch.Put(family, key, value);
    Commit(batch, index);
  }
  void Commit(const Batch& batch, std::uint64_t index) {
    const Status status = store_->Commit(batch, {LogIndex{index}, Term{2}});
    ASSERT_TRUE(status.ok()) << status.error().message;
  }
  static std::string Get(const Reader& reader, std::string_view key, Family family = Family::kRev) {
    std::string value;
    const auto found = reader.Get(family, key, &value);
    if (!found.ok()) return "error: " + found.error().message;
    return *found ? value : "(none)";
  }
  static std::string Rows(const Reader& reader, std::string_view begin, std::string_view end,
                          Family family = Family::kRev) {
    std::string text;
    const auto cursor = reader.Scan(family, begin, end);
    for (; cursor->Valid(); cursor->Next()) {
      text.append(cursor->key()).append("=").append(cursor->value()).append(" ");
    }
    return cursor->status().ok() ? text : "error: " + cursor->status().error().message;
  }

  std::unique_ptr<Subject> subject_;
  std::unique_ptr<Backend> store_;
};

TEST_P(BackendContract, ReadsWhatWasCommitted) {
  Put("a", "1", 5);
  EXPECT_EQ(Get(*store_, "a"), "1");
  EXPECT_EQ(Get(*store_, "b"), "(none)");
  EXPECT_EQ(store_->position(), (LogPosition{LogIndex{5}, Term{2}}));
}

TEST_P(BackendContract, ReadsManyRowsInTheOrderAsked) {
  std::vector<std::string> keys;
  for (int i = 0; i < 100; ++i) {
    keys.push_back("key" + std::to_string(i * 37 % 100));
    Put(keys.back(), "value of " + keys.back(), 1);
    if (i == 50) {
      ASSERT_TRUE(store_->Flush(Backend::Wait::kYes).ok());
    }
  }
  std::vector<std::string> values;
  ASSERT_TRUE(store_->GetMany(Family::kRev, keys, &values).ok());
  ASSERT_EQ(values.size(), keys.size());
  for (std::size_t i = 0; i < keys.size(); ++i) EXPECT_EQ(values[i], "value of " + keys[i]);
  keys.push_back("nothing");
  EXPECT_EQ(store_->GetMany(Family::kRev, keys, &values).error().code, Code::kDataLoss);
}

TEST_P(BackendContract, KeepsFamiliesApart) {
  Put("a", "1", 1, Family::kLease);
  EXPECT_EQ(Get(*store_, "a", Family::kLease), "1");
  EXPECT_EQ(Get(*store_, "a", Family::kRev), "(none)");
}

TEST_P(BackendContract, AppliesTheOperationsOfABatchInOrder) {
  Batch batch;
  batch.Put(Family::kRev, "a", "1");
  batch.Delete(Family::kRev, "a");
  batch.Put(Family::kRev, "b", "1");
  batch.Put(Family::kRev, "b", "2");
  batch.Put(Family::kRev, "c", "1");
  batch.Put(Family::kRev, "d", "1");
  batch.DeleteRange(Family::kRev, "c", "d");
  std::memcpy(batch.PutInPlace(Family::kRev, "e", 3), "xyz", 3);
  Commit(batch, 1);
  EXPECT_EQ(Rows(*store_, "", ""), "b=2 d=1 e=xyz ");
}

TEST_P(BackendContract, ScansHalfOpenRangesInByteOrder) {
  for (const char* key : {"b", "a", "c", "aa", "\xff"}) Put(key, "v", 1);
  EXPECT_EQ(Rows(*store_, "", ""), "a=v aa=v b=v c=v \xff=v ");
  EXPECT_EQ(Rows(*store_, "aa", "c"), "aa=v b=v ");
  EXPECT_EQ(Rows(*store_, "c", "aa"), "");
  EXPECT_EQ(Rows(*store_, "d", ""), "\xff=v ");
}

TEST_P(BackendContract, ACrashReturnsToTheLastFlushWhole) {
  Batch first;
  first.Put(Family::kRev, "a", "1");
  first.Put(Family::kLease, "l", "1");
  Commit(first, 1);
  ASSERT_TRUE(store_->Flush(Backend::Wait::kYes).ok());
  EXPECT_EQ(store_->FlushedIndex(), LogIndex{1});
  Batch second;
  second.Put(Family::kRev, "a", "2");
  second.Delete(Family::kLease, "l");
  Commit(second, 2);
  EXPECT_EQ(store_->FlushedIndex(), LogIndex{1});
  Crash();
  EXPECT_EQ(Get(*store_, "a"), "1");
  EXPECT_EQ(Get(*store_, "l", Family::kLease), "1");
  EXPECT_EQ(store_->position(), (LogPosition{LogIndex{1}, Term{2}}));
  EXPECT_EQ(store_->FlushedIndex(), LogIndex{1});
}

TEST_P(BackendContract, ACrashBeforeAnyFlushLeavesAnEmptyStore) {
  Put("a", "1", 7);
  Crash();
  EXPECT_EQ(Rows(*store_, "", ""), "");
  EXPECT_EQ(store_->position(), LogPosition{});
}

TEST_P(BackendContract, AnEmptyCommitMovesThePosition) {
  Commit(Batch{}, 9);
  ASSERT_TRUE(store_->Flush(Backend::Wait::kYes).ok());
  Crash();
  EXPECT_EQ(store_->position().index, LogIndex{9});
  EXPECT_EQ(Get(*store_, kConsistentIndex, Family::kMeta), std::string("\0\0\0\0\0\0\0\t", 8));
}

TEST_P(BackendContract, AViewStaysAsItWas) {
  Put("a", "1", 1);
  const auto view = store_->NewView();
  const auto cursor = store_->Scan(Family::kRev, "", "");
  Put("a", "2", 2);
  Put("b", "1", 3);
  EXPECT_EQ(Get(*view, "a"), "1");
  EXPECT_EQ(Rows(*view, "", ""), "a=1 ");
  EXPECT_EQ(Rows(*store_, "", ""), "a=2 b=1 ");
  EXPECT_EQ(cursor->value(), "1");
}

TEST_P(BackendContract, ACheckpointIsAStoreOfItsOwn) {
  Put("a", "1", 4);
  ASSERT_TRUE(store_->Checkpoint(subject_->CheckpointPath()).ok());
  Put("a", "2", 5);
  const auto copy = subject_->OpenCheckpoint();
  EXPECT_EQ(Get(*copy, "a"), "1");
  EXPECT_EQ(copy->position().index, LogIndex{4});
  const Status again = store_->Checkpoint(subject_->CheckpointPath());
  ASSERT_FALSE(again.ok());
  EXPECT_EQ(again.error().code, Code::kAlreadyExists);
}

TEST_P(BackendContract, AdoptingReplacesEverythingDurably) {
  Put("old", "1", 4);
  auto incoming = store_->NewIncoming();
  ASSERT_TRUE(incoming.ok());
  Batch batch;
  batch.Put(Family::kRev, "new", "1");
  ASSERT_TRUE((*incoming)->Commit(batch, {LogIndex{90}, Term{3}}).ok());
  ASSERT_TRUE(store_->Adopt(std::move(incoming).value()).ok());
  EXPECT_EQ(Rows(*store_, "", ""), "new=1 ");
  EXPECT_EQ(store_->FlushedIndex(), LogIndex{90});
  Put("newer", "1", 91);
  Crash();
  EXPECT_EQ(Rows(*store_, "", ""), "new=1 ");
  EXPECT_EQ(store_->position(), (LogPosition{LogIndex{90}, Term{3}}));
}

TEST_P(BackendContract, AnIncomingStoreThatIsDroppedLeavesNothing) {
  {
    auto incoming = store_->NewIncoming();
    ASSERT_TRUE(incoming.ok());
    Batch batch;
    batch.Put(Family::kRev, "x", "1");
    ASSERT_TRUE((*incoming)->Commit(batch, {LogIndex{90}, Term{3}}).ok());
    ASSERT_TRUE((*incoming)->Flush(Backend::Wait::kYes).ok());
  }
  auto incoming = store_->NewIncoming();
  ASSERT_TRUE(incoming.ok());
  EXPECT_EQ(Rows(**incoming, "", ""), "");
}

// Whoever leaves room for a scan by what AtMost says must never run out of it, wherever the rows
// are by then: in memory, in files, rewritten, or deleted after the view was taken.
TEST_P(BackendContract, AtMostIsNeverLessThanWhatAScanFinds) {
  std::mt19937_64 random(11);
  std::uint64_t index = 0;
  std::vector<std::shared_ptr<Reader>> views;
  for (int round = 0; round < 60; ++round) {
    Batch batch;
    for (int i = 0; i < 50; ++i) {
      const std::string key = std::to_string(random() % 2000);
      if (random() % 4 == 0) {
        batch.Delete(Family::kRev, key);
      } else {
        batch.Put(Family::kRev, key, std::string(random() % 3000, 'v'));
      }
    }
    Commit(batch, ++index);
    if (round % 7 == 3) {
      ASSERT_TRUE(store_->Flush(Backend::Wait::kYes).ok());
    }
    if (round % 5 == 0) views.push_back(store_->NewView());
    for (const std::shared_ptr<Reader>& view : views) {
      Extent found;
      const auto cursor = view->Scan(Family::kRev, "", "");
      for (; cursor->Valid(); cursor->Next()) {
        ++found.rows;
        found.bytes += cursor->key().size() + cursor->value().size();
      }
      const auto most = view->AtMost(Family::kRev);
      ASSERT_TRUE(most.ok()) << most.error().message;
      ASSERT_GE(most->rows, found.rows) << "round " << round;
      ASSERT_GE(most->bytes, found.bytes) << "round " << round;
    }
  }
}

// And it must not be far more, or a file that leaves room by it would be mostly empty.
TEST_P(BackendContract, AtMostIsCloseWhereNothingWasDeleted) {
  std::uint64_t bytes = 0;
  for (std::uint64_t i = 0; i < 3000; ++i) {
    Put(std::to_string(1000000 + i), std::string(1000, 'v'), i + 1);
    bytes += 1007;
    if (i == 2000) {
      ASSERT_TRUE(store_->Flush(Backend::Wait::kYes).ok());
    }
  }
  const auto most = store_->AtMost(Family::kRev);
  ASSERT_TRUE(most.ok()) << most.error().message;
  EXPECT_EQ(most->rows, 3000U);
  EXPECT_EQ(most->rows_gone, 0U);
  EXPECT_GE(most->bytes, bytes);
  EXPECT_LE(most->bytes, bytes + bytes / 8);
}

TEST_P(BackendContract, SizesGrowWithTheData) {
  const std::uint64_t before = store_->sizes().bytes_total;
  for (std::uint64_t i = 1; i <= 40; ++i) {
    Put("key" + std::to_string(i), std::string(std::size_t{1} << 16, 'v'), i);
  }
  EXPECT_GT(store_->sizes().bytes_total, before + (1 << 20));
  EXPECT_GE(store_->sizes().bytes_total, store_->sizes().bytes_in_use);
}

TEST_P(BackendContract, TheIndexCheckpointIsNotPartOfTheSize) {
  for (std::uint64_t i = 1; i <= 40; ++i) {
    Put("chunk" + std::to_string(i), std::string(std::size_t{1} << 16, 'v'), i, Family::kIndex);
  }
  ASSERT_TRUE(store_->Flush(Backend::Wait::kYes).ok());
  EXPECT_LT(store_->sizes().bytes_total, 1U << 20);
  Crash();
  EXPECT_EQ(Get(*store_, "chunk7", Family::kIndex).size(), std::size_t{1} << 16);
  EXPECT_LT(store_->sizes().bytes_total, 1U << 20);
}

// Random commits, flushes and crashes against a map that remembers its last flush.
TEST_P(BackendContract, AgreesWithAPlainMapThroughRandomCrashes) {
  std::mt19937 random(42);  // NOLINT: a fixed seed replays
  std::map<std::string, std::string> live;
  std::map<std::string, std::string> flushed;
  std::uint64_t index = 0;
  std::uint64_t flushed_index = 0;
  for (int step = 0; step < 400; ++step) {
    const auto dice = random() % 20;
    if (dice == 0) {
      Crash();
      live = flushed;
      index = flushed_index;
      ASSERT_EQ(store_->position().index.value, index);
    } else if (dice == 1) {
      ASSERT_TRUE(store_->Flush(Backend::Wait::kYes).ok());
      flushed = live;
      flushed_index = index;
    } else {
      Batch batch;
      for (auto i = random() % 4; i > 0; --i) {
        const std::string key = "k" + std::to_string(random() % 30);
        if (random() % 3 == 0) {
          batch.Delete(Family::kRev, key);
          live.erase(key);
        } else {
          batch.Put(Family::kRev, key, std::to_string(step));
          live[key] = std::to_string(step);
        }
      }
      Commit(batch, ++index);
    }
    std::string expected;
    for (const auto& [key, value] : live) expected.append(key + "=" + value + " ");
    ASSERT_EQ(Rows(*store_, "", ""), expected) << "step " << step;
    ASSERT_EQ(store_->FlushedIndex().value, flushed_index);
  }
}

INSTANTIATE_TEST_SUITE_P(Backends, BackendContract, testing::Values("memory", "rocks"),
                         [](const auto& instance) { return instance.param; });

}  // namespace
}  // namespace quorate::storage
