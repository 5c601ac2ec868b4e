#include "peer/transport.h"

#include <atomic>

#include "base/bytes.h"
#include "base/digest.h"
#include "base/mutex.h"
#include "io/real_clock.h"
#include "io/real_disk.h"
#include "net/endpoint.h"
#include "net/http_client.h"
#include "net/listener.h"
#include "peer/headers.h"
#include "peer/snapshot_receiver.h"
#include "peers/process.h"
#include "sim/disk.h"
#include "support/wait.h"
#include "wire/raftpb.h"

namespace quorate::peer {
namespace {

using raft::Message;
using raft::MessageType;
using test::WaitFor;

class Heard final : public Events {
 public:
  void OnMessages(std::vector<Message>& messages) override {
    MutexLock lock(mutex_);
    for (Message& m : messages) messages_.push_back(std::move(m));
  }
  void OnUnreachable(MemberId) override { ++unreachable; }
  void OnGone(MemberId member) override { gone = member.value; }
  void OnSelfRemoved() override { removed_self = true; }
  bool IsRemoved(MemberId member) const override { return member.value == removed_member; }
  bool TellsRemoved() const override { return tells; }

  std::vector<Message> messages() const {
    MutexLock lock(mutex_);
    return messages_;
  }

  std::atomic<int> unreachable{0};
  std::atomic<std::uint64_t> gone{0};
  std::atomic<bool> removed_self{false};
  std::atomic<std::uint64_t> removed_member{0};
  std::atomic<bool> tells{true};  // it so

 private:
  mutable Mutex mutex_;
  std::vector<Message> messages_;
};

bool RunNow(const std::function<void()>& task) {
  task();
  return true;
}

constexpr std::size_t kPostedBytesMax = 1 << 20;

// A member with nothing but its network.
class Member {
 public:
  explicit Member(std::uint64_t id, std::uint64_t cluster = 1, Background background = RunNow,
                  io::Disk* disk = nullptr)
      : loop_("peer") {
    net::ListenOptions listen;
    listen.endpoint.host = "127.0.0.1";
    listener_ = net::Listener::Bind({&loop_}, listen).value();
    options_.self = MemberId{id};
    options_.cluster = ClusterId{cluster};
    options_.peer_urls = {url()};
    options_.snapshot_directory = scratch_.path();
    options_.posted_bytes_max = kPostedBytesMax;
    loop_.Start();
    transport_ = std::make_unique<Transport>(
        options_, Transport::Parts{.loop = &loop_,
                                   .clock = &clock_,
                                   .disk = disk == nullptr ? &disk_ : disk,
                                   .background = std::move(background),
                                   .events = &heard_});
    server_ = std::make_unique<net::HttpServer>(
        net::HttpServerOptions{}, [this](std::shared_ptr<net::HttpExchange> exchange) {
          transport_->Serve(std::move(exchange));
        });
    listener_->Start([this](std::shared_ptr<net::Connection> connection) {
      server_->Serve(std::move(connection));
    });
  }
  ~Member() {
    listener_->Stop();
    transport_->Stop();
    server_->Drain(std::chrono::milliseconds(0));
    server_.reset();
    transport_.reset();
    loop_.Stop();
  }

  std::string url() const { return net::ToUrl(listener_->local()); }
  MemberId id() const { return options_.self; }
  Heard& heard() { return heard_; }
  Transport& transport() { return *transport_; }
  std::string directory() const { return scratch_.path(); }
  void Knows(const Member& other) { transport_->UpdatePeers({{other.id(), {other.url()}}}); }
  bool Reaches(const Member& other) { return transport_->ConnectedSince(other.id()).has_value(); }

  void Send(MemberId to, MessageType type, std::uint64_t term) {
    std::vector<Message> messages(1);
    messages[0].type = type;
    messages[0].from = id();
    messages[0].to = to;
    messages[0].term = Term{term};
    transport_->Send(messages);
  }

