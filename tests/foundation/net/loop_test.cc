#include <atomic>
#include <future>
#include <thread>

#include "foundation/net/fixture.h"
#include "net/connection.h"
#include "net/event_loop.h"
#include "net/resolver.h"
#include "support/wait.h"

namespace quorate::net {
namespace {

using test::WaitFor;

TEST(EventLoopTest, RunsTasksOfOneThreadInTheirOrder) {
  RunningLoop running("loop");
  std::vector<int> seen;
  for (int i = 0; i < 1000; ++i) running.loop.Post([&seen, i] { seen.push_back(i); });
  running.loop.RunSync([] {});
  ASSERT_EQ(seen.size(), 1000U);
  EXPECT_TRUE(std::is_sorted(seen.begin(), seen.end()));
}

TEST(EventLoopTest, StopRunsWhatWasPostedBefore) {
  EventLoop loop("loop");
  loop.Start();
  int ran = 0;
  for (int i = 0; i < 100; ++i) loop.Post([&ran] { ++ran; });
  loop.Stop();
  EXPECT_EQ(ran, 100);
  loop.Post([&ran] { ++ran; });
  EXPECT_EQ(ran, 100);
}

TEST(EventLoopTest, TurnEndComesAfterTheTasksThatAreReady) {
  RunningLoop running("loop");
  std::vector<std::string> seen;
  std::promise<void> done;
  running.loop.Post([&] {
    running.loop.AtTurnEnd([&] {
      seen.push_back("end");
      done.set_value();
    });
    seen.push_back("first");
  });
  done.get_future().wait();
  EXPECT_EQ(seen, (std::vector<std::string>{"first", "end"}));
}

TEST(EventLoopTest, KnowsItsOwnThread) {
  RunningLoop running("loop");
  EXPECT_FALSE(running.loop.InLoop());
  bool inside = false;
  running.loop.RunSync([&] { inside = running.loop.InLoop(); });
  EXPECT_TRUE(inside);
}

TEST(TimerTest, FiresOnceAndNeverAfterCancel) {
  RunningLoop running("loop");
  std::promise<void> fired;
  std::unique_ptr<Timer> kept;
  std::unique_ptr<Timer> cancelled;
  int count = 0;
  running.loop.RunSync([&] {
    kept = std::make_unique<Timer>(running.loop);
    cancelled = std::make_unique<Timer>(running.loop);
    cancelled->Set(std::chrono::milliseconds(1), [&] { count += 100; });
    kept->Set(std::chrono::milliseconds(1), [&] { count += 1000; });  // replaced
    kept->Set(std::chrono::milliseconds(5), [&] {
      ++count;
      fired.set_value();
    });
    cancelled->Cancel();
  });
  fired.get_future().wait();
  running.loop.RunSync([&] {
    EXPECT_EQ(count, 1);
    EXPECT_FALSE(kept->active());
    kept.reset();
    cancelled.reset();
  });
}

TEST(EndpointTest, ReadsTheUrlsThatEtcdTakes) {
  const Endpoint v4 = ParseUrl("http://10.0.0.1:2379").value();
  EXPECT_EQ(v4.host, "10.0.0.1");
  EXPECT_EQ(v4.port, 2379);
  EXPECT_FALSE(v4.tls);
  const Endpoint v6 = ParseUrl("https://[::1]:2380").value();
  EXPECT_EQ(v6.host, "::1");
  EXPECT_TRUE(v6.tls);
  EXPECT_EQ(ToUrl(v6), "https://[::1]:2380");
  const Endpoint socket = ParseUrl("unixs://localhost:1").value();
  EXPECT_EQ(socket.unix_path, "localhost:1");
  EXPECT_EQ(ToUrl(socket), "unixs://localhost:1");
}

TEST(EndpointTest, RefusesOthersSayingWhy) {
  EXPECT_EQ(ParseUrl("ftp://a:1").error().message,
            "URL scheme must be http, https, unix, or unixs: ftp://a:1");
  EXPECT_EQ(ParseUrl("http://a:1/x").error().message, "URL must not contain a path: http://a:1/x");
  EXPECT_EQ(ParseUrl("http://a").error().message,
            "URL address does not have the form \"host:port\": http://a");
  EXPECT_FALSE(ParseUrl("http://a:99999").ok());
  EXPECT_FALSE(ParseHostPort("::1:80").ok());
}

TEST(ListenerTest, SaysWhenThePortIsTaken) {
  RunningLoop running("loop");
  ListenOptions options;
  options.endpoint = ParseHostPort("127.0.0.1:0").value();
  auto first = Listener::Bind({&running.loop}, options).value();
  options.endpoint.port = first->local().port;
  const auto second = Listener::Bind({&running.loop}, options);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().message, "listen tcp 127.0.0.1:" + std::to_string(first->local().port) +
                                        ": bind: address already in use");
}

TEST(ListenerTest, WhoComesToAFullListenerWaitsUntilSomebodyLeaves) {
  RunningLoop running("loop");
  ListenOptions options;
  options.endpoint = ParseHostPort("127.0.0.1:0").value();
  options.connections_max = 2;
  auto listener = Listener::Bind({&running.loop}, options).value();
  std::atomic<int> accepted{0};
  std::vector<std::shared_ptr<Connection>> served;  // on the loop
  listener->Start([&](std::shared_ptr<Connection> connection) {
    served.push_back(std::move(connection));
    ++accepted;
  });
  std::atomic<int> connected{0};
  std::vector<std::shared_ptr<Connection>> dialled;
  DialOptions dial;
  dial.endpoint = listener->local();
  for (int i = 0; i < 4; ++i) {
    Dial(running.loop, dial, [&](Result<std::shared_ptr<Connection>> connection) {
      ASSERT_TRUE(connection.ok()) << connection.error().message;
      dialled.push_back(std::move(connection).value());
      ++connected;
    });
  }
  EXPECT_TRUE(WaitFor([&] { return connected == 4 && accepted == 2; }));
  // The loop turns a few times more: nobody is let in.
  for (int i = 0; i < 20; ++i) running.loop.RunSync([] {});
  EXPECT_EQ(accepted, 2);
  running.loop.RunSync([&] {
    served.front()->Close();
    served.erase(served.begin());
  });
  EXPECT_TRUE(WaitFor([&] { return accepted == 3; }));
  running.loop.RunSync([&] {
    for (const auto& connection : dialled) connection->Close();
    for (const auto& connection : served) connection->Close();
    dialled.clear();
    served.clear();
  });
  listener->Stop();
}

// Two ends of a connection on one loop; what arrives at the second is kept.
class ConnectionTest : public testing::Test, public ConnectionHandler {
 protected:
  ConnectionTest() {
    ListenOptions listen;
    listen.endpoint = ParseHostPort("127.0.0.1:0").value();
    listener_ = Listener::Bind({&running_.loop}, listen).value();
    listener_->Start([this](std::shared_ptr<Connection> connection) {
      there_ = std::move(connection);
      ++ends_;
    });
    DialOptions dial;
    dial.endpoint = listener_->local();
    Dial(running_.loop, dial, [this](Result<std::shared_ptr<Connection>> connection) {
      here_ = std::move(connection).value();
      ++ends_;
    });
    EXPECT_TRUE(WaitFor([this] { return ends_ == 2; }));
  }
  ~ConnectionTest() override {
    OnLoop([this] {
      here_->Close();
      there_->Detach();
      there_->Close();
    });
    listener_->Stop();
  }

