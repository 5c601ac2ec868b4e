// Bounds of docs/limits.md that only a whole member shows.

#include <algorithm>
#include <atomic>

#include "base/mutex.h"
#include "net/endpoint.h"
#include "net/event_loop.h"
#include "net/http_client.h"
#include "proto/rpc.pb.h"
#include "server/app/members.h"
#include "support/wait.h"

namespace quorate::test {
namespace {

using etcdclient::Stream;
using std::chrono::milliseconds;

class LimitsTest : public testing::Test {
 protected:
  void SetUp() override {
    members_.Start("a", {"a"});
    ASSERT_TRUE(members_.AwaitHealthy("a")) << members_.Log("a");
    client_ = members_.Connect({"a"});
  }

  Members members_{{"a"}};
  std::unique_ptr<etcdclient::Client> client_;
};

class Snapshots {
 public:
  Snapshots(etcdclient::Client& client, std::string endpoint)
      : client_(client), endpoint_(std::move(endpoint)) {}

  Stream& Ask() {
    etcdclient::CallOptions options;
    options.endpoint = endpoint_;
    auto stream = client_.Open(etcdclient::kSnapshot, options);
    EXPECT_TRUE(stream.ok()) << stream.error().message;
    EXPECT_TRUE((*stream)->Write(etcdserverpb::SnapshotRequest()).ok());
    streams_.push_back(std::move(stream).value());
    return *streams_.back();
  }
  // Looks once at each that was not refused before.
  void CollectRefusals() {
    for (auto& stream : streams_) {
      if (stream == nullptr) continue;
      const auto read = stream->Next(response_, milliseconds(0));
      if (read.ok()) continue;
      refusals.push_back(read.error());
      stream.reset();
    }
  }
  Result<Stream::Read> Read(std::size_t i) {
    return streams_[i]->Next(response_, std::chrono::seconds(20));
  }
  void Leave(std::size_t i) { streams_[i].reset(); }

  std::vector<Error> refusals;

