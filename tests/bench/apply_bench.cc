// apply_bench: what a put and a get cost from committed entry to encoded answer, in microseconds of
// the apply loop's CPU, and what the keys cost in memory.
//
//   apply_bench [rocks|memory = rocks] [keys = 200000] [value bytes = 256] [entries a turn = 16]
//
// Keys look like Kubernetes' ("/registry/pods/ns-12/pod-000123"), in random order. Each is put
// twice, read in random order, then the history is compacted away.
#include <sys/resource.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "apply/applier.h"
#include "apply/request.h"
#include "base/check.h"
#include "sim/clock.h"
#include "storage/memory_backend.h"
#include "storage/rocks_backend.h"
#include "watch/hub.h"

namespace {

using namespace quorate;  // NOLINT: a program of one file

double ThreadCpuMicros() {
  rusage usage{};
  getrusage(RUSAGE_THREAD, &usage);
  const auto micros = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_usec);
  };
  return micros(usage.ru_utime) + micros(usage.ru_stime);
}

double ResidentMebibytes() {
  std::ifstream statm("/proc/self/statm");
  std::uint64_t total = 0;
  std::uint64_t resident = 0;
  statm >> total >> resident;
  return static_cast<double>(resident) * 4096 / (1 << 20);
}

class Everybody final : public apply::Waiters {
 public:
  bool Waits(std::uint64_t) const override { return true; }
};

class Member {
 public:
  explicit Member(storage::Backend& backend) : backend_(backend) {
    store_ = mvcc::Store::Open({&backend_, &batch_, &lessor_}).value();
    hub_ = std::make_unique<watch::Hub>(*store_);
    applier_ = apply::Applier::Open({.backend = &backend_,
                                     .batch = &batch_,
                                     .store = store_.get(),
                                     .lessor = &lessor_,
                                     .cluster = &cluster_,
                                     .waiters = &waiters_},
                                    {.cluster = ClusterId{1}, .member = MemberId{1}})
                   .value();
  }
  void Apply(apply::RequestField field, const std::string& message) {
    ++index_;
    raft::Entry entry;
    entry.term = Term{2};
    entry.index = LogIndex{index_};
    entry.data = raft::Payload(apply::MakeRequest(field, message, index_));
    const apply::Outcome outcome = applier_->ApplyEntry(entry);
    CHECK(outcome.answered && outcome.response.ok());
  }

  storage::Backend& backend_;
  storage::Batch batch_;
  sim::Clock clock_;
  lease::Lessor lessor_{{}, clock_};
  membership::Cluster cluster_{ClusterId{1}, 1};
  Everybody waiters_;
  std::unique_ptr<mvcc::Store> store_;
  std::unique_ptr<watch::Hub> hub_;
  std::unique_ptr<apply::Applier> applier_;
  std::uint64_t index_ = 0;
};

std::vector<std::string> MakeKeys(std::size_t count, std::mt19937& random) {
  std::vector<std::string> keys;
  char text[64];
  for (std::size_t i = 0; i < count; ++i) {
    std::snprintf(text, sizeof text, "/registry/pods/ns-%03zu/pod-%08zu", i % 200, i);
    keys.emplace_back(text);
  }
  std::shuffle(keys.begin(), keys.end(), random);
  return keys;
}

class Stage {
 public:
  Stage(const char* name, std::size_t count) : name_(name), count_(count) {}
  ~Stage() {
    const double micros = (ThreadCpuMicros() - begin_) / static_cast<double>(count_);
    std::printf("%-22s %7.2f us   resident %7.1f MiB\n", name_, micros, ResidentMebibytes());
    std::fflush(stdout);
  }
  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;

 private:
  const char* name_;
  const std::size_t count_;
  const double begin_ = ThreadCpuMicros();
};

