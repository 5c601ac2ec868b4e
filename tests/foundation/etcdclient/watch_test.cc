// A Watch over a scripted network: what it asks again for after a stream broke, and what it hands
// out.
#include "etcdclient/watch.h"

#include <deque>
#include <memory>
#include <utility>

namespace quorate::etcdclient {
namespace {

using etcdserverpb::WatchResponse;
using std::chrono::milliseconds;

// What one stream does: answers in order, then breaks.
using Script = std::deque<WatchResponse>;

class ScriptedStream final : public Stream {
 public:
  ScriptedStream(Script script, std::vector<std::int64_t>& starts)
      : script_(std::move(script)), starts_(starts) {}

  Status Write(const google::protobuf::MessageLite& message) override {
    const auto& request = dynamic_cast<const etcdserverpb::WatchRequest&>(message);
    if (request.has_create_request()) starts_.push_back(request.create_request().start_revision());
    return {};
  }
  Status CloseWrites() override { return {}; }
  Result<Read> Next(google::protobuf::MessageLite& message, std::optional<milliseconds>) override {
    if (script_.empty()) return Error{Code::kUnavailable, "Socket closed"};
    dynamic_cast<WatchResponse&>(message) = script_.front();
    script_.pop_front();
    return Read::kMessage;
  }
  void Cancel() override {}

 private:
  Script script_;
  std::vector<std::int64_t>& starts_;
};

class ScriptedClient final : public Client {
 public:
  Status Unary(const Method&, const google::protobuf::MessageLite&, google::protobuf::MessageLite&,
               const CallOptions&) override {
    return Error{Code::kUnimplemented, "not in this script"};
  }
  Result<std::unique_ptr<Stream>> Open(const Method&, const CallOptions&) override {
    if (streams.empty()) return Error{Code::kDeadlineExceeded, "context deadline exceeded"};
    Script next = std::move(streams.front());
    streams.pop_front();
    return std::unique_ptr<Stream>(std::make_unique<ScriptedStream>(std::move(next), starts));
  }
  std::vector<std::string> endpoints() const override { return {}; }
  void SetEndpoints(std::vector<std::string>) override {}

  std::deque<Script> streams;
  std::vector<std::int64_t> starts;  // start_revision of each create request
};

WatchResponse Created(std::int64_t revision) {
  WatchResponse response;
  response.set_created(true);
  response.mutable_header()->set_revision(revision);
  return response;
}

WatchResponse Event(std::int64_t revision, const std::string& key = "k") {
  WatchResponse response;
  response.mutable_header()->set_revision(revision);
  auto* event = response.add_events();
  event->mutable_kv()->set_key(key);
  event->mutable_kv()->set_mod_revision(revision);
  return response;
}

std::int64_t NextRevision(Watch& watch) {
  auto response = watch.Next(milliseconds(10));
  if (!response.ok() || !response->has_value() || (*response)->events().empty()) return -1;
  return (*response)->events(0).kv().mod_revision();
}

TEST(WatchTest, ResumesOneRevisionAfterTheLastItHandedOut) {
  ScriptedClient client;
  client.streams = {{Created(5), Event(6), Event(9)}, {Created(20), Event(10)}};
  auto watch = Watch::Start(client, {});
  ASSERT_TRUE(watch.ok());
  EXPECT_EQ(NextRevision(**watch), 6);
  EXPECT_EQ(NextRevision(**watch), 9);
  EXPECT_EQ(NextRevision(**watch), 10);
  EXPECT_EQ(client.starts, (std::vector<std::int64_t>{0, 10}));
}

TEST(WatchTest, AWatchFromNowThatBreaksBeforeAnyEventMissesNothing) {
  ScriptedClient client;
  client.streams = {{Created(5)}, {Created(8), Event(6)}};
  auto watch = Watch::Start(client, {});
  ASSERT_TRUE(watch.ok());
  EXPECT_EQ(NextRevision(**watch), 6);
  EXPECT_EQ(client.starts, (std::vector<std::int64_t>{0, 6}));
}

TEST(WatchTest, PutsFragmentsTogetherAndForgetsThemWhenTheStreamBreaksBetween) {
  WatchResponse part = Event(6, "a");
  part.set_fragment(true);
  ScriptedClient client;
  client.streams = {{Created(5), part}, {Created(6), part, Event(6, "b")}};
  auto watch = Watch::Start(client, {});
  ASSERT_TRUE(watch.ok());
  auto response = (*watch)->Next(milliseconds(10));
  ASSERT_TRUE(response.ok() && response->has_value());
  ASSERT_EQ((*response)->events_size(), 2);
  EXPECT_EQ((*response)->events(0).kv().key(), "a");
  EXPECT_EQ((*response)->events(1).kv().key(), "b");
  EXPECT_EQ(client.starts, (std::vector<std::int64_t>{0, 6}));
}

TEST(WatchTest, AServersCancelIsHandedOutOnceAndEndsIt) {
  WatchResponse compacted;
  compacted.set_canceled(true);
  compacted.set_compact_revision(42);
  ScriptedClient client;
  client.streams = {{Created(50), compacted}};
  auto watch = Watch::Start(client, {});
  ASSERT_TRUE(watch.ok());
  auto response = (*watch)->Next(milliseconds(10));
  ASSERT_TRUE(response.ok() && response->has_value());
  EXPECT_EQ((*response)->compact_revision(), 42);
  EXPECT_EQ(WhyEnded(**response).message, "etcdserver: mvcc: required revision has been compacted");
  EXPECT_FALSE((*watch)->Next(milliseconds(10)).ok());
}

TEST(WatchTest, WhyItEndedIsToldAsEtcdsClientTellsIt) {
  WatchResponse refused;
  refused.set_canceled(true);
  EXPECT_EQ(WhyEnded(refused).message, "etcdserver: mvcc: required revision is a future revision");
  refused.set_cancel_reason("etcdserver: permission denied");
  EXPECT_EQ(WhyEnded(refused).message, "etcdserver: permission denied");
}

TEST(WatchTest, AProgressNoticeMovesTheResumePoint) {
  WatchResponse notice;
  notice.mutable_header()->set_revision(30);
  notice.set_watch_id(-1);
  ScriptedClient client;
  client.streams = {{Created(5), notice}, {Created(30), Event(31)}};
  auto watch = Watch::Start(client, {});
  ASSERT_TRUE(watch.ok());
  ASSERT_TRUE((*watch)->Next(milliseconds(10)).ok());
  EXPECT_EQ(NextRevision(**watch), 31);
  EXPECT_EQ(client.starts, (std::vector<std::int64_t>{0, 31}));
}

}  // namespace
}  // namespace quorate::etcdclient