 private:
  etcdclient::Client& client_;
  const std::string endpoint_;
  etcdserverpb::SnapshotResponse response_;
  std::vector<std::unique_ptr<Stream>> streams_;
};

// Two readers that do not read keep the two threads for snapshots to clients, for a minute at most;
// 1,024 wait behind them.
TEST_F(LimitsTest, SnapshotsToClientsWaitInALineThatEnds) {
  for (int i = 0; i < 16; ++i)
    ASSERT_EQ(Put(*client_, "k" + std::to_string(i), std::string(1'400'000, 'v')), "");
  Snapshots snapshots(*client_, members_.Endpoint("a"));
  for (std::size_t i = 0; i < 2; ++i) {
    snapshots.Ask();
    ASSERT_TRUE(snapshots.Read(i).ok());
  }
  for (int i = 0; i < 1024; ++i) snapshots.Ask();
  for (int i = 0; i < 3; ++i) snapshots.Ask();
  EXPECT_TRUE(WaitFor([&] {
    snapshots.CollectRefusals();
    return snapshots.refusals.size() == 3;
  })) << snapshots.refusals.size();
  for (const Error& refusal : snapshots.refusals) {
    EXPECT_EQ(refusal.code, Code::kResourceExhausted);
    EXPECT_EQ(refusal.message, "too many snapshots at once; try again");
  }
  EXPECT_EQ(Get(*client_, "k0").size(), 1'400'000U) << "everybody else is served";
  // The line moves when somebody leaves.
  snapshots.Leave(0);
  EXPECT_EQ(snapshots.Read(2).value(), Stream::Read::kMessage);
}

// Those two kept the threads for everything else as well: no member that lagged behind was sent a
// snapshot, as long as the two clients stayed.
TEST(StalledSnapshotsTest, HoldUpNothingThatTheMemberDoesForOthers) {
  const std::vector<std::string> names = {"a", "b", "c"};
  const std::vector<std::string> flags = {"--snapshot-count=10", "--snapshot-catchup-entries=1"};
  Members members({"a", "b", "c"});
  for (const std::string& name : names) members.Start(name, names, flags);
  for (const std::string& name : names) ASSERT_TRUE(members.AwaitHealthy(name));
  const std::string leader = members.AwaitLeader(names);
  ASSERT_NE(leader, "");
  const std::string late = leader == "a" ? "b" : "a";
  const auto client = members.Connect({leader});
  for (int i = 0; i < 16; ++i)
    ASSERT_EQ(Put(*client, "k" + std::to_string(i), std::string(1'400'000, 'v')), "");
  Snapshots stalled(*client, members.Endpoint(leader));
  for (std::size_t i = 0; i < 2; ++i) {
    stalled.Ask();
    ASSERT_TRUE(stalled.Read(i).ok());
  }
  members.Kill(late);
  for (int i = 0; i < 100; ++i) ASSERT_EQ(Put(*client, "later", std::to_string(i)), "");
  members.Start(late, names, flags);
  ASSERT_TRUE(members.AwaitHealthy(late)) << members.Log(late);
  EXPECT_EQ(Get(*members.Connect({late}), "later"), "99");
  EXPECT_NE(members.Log(late).find("applied snapshot"), std::string::npos) << members.Log(late);
}

std::string StateIn(const std::string& status) {
  const std::string mark = "\"state\":\"";
  const std::size_t begin = status.find(mark);
  if (begin == std::string::npos) return "";
  return status.substr(begin + mark.size(),
                       status.find('"', begin + mark.size()) - begin - mark.size());
}

TEST_F(LimitsTest, OfThoseWhoWaitForAStateTheSixtyFifthIsAnsweredAtOnce) {
  ASSERT_TRUE(WaitFor([&] {
    return members_.Http("a", "/quorate/status").find("not_decided") == std::string::npos;
  }));
  const std::string state = StateIn(members_.Http("a", "/quorate/status"));
  ASSERT_NE(state, "");
  net::EventLoop loop("client");
  loop.Start();
  Mutex mutex;
  std::vector<std::string> answers;
  const auto count = [&] {
    MutexLock lock(mutex);
    return answers.size();
  };
  {
    net::HttpClient http(loop, {});
    const auto endpoint = net::ParseUrl(members_.Endpoint("a"));
    ASSERT_TRUE(endpoint.ok()) << endpoint.error().message;
    for (int i = 0; i < 65; ++i) {
      http.Fetch(*endpoint, {"GET", "/quorate/status?since=" + state, {}, ""},
                 std::chrono::seconds(60), 1 << 20, [&](const Result<net::HttpResponse>& answer) {
                   MutexLock lock(mutex);
                   answers.push_back(answer.ok() ? StateIn(answer->body) : answer.error().message);
                 });
    }
    ASSERT_TRUE(WaitFor([&] { return count() == 1; }));
    EXPECT_TRUE(client_->MemberAdd({"http://127.0.0.1:1"}, true).ok());
    EXPECT_TRUE(WaitFor([&] { return count() == 65; }));
  }
  EXPECT_EQ(std::count(answers.begin(), answers.end(), state), 1);
}

// Without the other one nothing is answered: no proof of leading, or no word from the leader.
TEST(KeepAliveLimitTest, AStreamWithTooManyUnansweredRequestsEnds) {
  Members members({"a", "b"});
  for (const std::string name : {"a", "b"}) {
    members.Start(name, {"a", "b"}, {"--election-timeout=10000"});
  }
  ASSERT_TRUE(members.AwaitHealthy("a")) << members.Log("a");
  ASSERT_NE(members.AwaitLeader({"a", "b"}), "");
  const auto client = members.Connect({"a"});
  const auto stream = client->Open(etcdclient::kLeaseKeepAlive, {});
  ASSERT_TRUE(stream.ok()) << stream.error().message;
  etcdserverpb::LeaseKeepAliveRequest request;
  request.set_id(7);
  // One that is answered: a client that has not read it hears of the end all the same.
  ASSERT_TRUE((*stream)->Write(request).ok());
  ASSERT_TRUE(client->LeaseKeepAlive(LeaseId{7}).ok());
  members.Stop("b");
  while ((*stream)->Write(request).ok()) {
  }
  etcdserverpb::LeaseKeepAliveResponse response;
  Result<Stream::Read> read = Stream::Read::kMessage;
  while (read.ok() && *read == Stream::Read::kMessage) {
    read = (*stream)->Next(response, std::chrono::seconds(20));
  }
  ASSERT_FALSE(read.ok());
  EXPECT_EQ(read.error().message, "etcdserver: too many requests");
}

}  // namespace
}  // namespace quorate::test
