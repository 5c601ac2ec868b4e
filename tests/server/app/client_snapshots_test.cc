// ClientSnapshots: the line of clients that want the store as a file.
#include "app/client_snapshots.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "base/mutex.h"
#include "storage/memory_backend.h"

namespace quorate::app {
namespace {

// A client that takes nothing until it is let, or enough.
class Client final : public api::SnapshotReceiver {
 public:
  void Begin(std::uint64_t, const std::atomic<bool>& enough) override {
    begun = true;
    enough_ = &enough;
  }
  bool Write(std::string_view) override {
    while (!reads && !left && !*enough_) std::this_thread::yield();
    return reads && !left;
  }
  void End(Status status) override {
    outcome = std::move(status);
    ended = true;
  }
  bool gone() const override { return left; }

  std::atomic<bool> begun{false};
  std::atomic<bool> reads{false};
  std::atomic<bool> left{false};
  std::atomic<bool> ended{false};
  Status outcome;

 private:
  const std::atomic<bool>* enough_ = nullptr;
};

class ClientSnapshotsTest : public testing::Test {
 protected:
  ~ClientSnapshotsTest() override {
    for (const auto& client : clients_) client->left = true;
    line_.Stop();
  }
  Client& Ask() {
    clients_.push_back(std::make_shared<Client>());
    line_.Stream(clients_.back());
    return *clients_.back();
  }
  // The loop, until something is so.
  bool Await(const std::function<bool()>& so) {
    for (int i = 0; i < 20'000; ++i) {
      if (so()) return true;
      std::vector<std::function<void()>> posted;
      {
        MutexLock lock(mutex_);
        posted.swap(posted_);
      }
      for (const auto& task : posted) task();
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return false;
  }

  storage::MemoryBackend store_{std::make_shared<storage::MemoryStorage>()};
  std::atomic<int> views_{0};
  std::atomic<bool> installing_{false};
  Mutex mutex_;
  std::vector<std::function<void()>> posted_;
  std::vector<std::shared_ptr<Client>> clients_;
  ClientSnapshots line_{{.new_view =
                             [this] {
                               ++views_;
                               return std::shared_ptr<storage::Reader>(
                                   store_.NewView().release(), [this](storage::Reader* view) {
                                     delete view;
                                     --views_;
                                   });
                             },
                         .installing = &installing_,
                         .post =
                             [this](std::function<void()> task) {
                               MutexLock lock(mutex_);
                               posted_.push_back(std::move(task));
                             }}};
};

// Each of 1,024 who waited held a view of the store, and with it everything deleted since.
TEST_F(ClientSnapshotsTest, WhoWaitsHoldsNoViewUntilItsTurnComes) {
  Client& first = Ask();
  for (int i = 0; i < 9; ++i) Ask();
  ASSERT_TRUE(Await([&] { return first.begun.load() && clients_[1]->begun.load(); }));
  EXPECT_EQ(views_, 2);
  EXPECT_FALSE(clients_[2]->begun);
  first.reads = true;
  EXPECT_TRUE(Await([&] { return clients_[2]->begun.load(); }));
  EXPECT_TRUE(first.outcome.ok());
  EXPECT_EQ(views_, 2);
}

TEST_F(ClientSnapshotsTest, WhoHasLeftTheLineMakesRoom) {
  for (int i = 0; i < 2 + 1024; ++i) Ask();
  Client& refused = Ask();
  ASSERT_TRUE(refused.ended);
  EXPECT_EQ(refused.outcome.error().code, Code::kResourceExhausted);
  clients_[500]->left = true;
  EXPECT_FALSE(Ask().ended);
}

// A member that is to install a snapshot waits until nobody reads the old state.
TEST_F(ClientSnapshotsTest, AnInstallationWaitsForNoClient) {
  for (int i = 0; i < 3; ++i) Ask();
  ASSERT_TRUE(Await([&] { return clients_[0]->begun.load() && clients_[1]->begun.load(); }));
  installing_ = true;
  ASSERT_TRUE(Await([&] {
    return std::all_of(clients_.begin(), clients_.end(),
                       [](const auto& client) { return client->ended.load(); });
  }));
  EXPECT_EQ(views_, 0);
  for (const auto& client : clients_) {
    ASSERT_FALSE(client->outcome.ok());
    EXPECT_EQ(client->outcome.error().code, Code::kUnavailable);
  }
}

}  // namespace
}  // namespace quorate::app