 private:
  test::ScratchDirectory scratch_;
  io::RealClock clock_;
  io::RealDisk disk_;
  Heard heard_;
  Options options_;
  net::EventLoop loop_;
  std::unique_ptr<net::Listener> listener_;
  std::unique_ptr<Transport> transport_;
  std::unique_ptr<net::HttpServer> server_;
};

class Body final : public SnapshotBody {
 public:
  explicit Body(std::string bytes, std::size_t announced = 0, std::string sha256 = {})
      : bytes_(std::move(bytes)),
        announced_(announced == 0 ? bytes_.size() : announced),
        sha256_(std::move(sha256)) {}
  std::string sha256() override { return sha256_; }
  std::uint64_t size() override { return announced_; }
  Result<std::size_t> Read(std::span<std::byte> out) override {
    if (at_ == bytes_.size() && announced_ > bytes_.size()) {
      return Error{Code::kInternal, "the disk failed"};
    }
    const std::size_t size = std::min(out.size(), bytes_.size() - at_);
    std::copy_n(AsBytes(bytes_).begin() + static_cast<std::ptrdiff_t>(at_), size, out.begin());
    at_ += size;
    return size;
  }

 private:
  const std::string bytes_;
  const std::size_t announced_;
  const std::string sha256_;
  std::size_t at_ = 0;
};

Message MakeSnapshot(const Member& from, MemberId to, std::uint64_t index) {
  auto snapshot = std::make_shared<raft::Snapshot>();
  snapshot->metadata.index = LogIndex{index};
  snapshot->metadata.term = Term{1};
  Message m;
  m.type = MessageType::kSnap;
  m.from = from.id();
  m.to = to;
  m.term = Term{1};
  m.snapshot = std::move(snapshot);
  return m;
}

TEST(TransportTest, MessagesTravelBothWaysInOrder) {
  Member a(1);
  Member b(2);
  a.Knows(b);
  b.Knows(a);
  ASSERT_TRUE(WaitFor([&] { return a.Reaches(b) && b.Reaches(a); }));
  for (std::uint64_t term = 1; term <= 100; ++term) {
    a.Send(b.id(), term % 2 == 0 ? MessageType::kHeartbeat : MessageType::kVote, term);
    b.Send(a.id(), MessageType::kApp, term);
  }
  ASSERT_TRUE(WaitFor(
      [&] { return b.heard().messages().size() >= 100 && a.heard().messages().size() >= 100; }));
  for (std::uint64_t i = 0; i < 100; ++i) {
    EXPECT_EQ(b.heard().messages()[i].term, Term{i + 1});
    EXPECT_EQ(a.heard().messages()[i].term, Term{i + 1});
  }
}

TEST(TransportTest, SingleRequestsCarryMessagesWhileTheOtherOpensNoStreams) {
  Member a(1);
  Member b(2);  // does not know a, so it opens no streams to it
  a.Knows(b);
  a.Send(b.id(), MessageType::kVote, 5);
  ASSERT_TRUE(WaitFor([&] { return b.heard().messages().size() == 1; }));
  EXPECT_EQ(b.heard().messages()[0].term, Term{5});
}

TEST(TransportTest, SomebodyUnreachableIsReported) {
  Member a(1);
  std::optional<Member> b(std::in_place, 2);
  a.Knows(*b);
  const MemberId gone = b->id();
  b.reset();
  a.Send(gone, MessageType::kVote, 5);
  EXPECT_TRUE(WaitFor([&] { return a.heard().unreachable > 0; }));
  EXPECT_FALSE(a.transport().ConnectedSince(gone).has_value());
}

TEST(TransportTest, SomebodyWhoWasThereAndHasEndedIsReportedAsGone) {
  Member a(1);
  std::optional<Member> b(std::in_place, 2);
  a.Knows(*b);
  b->Knows(a);
  ASSERT_TRUE(WaitFor([&] { return a.Reaches(*b); }));
  EXPECT_EQ(a.heard().gone, 0U);
  b.reset();
  EXPECT_TRUE(WaitFor([&] { return a.heard().gone == 2; }));
}

TEST(TransportTest, SomebodyWhoHasNeverBeenThereIsNotGone) {
  Member a(1);
  std::optional<Member> b(std::in_place, 2);
  const MemberId missing = b->id();
  const PeerUrls urls = {{missing, {b->url()}}};
  b.reset();
  a.transport().UpdatePeers(urls);
  a.Send(missing, MessageType::kVote, 5);
  ASSERT_TRUE(WaitFor([&] { return a.heard().unreachable > 0; }));
  EXPECT_EQ(a.heard().gone, 0U);
}

TEST(TransportTest, AnotherClustersMemberIsRefused) {
  Member a(1, 1);
  Member b(2, 99);
  a.Knows(b);
  b.Knows(a);
  a.Send(b.id(), MessageType::kVote, 5);
  EXPECT_TRUE(WaitFor([&] { return a.heard().unreachable > 0; }));
  EXPECT_FALSE(a.Reaches(b));
  EXPECT_TRUE(b.heard().messages().empty());
}

// The status with which a request is answered.
int Answer(const Member& there, net::HttpRequest request) {
  net::EventLoop loop("client");
  loop.Start();
  net::HttpClient client(loop, {});
  std::atomic<int> status{0};
  net::HttpCallEvents events;
  events.on_head = [&](const net::HttpResponse& head) { status = head.status; };
  events.on_end = [](const Status&) {};
  const auto call =
      client.Start(net::ParseUrl(there.url()).value(), std::move(request), {}, std::move(events));
  EXPECT_TRUE(WaitFor([&] { return status != 0; }));
  call->Cancel();
  loop.Stop();
  return status;
}

Options MakeSender(std::uint64_t id) {
  Options sender;
  sender.self = MemberId{id};
  sender.cluster = ClusterId{1};
  return sender;
}

net::HttpRequest MakePost(const Options& sender, std::string target, std::string body) {
  net::HttpRequest request;
  request.method = "POST";
  request.target = std::move(target);
  request.headers = RequestHeaders(sender);
  request.body = std::move(body);
  return request;
}

Message MakeVote(std::uint64_t from, std::uint64_t to) {
  Message vote;
  vote.type = MessageType::kVote;
  vote.from = MemberId{from};
  vote.to = MemberId{to};
  vote.term = Term{5};
  return vote;
}

TEST(TransportTest, ARemovedMembersMessageIsRefused) {
  Member a(1);
  const auto post = [&] {
    return Answer(a, MakePost(MakeSender(2), "/raft", wire::EncodeMessage(MakeVote(2, 1))));
  };
  EXPECT_EQ(post(), 204);
  a.heard().removed_member = 2;
  EXPECT_EQ(post(), 403);
  EXPECT_EQ(a.heard().messages().size(), 1U);
}

TEST(TransportTest, WhoIsTooOldOrTooNewIsRefused) {
  Member a(1);
  Options old = MakeSender(2);
  old.version = "2.3.0";
  Options young = MakeSender(2);
  young.version = "4.1.0";
  young.min_cluster_version = "4.0.0";
  for (const Options& sender : {old, young}) {
    EXPECT_EQ(Answer(a, MakePost(sender, "/raft", wire::EncodeMessage(MakeVote(2, 1)))), 412);
  }
  EXPECT_TRUE(a.heard().messages().empty());
}

// An address was given to another member: what is for the one before must not count.
TEST(TransportTest, WhatIsMeantForAnotherMemberIsRefusedHoweverItComes) {
  Member a(1);
  Member b(2);
  a.Knows(b);
  const Options sender = MakeSender(2);
  EXPECT_EQ(Answer(a, MakePost(sender, "/raft", wire::EncodeMessage(MakeVote(2, 9)))), 403);
  const std::string message = wire::EncodeMessage(MakeSnapshot(b, MemberId{9}, 3));
  std::string body;
  AppendBigEndian64(body, message.size());
  EXPECT_EQ(Answer(a, MakePost(sender, "/raft/snapshot", body + message + "database")), 403);
  net::HttpRequest stream;
  stream.target = "/raft/stream/message/2";
  stream.headers = RequestHeaders(sender);
  stream.headers.Set(kToHeader, "9");
  EXPECT_EQ(Answer(a, std::move(stream)), 412);
  EXPECT_TRUE(a.heard().messages().empty());
}

TEST(TransportTest, ARemovedMemberIsToldSo) {
  Member a(1);
  Member b(2);
  a.heard().removed_member = 2;
  b.Knows(a);
  EXPECT_TRUE(WaitFor([&] { return b.heard().removed_self.load(); }));
}

// What is answered to `from`, asking for `to`'s messages where `there` listens.
int AnswerToStream(const Member& there, MemberId from, MemberId to) {
  net::HttpRequest request;
  request.target = "/raft/stream/message/" + ToHex(from.value);
  request.headers = RequestHeaders(MakeSender(from.value));
  request.headers.Set(kToHeader, ToHex(to.value));
  return Answer(there, std::move(request));
}

// Of two voters the leader removed itself and stayed for the other, which did not know yet. A
// message for that one came to the leader itself, which told itself that it was removed, and ended;
// the other never led.
TEST(TransportTest, NobodyIsToldByTheWrongMemberThatItWasRemoved) {
  const MemberId removed{2};
  Member stays(1);
  Member itself(removed.value);
  Member third(3);
  for (Member* member : {&stays, &itself, &third}) member->heard().removed_member = removed.value;
  itself.Knows(stays);
  third.Knows(stays);
  EXPECT_TRUE(WaitFor([&] { return AnswerToStream(itself, removed, stays.id()) == 412; }));
  EXPECT_TRUE(WaitFor([&] { return AnswerToStream(third, removed, stays.id()) == 412; }));
  EXPECT_EQ(AnswerToStream(stays, removed, stays.id()), 410);
  EXPECT_EQ(AnswerToStream(third, removed, third.id()), 410);
  // Somebody who was at this address and is no member any more does not tell it.
  EXPECT_EQ(AnswerToStream(third, removed, MemberId{9}), 410);
}

// A learner knew of a removal before the one voter that stayed, told the removed one, and that
// ended; the other needed its vote for ever after (--fault two-to-one of the cluster simulator).
TEST(TransportTest, WhoIsNotToTellAMemberThatItWasRemovedLetsItAskAgain) {
  Member a(1);
  Member b(2);
  a.heard().tells = false;
  a.heard().removed_member = b.id().value;
  b.Knows(a);
  EXPECT_TRUE(WaitFor([&] { return AnswerToStream(a, b.id(), a.id()) == 503; }));
  b.Send(a.id(), MessageType::kHeartbeatResp, 1);  // by a single request
  EXPECT_TRUE(WaitFor([&] { return b.heard().unreachable > 0; }));
  EXPECT_TRUE(a.heard().messages().empty());
  EXPECT_FALSE(b.heard().removed_self);
  a.heard().tells = true;
  EXPECT_TRUE(WaitFor([&] { return b.heard().removed_self.load(); }));
}

// A member that was stopping still served its peer port: a stream from somebody of whom it had just
// let go made it dial back, and the dialling outlived the transport (SIGSEGV in 3 of 100 stops).
TEST(TransportTest, OneThatIsStoppedDialsNobodyWhoComes) {
  Member a(1);
  Member b(2);
  b.transport().Stop();
  net::EventLoop loop("client");
  loop.Start();
  net::HttpClient client(loop, {});
  Options caller;
  caller.self = a.id();
  caller.cluster = ClusterId{1};
  caller.peer_urls = {a.url()};
  net::HttpRequest request;
  request.target = "/raft/stream/message/1";
  request.headers = RequestHeaders(caller);
  request.headers.Set("X-Raft-To", "2");
  std::atomic<int> status{0};
  net::HttpCallEvents events;
  events.on_head = [&](const net::HttpResponse& head) { status = head.status; };
  events.on_end = [](const Status&) {};
  const auto call =
      client.Start(net::ParseUrl(b.url()).value(), std::move(request), {}, std::move(events));
  EXPECT_TRUE(WaitFor([&] { return status == 503; })) << status;
  call->Cancel();
  loop.Stop();
}

TEST(TransportTest, AMemberThatMovedIsFoundAtItsNewAddress) {
  Member a(1);
  std::optional<Member> b(std::in_place, 2);
  a.Knows(*b);
  b->Knows(a);
  ASSERT_TRUE(WaitFor([&] { return a.Reaches(*b); }));
  b.reset();
  Member moved(2);
  moved.Knows(a);
  EXPECT_TRUE(WaitFor([&] {
    a.Send(moved.id(), MessageType::kVote, 7);
    return !moved.heard().messages().empty();
  })) << "it calls";
  a.Knows(moved);
  EXPECT_TRUE(WaitFor([&] { return a.Reaches(moved); }));
}

// It was added while we were away: its entries come before the one that says who it is.
TEST(TransportTest, AMemberWeDoNotKnowYetIsAnsweredAtTheAddressThatItTells) {
  Member a(1);
  Member added(2);
  added.Knows(a);
  EXPECT_TRUE(WaitFor([&] {
    a.Send(added.id(), MessageType::kAppResp, 7);
    return !added.heard().messages().empty();
  }));
}

TEST(TransportTest, ASnapshotArrivesWholeBeforeRaftHearsOfIt) {
  Member a(1);
  Member b(2);
  a.Knows(b);
  std::string database(3'000'000, 'd');
  for (std::size_t i = 0; i < database.size(); i += 997) database[i] = static_cast<char>(i);
  std::atomic<int> outcome{-1};
  a.transport().SendSnapshot(MakeSnapshot(a, b.id(), 0x2a), std::make_shared<Body>(database),
                             [&](bool delivered) { outcome = delivered ? 1 : 0; });
  ASSERT_TRUE(WaitFor([&] { return outcome != -1; }));
  EXPECT_EQ(outcome, 1);
  ASSERT_EQ(b.heard().messages().size(), 1U);
  EXPECT_EQ(b.heard().messages()[0].snapshot->metadata.index, LogIndex{0x2a});
  io::RealDisk disk;
  EXPECT_TRUE(io::ReadFile(disk, b.directory() + "/000000000000002a.snap.db").value() == database);
}

// Raft hears of it, marks it in the log and drops the entries before it: a power loss at that very
// moment must leave the file, whole and under its name.
TEST(TransportTest, ASnapshotThatRaftHasHeardOfSurvivesAPowerLoss) {
  const std::string database(3'000'000, 'd');
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    sim::Disk disk(seed);
    Member a(1);
    Member b(2, 1, RunNow, &disk);
    ASSERT_TRUE(disk.MakeDirectories(b.directory()).ok());
    a.Knows(b);
    a.transport().SendSnapshot(MakeSnapshot(a, b.id(), 0x2a), std::make_shared<Body>(database),
                               [](bool) {});
    ASSERT_TRUE(WaitFor([&] { return !b.heard().messages().empty(); }));
    disk.Crash();
    const auto read = io::ReadFile(disk, b.directory() + "/000000000000002a.snap.db");
    ASSERT_TRUE(read.ok()) << read.error().message;
    EXPECT_TRUE(*read == database) << "seed " << seed;
  }
}

TEST(TransportTest, ASnapshotThatBreaksOffLeavesNothing) {
  std::atomic<int> writes{0};
  Member a(1);
  Member b(2, 1, [&](const std::function<void()>& task) {
    task();
    ++writes;
    return true;
  });
  a.Knows(b);
  std::atomic<int> outcome{-1};
  a.transport().SendSnapshot(MakeSnapshot(a, b.id(), 3),
                             std::make_shared<Body>(std::string(2'000'000, 'd'), 5'000'000),
                             [&](bool delivered) { outcome = delivered ? 1 : 0; });
  ASSERT_TRUE(WaitFor([&] { return outcome != -1; }));
  EXPECT_EQ(outcome, 0);
  ASSERT_TRUE(WaitFor([&] { return writes >= 2; })) << "what came, and the end";
  io::RealDisk disk;
  EXPECT_TRUE(disk.List(b.directory())->empty());
  EXPECT_TRUE(b.heard().messages().empty());
}

// Pages of a bbolt file carry no checksum: a bit that a proxy or a cable turned in a value would
// be a member that answers differently from all the others.
TEST(TransportTest, ASnapshotChangedOnItsWayIsNotKept) {
  Member a(1);
  Member b(2);
  a.Knows(b);
  const std::string database(2'000'000, 'd');
  const auto send = [&](std::string arrives) {
    std::atomic<int> outcome{-1};
    a.transport().SendSnapshot(MakeSnapshot(a, b.id(), 3),
                               std::make_shared<Body>(std::move(arrives), 0, Sha256::Of(database)),
                               [&](bool delivered) { outcome = delivered ? 1 : 0; });
    EXPECT_TRUE(WaitFor([&] { return outcome != -1; }));
    return outcome.load();
  };
  std::string changed = database;
  changed[1'000'000] = 'e';
  EXPECT_EQ(send(changed), 0);
  io::RealDisk disk;
  EXPECT_TRUE(disk.List(b.directory())->empty());
  EXPECT_TRUE(b.heard().messages().empty());
  EXPECT_EQ(send(database), 1);
  EXPECT_EQ(b.heard().messages().size(), 1U);
}

// The thread that had stored the last piece could be the last to know of a reception, whose end
// touches the connection: two threads in one place, and places for receptions that did not return.
TEST(TransportTest, AReceptionEndsOnItsLoopNotWhenItsThreadForgetsIt) {
  std::vector<std::shared_ptr<std::function<void()>>> remembered;
  Member a(1);
  Member b(2, 1, [&](std::function<void()> task) {
    remembered.push_back(std::make_shared<std::function<void()>>(std::move(task)));
    return RunNow(*remembered.back());
  });
  a.Knows(b);
  for (std::uint64_t index = 1; index <= kReceptionsMax + 1; ++index) {
    std::atomic<int> outcome{-1};
    a.transport().SendSnapshot(MakeSnapshot(a, b.id(), index),
                               std::make_shared<Body>(std::string(1000, 'd')),
                               [&](bool delivered) { outcome = delivered ? 1 : 0; });
    ASSERT_TRUE(WaitFor([&] { return outcome != -1; }));
    EXPECT_EQ(outcome, 1) << index;
  }
}

// The sender tries again and again: each attempt left its bytes behind, on a disk that was full.
TEST(TransportTest, ASnapshotThatDoesNotFitLeavesNothing) {
  sim::Disk disk(1);
  Member a(1);
  Member b(2, 1, RunNow, &disk);
  ASSERT_TRUE(disk.MakeDirectories(b.directory()).ok());
  disk.SetCapacity(2'000'000);
  a.Knows(b);
  std::atomic<int> outcome{-1};
  a.transport().SendSnapshot(MakeSnapshot(a, b.id(), 3),
                             std::make_shared<Body>(std::string(3'000'000, 'd')),
                             [&](bool delivered) { outcome = delivered ? 1 : 0; });
  ASSERT_TRUE(WaitFor([&] { return outcome != -1; }));
  EXPECT_EQ(outcome, 0);
  EXPECT_TRUE(disk.List(b.directory())->empty());
  EXPECT_TRUE(b.heard().messages().empty());
}

// Each might have 512 MiB, and there might be as many as somebody liked to open.
TEST(TransportTest, MessagesPostedAtOnceAreBoundedInSum) {
  Member b(2);
  net::EventLoop loop("client");
  loop.Start();
  std::atomic<int> refused{0};
  net::HttpClient client(loop, {});
  Options sender;
  sender.self = MemberId{1};
  sender.cluster = ClusterId{1};
  const auto post = [&](std::size_t bytes) {
    net::HttpRequest request;
    request.method = "POST";
    request.target = "/raft";
    request.headers = RequestHeaders(sender);
    net::HttpCallEvents events;
    events.on_head = [&](const net::HttpResponse& head) { refused += head.status == 503 ? 1 : 0; };
    events.on_end = [](const Status&) {};
    auto call = client.Start(net::ParseUrl(b.url()).value(), std::move(request),
                             {.stream_body = true}, std::move(events));
    call->Send(std::string(bytes, 'x'));
    return call;
  };
  const auto first = post(kPostedBytesMax / 2);
  const auto second = post(kPostedBytesMax / 2);
  EXPECT_FALSE(WaitFor([&] { return refused > 0; }, std::chrono::milliseconds(100)));
  const auto third = post(1);
  EXPECT_TRUE(WaitFor([&] { return refused == 1; }));
  first->Cancel();
  EXPECT_TRUE(WaitFor([&] {
    const int before = refused;
    const auto next = post(1);
    const bool taken = !WaitFor([&] { return refused > before; }, std::chrono::milliseconds(100));
    next->Cancel();
    return taken;
  })) << "there is room again";
  second->Cancel();
  third->Cancel();
}

TEST(TransportTest, SnapshotsReceivedAtOnceAreBounded) {
  Member b(2);
  net::EventLoop loop("client");
  loop.Start();
  std::atomic<int> refused{0};
  std::vector<std::shared_ptr<net::HttpCall>> calls;
  net::HttpClient client(loop, {});
  Options sender;
  sender.self = MemberId{1};
  sender.cluster = ClusterId{1};
  const auto begin = [&] {
    net::HttpRequest request;
    request.method = "POST";
    request.target = "/raft/snapshot";
    request.headers = RequestHeaders(sender);
    net::HttpCallEvents events;
    events.on_head = [&](const net::HttpResponse& head) { refused += head.status == 503 ? 1 : 0; };
    events.on_end = [](const Status&) {};
    calls.push_back(client.Start(net::ParseUrl(b.url()).value(), std::move(request),
                                 {.stream_body = true}, std::move(events)));
    calls.back()->Send("beg");  // less than the length that comes first
  };
  for (int i = 0; i < kReceptionsMax + 1; ++i) begin();
  EXPECT_TRUE(WaitFor([&] { return refused == 1; }));
  for (const auto& call : calls) call->Cancel();
  EXPECT_TRUE(WaitFor([&] {
    const int before = refused;
    begin();
    return !WaitFor([&] { return refused > before; }, std::chrono::milliseconds(100));
  })) << "there is room again";
  for (const auto& call : calls) call->Cancel();
  loop.Stop();
}

}  // namespace
}  // namespace quorate::peer
