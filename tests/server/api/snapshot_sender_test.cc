// SnapshotSender: a snapshot on its way to a client that reads, reads slowly, or not at all.
#include "api/snapshot_sender.h"

#include <gtest/gtest.h>

#include <optional>
#include <thread>

#include "proto/rpc.pb.h"

namespace quorate::api {
namespace {

using std::chrono::milliseconds;

// A client that has taken nothing yet of what was sent.
class FakeStream final : public rpc::Stream {
 public:
  std::string_view path() const override { return {}; }
  std::string_view metadata(std::string_view) const override { return {}; }
  bool has_metadata(std::string_view) const override { return false; }
  std::optional<std::chrono::steady_clock::time_point> deadline() const override { return {}; }
  const std::string& remote_address() const override { return text_; }
  const std::optional<net::TlsPeer>& tls() const override { return tls_; }
  net::EventLoop& loop() const override { std::abort(); }
  bool cancelled() const override { return false; }
  void OnCancel(std::function<void()>) override {}
  void OnMessage(std::function<void(std::string)>) override {}
  void OnHalfClose(std::function<void()>) override {}
  void OnDrained(std::function<void()>) override {}
  void Send(std::string message) override { buffered += message.size(); }
  void Send(std::shared_ptr<const std::string> message) override { buffered += message->size(); }
  void Finish(Status status) override { finished = std::move(status); }
  std::size_t buffered_bytes() const override { return buffered; }
  void PauseMessages() override {}
  void ResumeMessages() override {}

  std::atomic<std::size_t> buffered{0};
  std::optional<Status> finished;

 private:
  const std::string text_;
  const std::optional<net::TlsPeer> tls_;
};

class SnapshotSenderTest : public testing::Test {
 protected:
  const std::shared_ptr<FakeStream> stream_ = std::make_shared<FakeStream>();
  std::atomic<bool> enough_{false};
  const std::string much_ = std::string(8 << 20, 'x');
};

// Two clients that stopped reading kept both background threads, and a view of the store each, for
// as long as their connections lived: nothing was installed and nothing sent to other members.
TEST_F(SnapshotSenderTest, AClientThatDoesNotReadIsToldSoAndNotWaitedForAnyLonger) {
  SnapshotSender sender(stream_, milliseconds(300));
  sender.Begin(much_.size(), enough_);
  EXPECT_FALSE(sender.Write(much_));
  sender.End(Error{Code::kCancelled, "the receiver is gone"});
  ASSERT_TRUE(stream_->finished.has_value());
  ASSERT_FALSE(stream_->finished->ok());
  EXPECT_EQ(stream_->finished->error().code, Code::kDeadlineExceeded);
  EXPECT_EQ(stream_->finished->error().message,
            "the client has not read its snapshot for too long; ask again and read on");
}

TEST_F(SnapshotSenderTest, AClientThatStopsBeforeTheDigestIsToldTheSame) {
  SnapshotSender sender(stream_, milliseconds(300));
  sender.Begin(5 << 20, enough_);
  EXPECT_TRUE(sender.Write(std::string_view(much_).substr(0, 4 << 20)));
  sender.End({});
  ASSERT_TRUE(stream_->finished.has_value() && !stream_->finished->ok());
  EXPECT_EQ(stream_->finished->error().code, Code::kDeadlineExceeded);
}

TEST_F(SnapshotSenderTest, AClientThatTakesAPieceNowAndThenGetsAll) {
  SnapshotSender sender(stream_, milliseconds(2000));
  sender.Begin(much_.size(), enough_);
  std::jthread reader([&](const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      std::this_thread::sleep_for(milliseconds(20));
      stream_->buffered -= std::min<std::size_t>(stream_->buffered, 512 << 10);
    }
  });
  EXPECT_TRUE(sender.Write(much_));
  sender.End({});
  EXPECT_TRUE(stream_->finished.has_value() && stream_->finished->ok());
}

TEST_F(SnapshotSenderTest, WhatItWaitsForEndsWhenItIsEnough) {
  SnapshotSender sender(stream_, std::chrono::hours(1));
  sender.Begin(much_.size(), enough_);
  std::jthread install([&] { enough_ = true; });
  EXPECT_FALSE(sender.Write(much_));
  sender.End(Error{Code::kUnavailable, "ask again"});
  ASSERT_TRUE(stream_->finished.has_value());
  EXPECT_EQ(stream_->finished->error().message, "ask again");
}

}  // namespace
}  // namespace quorate::api