void PutAll(Member& member, const std::vector<std::string>& keys, const std::string& value,
            std::size_t turn, const char* name) {
  std::vector<std::string> messages;
  for (const std::string& key : keys) {
    etcdserverpb::PutRequest put;
    put.set_key(key);
    put.set_value(value);
    messages.push_back(put.SerializeAsString());
  }
  const Stage stage(name, keys.size());
  for (std::size_t i = 0; i < messages.size(); ++i) {
    member.Apply(apply::RequestField::kPut, messages[i]);
    if (i % turn == turn - 1) CHECK(member.applier_->Commit().ok());
  }
  CHECK(member.applier_->Commit().ok());
}

void Run(Member& member, std::size_t count, std::size_t value_bytes, std::size_t turn) {
  std::mt19937 random(1);  // NOLINT: the same load each time
  std::vector<std::string> keys = MakeKeys(count, random);
  const std::string value(value_bytes, 'v');
  std::printf("%zu keys, %zu value bytes, %zu entries a turn; resident before %.1f MiB\n", count,
              value_bytes, turn, ResidentMebibytes());
  PutAll(member, keys, value, turn, "put, new key");
  std::shuffle(keys.begin(), keys.end(), random);
  PutAll(member, keys, value, turn, "put, known key");
  {
    const Stage stage("get, written last", 8000);
    for (std::size_t i = keys.size() - 8000; i < keys.size(); ++i) {
      etcdserverpb::RangeRequest get;
      get.set_key(keys[i]);
      CHECK(member.applier_->Range(get, Term{2}).ok());
    }
  }
  std::shuffle(keys.begin(), keys.end(), random);
  {
    const Stage stage("get, any", keys.size());
    for (const std::string& key : keys) {
      etcdserverpb::RangeRequest get;
      get.set_key(key);
      CHECK(member.applier_->Range(get, Term{2}).ok());
    }
  }
  {
    const Stage stage("list of 500, a row", 200 * 500);
    for (std::size_t i = 0; i < 200; ++i) {
      etcdserverpb::RangeRequest list;
      list.set_key(keys[i]);
      list.set_limit(500);
      list.set_range_end("/registry/pods/ns-" + keys[i].substr(18, 3) + "0");
      CHECK(member.applier_->Range(list, Term{2}).ok());
    }
  }
  {
    etcdserverpb::CompactionRequest compact;
    compact.set_revision(member.store_->revision().value);
    member.Apply(apply::RequestField::kCompaction, compact.SerializeAsString());
    CHECK(member.applier_->Commit().ok());
    const Stage stage("compaction, a row", keys.size() * 2);
    while (member.applier_->maintenance_due()) CHECK(member.applier_->Maintain(500).ok());
  }
  {
    const Stage stage("reopen, a row", keys.size());
    CHECK(member.backend_.Flush(storage::Backend::Wait::kYes).ok());
    mvcc::Store::Open({&member.backend_, &member.batch_, &member.lessor_}).value();
  }
}

}  // namespace

int main(int argc, char** argv) {
  const auto number = [&](int at, std::size_t otherwise) {
    return argc > at ? static_cast<std::size_t>(std::atoll(argv[at])) : otherwise;
  };
  const std::size_t keys = std::max<std::size_t>(number(2, 200000), 8000);
  const std::size_t value_bytes = number(3, 256);
  const std::size_t turn = std::max<std::size_t>(number(4, 16), 1);
  if (argc > 1 && std::string(argv[1]) == "memory") {
    storage::MemoryBackend backend(std::make_shared<storage::MemoryStorage>());
    Member member(backend);
    Run(member, keys, value_bytes, turn);
    return 0;
  }
  std::string root = (std::filesystem::temp_directory_path() / "quorate-bench-XXXXXX").string();
  CHECK(mkdtemp(root.data()) != nullptr);
  {
    const auto backend = storage::OpenRocksBackend(root + "/store", {}).value();
    Member member(*backend);
    Run(member, keys, value_bytes, turn);
  }
  std::filesystem::remove_all(root);
  return 0;
}
