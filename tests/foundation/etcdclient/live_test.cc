// The client against a real etcd: every kind of call once, exact error texts, failover, a watch
// across a restart.
#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>

#include "base/digest.h"
#include "etcdclient/client.h"
#include "etcdclient/snapshot.h"
#include "etcdclient/watch.h"
#include "peers/etcd.h"
#include "peers/minio.h"
#include "support/wait.h"

namespace quorate::etcdclient {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using test::EtcdServer;
using test::Part;

class LiveTest : public testing::Test {
 protected:
  void SetUp() override {
    if (Part("etcd").empty()) FAIL() << test::kNoEtcd;
    etcd_ = std::make_unique<EtcdServer>(Part("etcd"));
    ASSERT_TRUE(etcd_->AwaitHealthy()) << etcd_->Log();
    client_ = MakeClient({.endpoints = {etcd_->endpoint()}}).value();
  }

  Status Put(const std::string& key, const std::string& value) {
    etcdserverpb::PutRequest request;
    request.set_key(key);
    request.set_value(value);
    auto done = client_->Put(request);
    if (!done.ok()) return std::move(done).error();
    return {};
  }

  std::unique_ptr<EtcdServer> etcd_;
  std::unique_ptr<Client> client_;
};

TEST_F(LiveTest, WritesAndReadsAKey) {
  ASSERT_TRUE(Put("k", "v").ok());
  EXPECT_EQ(client_->Get("k").value(), std::optional<std::string>("v"));
  EXPECT_EQ(client_->Get("nothing").value(), std::nullopt);
}

TEST_F(LiveTest, KeepsTheServersCodeAndText) {
  const auto empty = client_->Range({});
  ASSERT_FALSE(empty.ok());
  EXPECT_EQ(empty.error(), (Error{Code::kInvalidArgument, "etcdserver: key is not provided"}));
  const auto lease = client_->LeaseRevoke(LeaseId{99});
  EXPECT_EQ(lease.error(), (Error{Code::kNotFound, "etcdserver: requested lease not found"}));
}

TEST_F(LiveTest, GrantsKeepsAndDropsALease) {
  const auto granted = client_->LeaseGrant(seconds(60), LeaseId{7});
  ASSERT_TRUE(granted.ok());
  EXPECT_EQ(granted->ttl(), 60);
  EXPECT_EQ(client_->LeaseKeepAlive(LeaseId{7})->ttl(), 60);
  EXPECT_EQ(client_->LeaseTimeToLive(LeaseId{7}, true)->grantedttl(), 60);
  EXPECT_EQ(client_->LeaseLeases()->leases_size(), 1);
  EXPECT_TRUE(client_->LeaseRevoke(LeaseId{7}).ok());
  EXPECT_EQ(client_->LeaseKeepAlive(LeaseId{7})->ttl(), 0);
}

// A port that takes connections and never says a word.
class DeafServer {
 public:
  DeafServer() : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    auto* const any = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(::bind(socket_, any, size), 0);
    EXPECT_EQ(::listen(socket_, 8), 0);
    EXPECT_EQ(::getsockname(socket_, any, &size), 0);
    endpoint_ = "http://127.0.0.1:" + std::to_string(ntohs(address.sin_port));
  }
  ~DeafServer() { ::close(socket_); }
  DeafServer(const DeafServer&) = delete;
  DeafServer& operator=(const DeafServer&) = delete;
  const std::string& endpoint() const { return endpoint_; }

 private:
  const int socket_;
  std::string endpoint_;
};

TEST_F(LiveTest, AsksAllForTheirStatusAtOnceSoThatTheSilentCostOneTimeoutTogether) {
  const DeafServer a;
  const DeafServer b;
  const DeafServer c;
  const auto begin = std::chrono::steady_clock::now();
  const auto answers = client_->StatusOfAll(
      {a.endpoint(), etcd_->endpoint(), b.endpoint(), "http://127.0.0.1:1", c.endpoint()},
      {.timeout = milliseconds(1000)});
  const auto took = std::chrono::steady_clock::now() - begin;
  ASSERT_EQ(answers.size(), 5U);
  EXPECT_EQ(answers[0].error().code, Code::kDeadlineExceeded);
  ASSERT_TRUE(answers[1].ok()) << answers[1].error().message;
  EXPECT_EQ(answers[1]->header().member_id(), answers[1]->leader());
  EXPECT_EQ(answers[3].error().code, Code::kUnavailable);
  EXPECT_NE(answers[3].error().message.find("127.0.0.1:1"), std::string::npos);
  EXPECT_FALSE(answers[4].ok());
  EXPECT_LT(took, seconds(2));
}