  void OnLoop(const Task& task) { running_.loop.RunSync(task); }
  void OnData(std::string_view bytes) override { received_ += bytes.size(); }
  void OnClosed(const Error& reason) override {
    end_ = reason.message;
    closed_ = true;
  }

  RunningLoop running_{"loop"};
  std::unique_ptr<Listener> listener_;
  std::shared_ptr<Connection> here_;
  std::shared_ptr<Connection> there_;
  std::atomic<int> ends_{0};
  std::atomic<std::size_t> received_{0};
  std::string end_;
  std::atomic<bool> closed_{false};
};

// The kernel tells of bytes once, and at a time when nobody wants them.
TEST_F(ConnectionTest, WhatArrivesDuringAPauseIsReadWhenItEnds) {
  OnLoop([this] {
    there_->Start(this);
    there_->PauseReading();
    here_->Write("hello");
  });
  for (int i = 0; i < 20; ++i) OnLoop([] {});  // it has arrived by then, if not it proves less
  EXPECT_EQ(received_, 0U);
  OnLoop([this] { there_->ResumeReading(); });
  EXPECT_TRUE(WaitFor([this] { return received_ == 5; }));
}

TEST_F(ConnectionTest, BytesAndTheEndMayComeAtOnce) {
  OnLoop([this] {
    here_->Write("hello");
    here_->CloseWhenFlushed();
  });
  for (int i = 0; i < 20; ++i) OnLoop([] {});
  OnLoop([this] { there_->Start(this); });
  EXPECT_TRUE(WaitFor([this] { return closed_.load(); }));
  EXPECT_EQ(received_, 5U);
  EXPECT_EQ(end_, "EOF");
}

// More than one read takes, and more than the socket takes before somebody reads.
TEST_F(ConnectionTest, WhatNoSocketHoldsAtOnceArrivesInFull) {
  constexpr std::size_t kBytes = std::size_t{24} << 20;
  OnLoop([this] {
    there_->Start(this);
    there_->PauseReading();
    here_->WriteOwned(std::string(kBytes, 'x'));
  });
  for (int i = 0; i < 20; ++i) OnLoop([] {});
  OnLoop([this] {
    EXPECT_GT(here_->buffered_bytes(), 0U);
    there_->ResumeReading();
  });
  EXPECT_TRUE(WaitFor([this] { return received_ == kBytes; }));
  OnLoop([this] { EXPECT_EQ(here_->buffered_bytes(), 0U); });
}

TEST(DialTest, SaysWhenNobodyListens) {
  RunningLoop running("loop");
  ListenOptions listen;
  listen.endpoint = ParseHostPort("127.0.0.1:0").value();
  auto listener = Listener::Bind({&running.loop}, listen).value();
  DialOptions options;
  options.endpoint = listener->local();
  listener->Stop();
  std::promise<Error> failed;
  Dial(running.loop, options, [&](auto connection) { failed.set_value(connection.error()); });
  const Error error = failed.get_future().get();
  EXPECT_EQ(error.code, Code::kUnavailable);
  EXPECT_EQ(error.message, "dial tcp 127.0.0.1:" + std::to_string(options.endpoint.port) +
                               ": connect: connection refused");
}

TEST(DialTest, SaysWhenTheNameIsUnknown) {
  RunningLoop running("loop");
  DialOptions options;
  options.endpoint = ParseHostPort("nosuch.invalid:1").value();
  options.timeout = std::chrono::seconds(10);
  std::promise<Error> failed;
  Dial(running.loop, options, [&](auto connection) { failed.set_value(connection.error()); });
  const Error error = failed.get_future().get();
  EXPECT_THAT(error.message, ::testing::StartsWith("dial tcp: lookup nosuch.invalid"));
}

// Two names were asked for at the same moment: the thread that was woken for the first counted as
// free for the second, which then waited behind it, for a dead name server as long as that takes.
TEST(ResolverTest, ASlowLookupHoldsUpNoOther) {
  for (int round = 0; round < 50; ++round) {
    Resolver resolver;
    std::promise<void> rested;
    resolver.Resolve("localhost", 1, [&](const auto&) { rested.set_value(); });
    rested.get_future().wait();
    std::promise<void> slow_may_end;
    std::promise<void> slow_ended;
    std::promise<void> quick_ended;
    resolver.Resolve("localhost", 1, [&](const auto&) {
      slow_may_end.get_future().wait();
      slow_ended.set_value();
    });
    resolver.Resolve("localhost", 1, [&](const auto&) { quick_ended.set_value(); });
    const auto quick = quick_ended.get_future().wait_for(std::chrono::seconds(20));
    slow_may_end.set_value();
    slow_ended.get_future().wait();
    ASSERT_EQ(quick, std::future_status::ready);
  }
}

// A lookup cannot be interrupted, so nobody waits for its thread. It gave its answer to the loop by
// a reference, and the loop of a member that stops was gone by then. AddressSanitizer and valgrind
// see it.
TEST(DialTest, ALookupMayOutliveItsLoop) {
  DialOptions options;
  options.endpoint = ParseHostPort("nosuch.invalid:1").value();
  for (int i = 0; i < 4; ++i) {
    std::promise<Error> ended;
    {
      RunningLoop running("loop");
      Dial(running.loop, options, [&](auto connection) { ended.set_value(connection.error()); });
      running.loop.RunSync([] {});
    }
    EXPECT_THAT(ended.get_future().get().message, ::testing::StartsWith("dial"));
  }
  // Takes as long as those did, so they have ended too.
  EXPECT_FALSE(Resolver::ResolveNow(options.endpoint.host, options.endpoint.port, false).ok());
}

// The thread of the lookup let go of the dial after the loop had ended it, and cancelled its timer
// beside the loop.
TEST(DialTest, IsEndedByItsLoopThoughItsLookupEndsLast) {
  RunningLoop running("loop");
  std::atomic<int> ended{0};
  std::atomic<int> ended_elsewhere{0};
  std::atomic<int> done{0};
  constexpr int kDials = 400;
  for (int i = 0; i < kDials; ++i) {
    DialOptions options;
    options.endpoint = ParseHostPort("localhost:1").value();
    options.timeout = std::chrono::milliseconds(i % 2);
    options.tls = std::shared_ptr<TlsClient>(static_cast<TlsClient*>(nullptr), [&](TlsClient*) {
      if (!running.loop.InLoop()) ++ended_elsewhere;
      ++ended;
    });
    Dial(running.loop, std::move(options), [&](const auto&) { ++done; });
  }
  EXPECT_TRUE(WaitFor([&] { return ended == kDials; }));
  EXPECT_EQ(done, kDials);
  EXPECT_EQ(ended_elsewhere, 0);
}

}  // namespace
}  // namespace quorate::net
