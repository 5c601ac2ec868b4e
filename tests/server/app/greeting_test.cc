#include "app/greeting.h"

#include "sim/disk.h"

namespace quorate::app {
namespace {

using testing::HasSubstr;

const Claim kClaim{MemberId{1}, 2, 0xaa, LogIndex{100}, Term{3}};
const std::map<MemberId, std::vector<std::string>> kOthers = {{MemberId{2}, {"http://b"}},
                                                              {MemberId{3}, {"http://c"}}};

// What each URL answers; absent: silence.
AskHello Answering(std::map<std::string, Result<std::string>> answers) {
  return [answers = std::move(answers)](const std::vector<std::string>& urls, const std::string&,
                                        const std::function<void(Result<std::string>)>& done) {
    const auto found = answers.find(urls.front());
    if (found != answers.end()) done(found->second);
  };
}

TEST(GreetTest, OneContradictionIsEnough) {
  const Greeting greeting =
      Greet(kClaim, kOthers, std::chrono::seconds(5),
            Answering({{"http://b", ToJson(Known{})},
                       {"http://c", ToJson(Known{1, 0xbb, LogIndex{101}, Term{3}})}}));
  ASSERT_TRUE(greeting.ending);
  EXPECT_EQ(greeting.ending->code, ExitCode::kWentBack);
  EXPECT_THAT(greeting.ending->message, HasSubstr("add it anew with an empty data directory"));
  EXPECT_EQ(greeting.unknown, 0U);
}

TEST(GreetTest, WhoSaysNothingIsCountedAndHoldsNothingUp) {
  const Greeting silent = Greet(kClaim, kOthers, std::chrono::milliseconds(1),
                                Answering({{"http://b", ToJson(Known{})}}));
  EXPECT_FALSE(silent.ending);
  EXPECT_EQ(silent.unknown, 1U);
  const Greeting etcd = Greet(kClaim, kOthers, std::chrono::seconds(5),
                              Answering({{"http://b", Error{Code::kNotFound, "404 page not found"}},
                                         {"http://c", std::string("what?")}}));
  EXPECT_FALSE(etcd.ending);
  EXPECT_EQ(etcd.unknown, 2U);
  EXPECT_EQ(Greet(kClaim, {}, std::chrono::seconds(5), Answering({})).unknown, 0U);
}

TEST(BeginLifeTest, NobodyHearsOfALifeThatIsNotOnDiskAndAVerdictIsWrittenDown) {
  sim::Disk disk(1);
  ASSERT_TRUE(disk.MakeDirectories("/m").ok());
  const auto reopened = [&] { return Recollection::Open(disk, "/m/r.json").value(); };
  node::Status status;
  status.self = MemberId{1};
  status.durable = LogIndex{100};
  status.term = Term{3};
  bool asked = false;
  const AskHello ask = [&](const auto&, const std::string& claim, const auto& done) {
    asked = true;
    EXPECT_EQ(reopened()->incarnation(), ParseClaim(claim)->incarnation);
    done(ToJson(Known{1, 0xbb, LogIndex{101}, Term{3}}));
  };
  const auto recollection = reopened();
  disk.Inject({.operation = sim::Operation::kSync});
  const auto begin = [&] {
    return BeginLife(*recollection, 7, status, kOthers, std::chrono::seconds(5), ask);
  };
  EXPECT_FALSE(begin().ok());
  EXPECT_FALSE(asked);
  const auto greeting = begin();
  ASSERT_TRUE(greeting.ok() && greeting->ending);
  EXPECT_EQ(reopened()->verdict()->code, ExitCode::kWentBack);
}

class AnswerHelloTest : public testing::Test {
 protected:
  AnswerHelloTest() {
    EXPECT_TRUE(disk_.MakeDirectories("/m").ok());
    roster_.members[MemberId{1}] = {};
  }

  Known Ask(const Claim& claim) {
    return ParseKnown(AnswerHello(*recollection_, status_, roster_, ToJson(claim)).value()).value();
  }

  sim::Disk disk_{1};
  std::unique_ptr<Recollection> recollection_ = Recollection::Open(disk_, "/m/r.json").value();
  node::Status status_;
  membership::Roster roster_;
};

TEST_F(AnswerHelloTest, ALeaderTellsWhatWasAcknowledgedAndCommitted) {
  status_.role = raft::Role::kLeader;
  status_.term = Term{9};
  status_.committed = LogIndex{90};
  status_.progress = {{MemberId{1}, LogIndex{120}, true, false}, {MemberId{4}, LogIndex{0}}};
  EXPECT_EQ(Ask(kClaim), (Known{0, 0, LogIndex{90}, Term{9}}))
      << "an entry that is not committed may be replaced by another leader's";
  EXPECT_EQ(recollection_->Of(MemberId{4}), Known{}) << "it has not spoken in this term";
}

// A leader was told what the others acknowledged, but nobody what the leader had, until five
// seconds later: a disk that had lost its last writes came back unrecognised.
TEST_F(AnswerHelloTest, AFollowerTellsWhatItsLeaderSaidOfItsOwnDisk) {
  status_.role = raft::Role::kFollower;
  status_.term = Term{10};
  status_.committed = LogIndex{100};
  status_.heard = {MemberId{1}, Term{9}, LogIndex{90}};
  EXPECT_EQ(Ask(kClaim), (Known{0, 0, LogIndex{90}, Term{9}}));
  status_.heard.durable = LogIndex{120};
  EXPECT_EQ(Ask(kClaim).index, LogIndex{100}) << "a word alone is no proof that it was committed";
}

TEST_F(AnswerHelloTest, ALifeIsRememberedUnlessItContradicts) {
  EXPECT_EQ(Ask(kClaim), Known{});
  EXPECT_EQ(recollection_->Of(MemberId{1}).incarnation, 2U);
  Claim copy = kClaim;
  copy.nonce = 0xbb;
  EXPECT_NE(WhyWentBack(copy, Ask(copy)), "") << "a second process with a copy of the directory";
  EXPECT_EQ(recollection_->Of(MemberId{1}).nonce, 0xaaU);
  EXPECT_EQ(WhyWentBack(kClaim, Ask(kClaim)), "") << "the first one asked again";
}

TEST_F(AnswerHelloTest, WhoIsNoMemberLeavesNoTrace) {
  Claim stranger = kClaim;
  stranger.member = MemberId{99};
  EXPECT_EQ(Ask(stranger), Known{});
  EXPECT_EQ(recollection_->Of(MemberId{99}), Known{});
}

}  // namespace
}  // namespace quorate::app