TEST_F(LiveTest, AnswersAboutMembersAndTheirState) {
  const auto members = client_->MemberList(true);
  ASSERT_TRUE(members.ok());
  ASSERT_EQ(members->members_size(), 1);
  const auto status = client_->StatusOf(etcd_->endpoint());
  ASSERT_TRUE(status.ok());
  EXPECT_EQ(status->leader(), members->members(0).id());
  EXPECT_TRUE(client_->HashKv(etcd_->endpoint(), Revision{0}).ok());
  EXPECT_TRUE(client_->Defragment(etcd_->endpoint()).ok());
  EXPECT_TRUE(client_->AlarmDisarm({}, etcdserverpb::NONE).ok());
  const auto added = client_->MemberAdd({"http://127.0.0.1:1"}, true);
  ASSERT_TRUE(added.ok());
  EXPECT_TRUE(added->member().islearner());
  EXPECT_TRUE(client_->MemberRemove(MemberId{added->member().id()}).ok());
}

TEST_F(LiveTest, StreamsASnapshotWhoseDigestIsRight) {
  ASSERT_TRUE(Put("k", "v").ok());
  std::string bytes;
  std::uint64_t last_remaining = 1;
  const auto summary = FetchSnapshot(
      *client_, etcd_->endpoint(), [&](std::string_view chunk, std::uint64_t remaining) -> Status {
        bytes += chunk;
        last_remaining = remaining;
        return {};
      });
  ASSERT_TRUE(summary.ok()) << summary.error().message;
  EXPECT_EQ(summary->bytes, bytes.size());
  EXPECT_EQ(last_remaining, 0U);
  EXPECT_EQ(summary->version, "3.6.0");
  EXPECT_EQ(summary->sha256, Sha256::Of(bytes.substr(0, bytes.size() - 32)));
}

TEST_F(LiveTest, ASinkThatFailsEndsTheSnapshotWithItsOwnError) {
  const auto summary =
      FetchSnapshot(*client_, etcd_->endpoint(), [](std::string_view, std::uint64_t) -> Status {
        return Error{Code::kResourceExhausted, "disk full"};
      });
  EXPECT_EQ(summary.error(), (Error{Code::kResourceExhausted, "disk full"}));
}

TEST_F(LiveTest, AWatchSeesEveryPutAcrossARestartOfTheServer) {
  etcdserverpb::WatchCreateRequest request;
  request.set_key("k");
  auto watch = Watch::Start(*client_, request).value();
  EXPECT_EQ(watch->Next(milliseconds(20)).value(), std::nullopt);
  ASSERT_TRUE(Put("k", "before").ok());
  auto first = watch->Next(seconds(5));
  ASSERT_TRUE(first.ok() && first->has_value());
  EXPECT_EQ((*first)->events(0).kv().value(), "before");
  etcd_->Kill();
  etcd_->Restart();
  ASSERT_TRUE(etcd_->AwaitHealthy());
  const auto put = Put("k", "after");
  ASSERT_TRUE(put.ok()) << put.error().message;
  auto second = watch->Next(seconds(5));
  ASSERT_TRUE(second.ok()) << second.error().message;
  ASSERT_TRUE(second->has_value());
  EXPECT_EQ((*second)->events(0).kv().value(), "after");
}

// Several clients, so that several ends are to be noticed at once.
TEST_F(LiveTest, AWriteIsNotSentIntoAConnectionThatEndedWhileItIdled) {
  std::vector<std::unique_ptr<Client>> clients(8);
  for (auto& client : clients) client = MakeClient({.endpoints = {etcd_->endpoint()}}).value();
  etcdserverpb::PutRequest request;
  request.set_key("k");
  for (int round = 0; round < 3; ++round) {
    for (auto& client : clients) ASSERT_TRUE(client->Put(request).ok());
    etcd_->Kill();
    etcd_->Restart();
    ASSERT_TRUE(etcd_->AwaitHealthy()) << etcd_->Log();
    for (auto& client : clients) {
      const auto put = client->Put(request);
      EXPECT_TRUE(put.ok()) << put.error().message;
    }
  }
}

