#include "app/formation.h"

#include "membership/ids.h"

namespace quorate::app {
namespace {

constexpr const char* kCluster = "a=http://127.0.0.1:1,b=http://127.0.0.1:2";

config::Options OptionsOf(const std::string& name, bool existing) {
  config::Options options;
  options.name = name;
  options.data_dir = "/d";
  options.initial_cluster = kCluster;
  options.initial_cluster_existing = existing;
  options.initial_advertise_peer_urls = {name == "a" ? "http://127.0.0.1:1" : "http://127.0.0.1:2"};
  return options;
}

Result<RemoteCluster> Nobody(const std::string&, std::chrono::milliseconds) {
  return Error{Code::kUnavailable, "connection refused"};
}

AskMembers Answering(ClusterId cluster, std::vector<membership::Member> members) {
  return [=](const std::string&, std::chrono::milliseconds) -> Result<RemoteCluster> {
    return RemoteCluster{cluster, members};
  };
}

Ending MustEnd(const config::Options& options, const AskMembers& ask) {
  auto formed = Form(options, ask);
  if (auto* ending = std::get_if<Ending>(&formed)) return *ending;
  ADD_FAILURE() << "it formed";
  return {};
}

TEST(FormationTest, EveryMemberOfANewClusterComesToTheSameIds) {
  const auto a = std::get<Formation>(Form(OptionsOf("a", false), Nobody));
  const auto b = std::get<Formation>(Form(OptionsOf("b", false), Nobody));
  EXPECT_EQ(a.cluster, b.cluster);
  EXPECT_NE(a.self, b.self);
  EXPECT_EQ(a.members, b.members);
  EXPECT_FALSE(a.joins);
}

TEST(FormationTest, AMemberThatWasThereBeforeIsNotBootstrappedAgain) {
  const MemberId a = membership::MakeMemberId({"http://127.0.0.1:1"}, "etcd-cluster");
  const Ending ending = MustEnd(
      OptionsOf("a", false), Answering(ClusterId{7}, {{.id = a,
                                                       .peer_urls = {"http://127.0.0.1:1"},
                                                       .name = "a",
                                                       .client_urls = {"http://127.0.0.1:11"}}}));
  EXPECT_EQ(ending.code, ExitCode::kStartFailed);
  EXPECT_THAT(ending.message, testing::HasSubstr("has already been bootstrapped"));
}

TEST(FormationTest, JoiningTakesTheRunningClustersIds) {
  const auto joined = std::get<Formation>(
      Form(OptionsOf("a", true),
           Answering(ClusterId{7}, {{.id = MemberId{5}, .peer_urls = {"http://127.0.0.1:1"}},
                                    {.id = MemberId{6}, .peer_urls = {"http://127.0.0.1:2"}}})));
  EXPECT_EQ(joined.cluster, ClusterId{7});
  EXPECT_EQ(joined.self, MemberId{5});
  EXPECT_TRUE(joined.joins);
}

TEST(FormationTest, JoiningFailsInEtcdsWords) {
  EXPECT_THAT(MustEnd(OptionsOf("a", true), Nobody).message,
              testing::StartsWith("cannot fetch cluster info from peer urls: could not retrieve "
                                  "cluster information from the given URLs"));
  const Ending unequal =
      MustEnd(OptionsOf("a", true),
              Answering(ClusterId{7}, {{.id = MemberId{6}, .peer_urls = {"http://127.0.0.1:2"}}}));
  EXPECT_THAT(unequal.message, testing::HasSubstr("member count is unequal"));
  EXPECT_EQ(unequal.code, ExitCode::kBadConfiguration);
}

TEST(FormationTest, TheGuardsRefuseWhatTheOperatorDidNotMean) {
  config::Options options = OptionsOf("a", false);
  options.forbid_bootstrap = true;
  EXPECT_EQ(MustEnd(options, Nobody).code, ExitCode::kBootstrapForbidden);

  options = OptionsOf("a", true);
  options.expected_cluster_id = ClusterId{8};
  const auto other =
      Answering(ClusterId{7}, {{.id = MemberId{5}, .peer_urls = {"http://127.0.0.1:1"}},
                               {.id = MemberId{6}, .peer_urls = {"http://127.0.0.1:2"}}});
  EXPECT_EQ(MustEnd(options, other).code, ExitCode::kWrongIdentity);
}

// A volume was emptied under a member of an operated cluster. With its old id and an empty log it
// could help to elect a leader that lacks what it had acknowledged.
TEST(FormationTest, AMemberThatLostItsDataIsNotStartedAgainWhereBootstrapIsForbidden) {
  config::Options options = OptionsOf("a", true);
  const AskMembers ask =
      Answering(ClusterId{7}, {{.id = MemberId{5},
                                .peer_urls = {"http://127.0.0.1:1"},
                                .name = "a",
                                .client_urls = {"http://127.0.0.1:11"}},
                               {.id = MemberId{6}, .peer_urls = {"http://127.0.0.1:2"}}});
  EXPECT_TRUE(std::holds_alternative<Formation>(Form(options, ask))) << "as etcd does";
  options.forbid_bootstrap = true;
  const Ending ending = MustEnd(options, ask);
  EXPECT_EQ(ending.code, ExitCode::kDataUnusable);
  EXPECT_THAT(ending.message, testing::HasSubstr("its data is lost"));
}

TEST(FormationTest, AWrongInitialClusterIsBadConfiguration) {
  config::Options options = OptionsOf("c", false);
  EXPECT_EQ(MustEnd(options, Nobody).code, ExitCode::kBadConfiguration);
  options.initial_cluster = "garbage";
  EXPECT_EQ(MustEnd(options, Nobody).code, ExitCode::kBadConfiguration);
}

}  // namespace
}  // namespace quorate::app
