#include "membership/member.h"

namespace quorate::membership {
namespace {

TEST(MemberTest, JsonIsEtcdsByteForByte) {
  Member member{.id = MemberId{1}, .peer_urls = {"http://a:2380"}};
  EXPECT_EQ(ToJson(member), R"({"id":1,"peerURLs":["http://a:2380"]})");
  member.is_learner = true;
  member.name = "a";
  member.client_urls = {"http://a:2379"};
  EXPECT_EQ(ToJson(member), R"({"id":1,"peerURLs":["http://a:2380"],"isLearner":true,"name":"a",)"
                            R"("clientURLs":["http://a:2379"]})");
  EXPECT_EQ(*ParseMember(ToJson(member)), member);
}

TEST(MemberTest, APromotionNamesNoUrls) {
  const ChangeContext context{.member = {.id = MemberId{7}}, .is_promote = true};
  EXPECT_EQ(ToJson(context), R"({"id":7,"peerURLs":null,"isPromote":true})");
  const auto parsed = ParseChangeContext(ToJson(context));
  ASSERT_TRUE(parsed.ok());
  EXPECT_TRUE(parsed->is_promote);
  EXPECT_EQ(parsed->member.id, MemberId{7});
}

TEST(MemberTest, KeepsTheWholeRangeOfIds) {
  const Member member{.id = MemberId{~std::uint64_t{0}}, .peer_urls = {"http://a:1"}};
  EXPECT_EQ(ParseMember(ToJson(member))->id, member.id);
}

TEST(MemberTest, ListsAreSortedById) {
  const std::vector<Member> members = {{.id = MemberId{2}, .peer_urls = {"http://b:1"}},
                                       {.id = MemberId{1}, .peer_urls = {"http://a:1"}}};
  const auto parsed = ParseMembers(ToJson(members));
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ((*parsed)[0].id, MemberId{1});
}

TEST(MemberTest, GarbageIsAnError) {
  for (const char* text : {"", "{", "[]", "{}", R"({"id":"x"})", R"({"id":1,"peerURLs":5})",
                           R"({"id":1,"peerURLs":[5]})", R"({"id":1,"name":3})", "\xff\xfe"}) {
    EXPECT_FALSE(ParseMember(text).ok()) << text;
    EXPECT_FALSE(ParseChangeContext(text).ok()) << text;
  }
  for (const char* text : {"", "[1]", "[{}]", "{\"a\":1}"}) {
    EXPECT_FALSE(ParseMembers(text).ok()) << text;
  }
}

}  // namespace
}  // namespace quorate::membership