TEST_F(LiveTest, FailsOverToAnEndpointThatLives) {
  auto client = MakeClient({.endpoints = {"127.0.0.1:1", etcd_->endpoint()}}).value();
  const auto begin = std::chrono::steady_clock::now();
  etcdserverpb::PutRequest request;
  request.set_key("k");
  EXPECT_TRUE(client->Put(request).ok());
  EXPECT_LT(std::chrono::steady_clock::now() - begin, seconds(2));
}

TEST_F(LiveTest, AuthenticatesAndRenewsATokenTheServerForgot) {
  etcdserverpb::AuthUserAddRequest user;
  user.set_name("root");
  user.set_password("secret");
  ASSERT_TRUE(client_->Call<etcdserverpb::AuthUserAddResponse>(kUserAdd, user).ok());
  etcdserverpb::AuthUserGrantRoleRequest grant;
  grant.set_user("root");
  grant.set_role("root");
  ASSERT_TRUE(client_->Call<etcdserverpb::AuthUserGrantRoleResponse>(kUserGrantRole, grant).ok());
  auto root =
      MakeClient({.endpoints = {etcd_->endpoint()}, .user = "root", .password = "secret"}).value();
  EXPECT_TRUE(root->Get("k").ok()) << "credentials must not hurt while authentication is off";
  ASSERT_TRUE(
      client_
          ->Call<etcdserverpb::AuthEnableResponse>(kAuthEnable, etcdserverpb::AuthEnableRequest())
          .ok());
  EXPECT_EQ(client_->Get("k").error().message, "etcdserver: user name is empty");
  EXPECT_TRUE(root->Get("k").ok());
  etcd_->Kill();
  etcd_->Restart();
  ASSERT_TRUE(etcd_->AwaitHealthy());
  const auto again = root->Get("k");
  EXPECT_TRUE(again.ok()) << again.error().message;
  auto wrong =
      MakeClient({.endpoints = {etcd_->endpoint()}, .user = "root", .password = "no"}).value();
  EXPECT_EQ(wrong->Get("k").error().message,
            "etcdserver: authentication failed, invalid user ID or password");
}

TEST(TlsTest, TrustsTheGivenCaAndShowsItsOwnCertificate) {
  if (Part("etcd").empty()) FAIL() << test::kNoEtcd;
  const test::TestCertificates certificates;
  const std::string d = certificates.directory();
  const EtcdServer::Ports ports;
  const std::string url = "https://127.0.0.1:" + std::to_string(ports.client);
  EtcdServer etcd(Part("etcd"),
                  {"--listen-client-urls=" + url, "--advertise-client-urls=" + url,
                   "--cert-file=" + d + "/public.crt", "--key-file=" + d + "/private.key",
                   "--trusted-ca-file=" + d + "/ca.crt", "--client-cert-auth"},
                  ports);
  const TlsOptions known{.ca = certificates.ca(),
                         .certificate = certificates.certificate(),
                         .key = certificates.key()};
  auto client = MakeClient({.endpoints = {url}, .tls = known}).value();
  ASSERT_TRUE(test::WaitFor([&] { return client->MemberList(true).ok(); })) << etcd.Log();

  const auto refused = [&](const TlsOptions& tls) {
    auto other = MakeClient({.endpoints = {url}, .tls = tls}).value();
    return !other->Get("k", {.timeout = milliseconds(1000), .one_round = true}).ok();
  };
  EXPECT_TRUE(refused({})) << "the system does not know the test's CA";
  EXPECT_TRUE(refused({.ca = certificates.ca()})) << "etcd wants a client certificate";
  TlsOptions elsewhere = known;
  elsewhere.server_name = "elsewhere";
  EXPECT_TRUE(refused(elsewhere));
  elsewhere.server_name = "localhost";
  EXPECT_FALSE(refused(elsewhere));
  EXPECT_FALSE(refused({.certificate = known.certificate, .key = known.key, .skip_verify = true}));
}

}  // namespace
}  // namespace quorate::etcdclient
