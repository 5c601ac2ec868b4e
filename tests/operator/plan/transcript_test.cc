// Plays tests/transcripts/plan/*.txt: a cluster in a few lines, "----", and the plan it must get.
// QUORATE_REWRITE=1 rewrites the expectations; read the difference before keeping it.
//
//   cluster replicas=3 [unformed] [deleted] [paused] [policy=Off] [keep] [drop] [restore=PROBLEM]
//   [no-finalizer] ... list unknown                      nobody answered the question who is a
//   member member a voter leader             a healthy voter that leads; words change one thing
//   each, see Word() stray c id=3                      a volume of this cluster whose slot is gone
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "api/names.h"
#include "base/bytes.h"
#include "plan/plan.h"
#include "support/root.h"

namespace quorate::plan {
namespace {

using std::chrono::minutes;

constexpr Time kNow{std::chrono::seconds(1'800'000'000)};
constexpr std::uint64_t kCluster = 0xcafe;

// Words of one line: name, or name=value where a value in quotes may have spaces.
using Words = std::vector<std::pair<std::string, std::string>>;

Words Split(const std::string& line) {
  Words words;
  std::size_t at = 0;
  while (at < line.size()) {
    if (line[at] == ' ') {
      ++at;
      continue;
    }
    std::size_t end = at;
    bool quoted = false;
    while (end < line.size() && (quoted || line[end] != ' ')) quoted ^= line[end++] == '"';
    std::string word = line.substr(at, end - at);
    at = end;
    std::string value;
    if (const auto equals = word.find('='); equals != std::string::npos) {
      value = word.substr(equals + 1);
      word.resize(equals);
      std::erase(value, '"');
    }
    words.emplace_back(word, value);
  }
  return words;
}

int Number(const std::string& text) {
  return std::stoi(text);
}

class Scene {
 public:
  Scene() {
    api::EtcdCluster& cluster = desired_.cluster;
    cluster.meta.name = "x";
    cluster.meta.namespace_name = "db";
    cluster.meta.uid = "uid-of-x";
    cluster.spec.version = "0.1.0";
    desired_.revision = "r2";
    observed_.has_finalizer = observed_.peer_service = observed_.client_service = true;
    observed_.fresh_name = "n";
    observed_.members.emplace();
    observed_.annotated_cluster_id = ToHex(kCluster);
  }

  void Line(const std::string& line) {
    const Words words = Split(line);
    const std::string& verb = words.at(0).first;
    if (verb == "cluster") {
      for (std::size_t i = 1; i < words.size(); ++i) ClusterWord(words[i].first, words[i].second);
    } else if (verb == "list") {
      observed_.members.reset();
    } else if (verb == "stray") {
      Stray(words);
    } else if (verb == "foreign") {
      observed_.members->push_back(
          {MemberId{0xf}, words.at(1).first, {"http://elsewhere:2380"}, {}, false});
    } else if (verb == "member") {
      Member(words);
    } else {
      ADD_FAILURE() << "unknown line: " << line;
    }
  }

  std::string Play() {
    std::int32_t voters = 0;
    std::int32_t learners = 0;
    if (observed_.members) {
      for (const ListedMember& m : *observed_.members) ++(m.learner ? learners : voters);
    }
    if (!no_budget_) observed_.budget = (voters + (learners > 0 ? 1 : 0)) / 2 + 1;
    return Describe(MakePlan(desired_, observed_, kNow));
  }

 private:
  void ClusterWord(const std::string& word, const std::string& value) {
    api::EtcdCluster& cluster = desired_.cluster;
    const std::map<std::string, std::function<void()>> meanings = {
        {"replicas", [&] { cluster.spec.replicas = Number(value); }},
        {"unformed", [&] { observed_.annotated_cluster_id.clear(); }},
        {"unlatched",
         [&] {
           observed_.annotated_cluster_id.clear();
           cluster.status.cluster_id = ToHex(kCluster);
         }},
        {"deleted", [&] { cluster.meta.deleted = kNow; }},
        {"paused", [&] { cluster.spec.paused = true; }},
        {"policy", [&] { cluster.spec.repair.policy = api::RepairPolicy::kOff; }},
        {"keep",
         [&] {
           cluster.spec.storage.reclaim = {api::Reclaim::kRetain, api::Reclaim::kRetain,
                                           api::Reclaim::kRetain};
         }},
        {"drop",
         [&] {
           cluster.spec.storage.reclaim = {api::Reclaim::kDelete, api::Reclaim::kDelete,
                                           api::Reclaim::kDelete};
         }},
        {"restore",
         [&] {
           cluster.spec.bootstrap.emplace().restore.emplace();
           observed_.restore.problem = value;
         }},
        {"was", [&] { cluster.status.plan.operation = *api::FromWord<api::Operation>(value); }},
        {"no-finalizer", [&] { observed_.has_finalizer = false; }},
        {"no-services", [&] { observed_.client_service = false; }},
        {"no-budget", [&] { no_budget_ = true; }},
        {"no-pdb", [&] { cluster.spec.disruption.pdb = false; }},
        {"service-problem", [&] { observed_.service_problem = value; }},
    };
    const auto found = meanings.find(word);
    if (found == meanings.end()) {
      ADD_FAILURE() << "unknown word: " << word;
    } else {
      found->second();
    }
  }

  void Stray(const Words& words) {
    VolumeFacts volume;
    volume.member = words.at(1).first;
    volume.name = api::VolumeName(volume.member);
    volume.cluster_id = ToHex(kCluster);
    volume.member_id = words.at(2).second;
    observed_.stray_volumes.push_back(volume);
    if (!observed_.members) return;
    observed_.members->push_back({MemberId{ParseHex(volume.member_id).value_or(0)},
                                  volume.member,
                                  {api::PeerUrl(volume.member, "x", "db")},
                                  {},
                                  false});
  }

  // A healthy member whose pod runs on its volume; the words change that.
  void Member(const Words& words) {
    slot_ = Slot();
    listed_ = ListedMember();
    is_listed_ = true;
    const std::string& name = words.at(1).first;
    const MemberId id{static_cast<std::uint64_t>(observed_.slots.size() + 1)};
    slot_.object.meta.name = name;
    slot_.object.meta.created = kNow - minutes(5);
    listed_ = {id, name, {api::PeerUrl(name, "x", "db")}, {}, false};
    PodFacts& pod = slot_.pod.emplace();
    pod.name = name;
    pod.uid = "pod-" + name;
    pod.phase = PodPhase::kRunning;
    pod.ready = true;
    pod.ready_changed = kNow - minutes(10);
    pod.node = "node-" + name;
    pod.revision = "r2";
    pod.role = "voter";
    VolumeFacts& volume = slot_.volume.emplace();
    volume.name = api::VolumeName(name);
    volume.uid = "pvc-" + name;
    volume.bound = true;
    volume.cluster_id = ToHex(kCluster);
    volume.member_id = ToHex(id.value);
    slot_.server.emplace(ServerFacts{
        id, ClusterId{kCluster}, MemberId{0xff}, Term{2}, LogIndex{5000}, false, "0.1.0", {}});
    slot_.object.status.member_id = ToHex(id.value);
    for (std::size_t i = 2; i < words.size(); ++i) Word(words[i].first, words[i].second);
    if (slot_.server && slot_.server->leader == MemberId{0xff} && !observed_.members) {
      slot_.server->leader = MemberId{};
    }
    if (is_listed_ && observed_.members) observed_.members->push_back(listed_);
    observed_.slots.push_back(slot_);
  }

  void Word(const std::string& word, const std::string& value) {
    if (MemberWord(word, value) || PodWord(word, value) || VolumeWord(word, value)) return;
    ADD_FAILURE() << "unknown word: " << word;
  }

  bool MemberWord(const std::string& word, const std::string& value) {
    if (word == "voter") return true;
    if (word == "learner" || word == "unstarted") {
      listed_.learner = true;
      slot_.pod->role = "learner";
      slot_.server->learner = true;
      if (word == "learner") return true;
      listed_.name.clear();
      slot_.server.reset();
      slot_.volume->member_id.clear();
      slot_.volume->cluster_id.clear();
      slot_.object.status.member_id.clear();
    } else if (word == "unlisted") {
      is_listed_ = false;
      slot_.server.reset();
    } else if (word == "fresh") {  // recorded, and nothing else
      is_listed_ = false;
      slot_.server.reset();
      slot_.pod.reset();
      slot_.volume.reset();
      slot_.object.status.member_id.clear();
    } else if (word == "seed") {
      slot_.object.spec.join_mode = api::JoinMode::kSeed;
    } else if (word == "leader") {
      slot_.server->leader = listed_.id;
    } else if (word == "silent") {
      slot_.server.reset();
      slot_.pod->ready = false;
      slot_.object.status.unhealthy_since =
          kNow - (value.empty() ? minutes(1) : minutes(Number(value)));
    } else if (word == "lag") {
      slot_.server->applied = LogIndex{static_cast<std::uint64_t>(5000 - Number(value))};
    } else if (word == "leaving") {
      slot_.object.spec.leave = api::LeaveSpec{*api::FromWord<api::SlotReason>(value),
                                               "it was asked for", "", kNow - minutes(3)};
    } else if (word == "replaces") {
      slot_.object.spec.replaces = value;
      slot_.object.spec.reason = api::SlotReason::kReplace;
    } else if (word == "age") {
      slot_.object.meta.created = kNow - minutes(Number(value));
    } else if (word == "other-id") {
      listed_.id = MemberId{0xbad};
    } else {
      return false;
    }
    return true;
  }

  bool PodWord(const std::string& word, const std::string& value) {
    if (word == "no-pod") {
      slot_.pod.reset();
      slot_.server.reset();
    } else if (word == "stopping") {
      slot_.pod->terminating = true;
      slot_.server.reset();
    } else if (word == "pod-failed") {
      slot_.pod->phase = PodPhase::kFailed;
      slot_.pod->problem = value;
      slot_.pod->ready = false;
      slot_.server.reset();
    } else if (word == "unplaced") {
      slot_.pod->node.clear();
      slot_.pod->problem = value;
      slot_.pod->ready = false;
      slot_.volume->bound = false;
      slot_.server.reset();
    } else if (word == "exit") {
      slot_.pod->last_exit = Exit{Number(value), "in its own words"};
      slot_.pod->restarts = 6;
      slot_.pod->ready = false;
      slot_.server.reset();
    } else if (word == "told") {
      slot_.pod->initial_cluster = value;
    } else if (word == "knows-all") {  // the joining pod was told the present members
      std::string text;
      for (const ListedMember& m : *observed_.members) text += m.name + "=" + m.peer_urls[0] + ",";
      slot_.pod->initial_cluster =
          text + slot_.object.meta.name + "=" + api::PeerUrl(slot_.object.meta.name, "x", "db");
    } else if (word == "old") {
      slot_.pod->revision = "r1";
    } else if (word == "just-ready") {
      slot_.pod->ready_changed = kNow - std::chrono::seconds(4);
    } else if (word == "new") {
      slot_.pod->starts_new = true;
      slot_.pod->role = "learner";
    } else if (word == "node-silent") {
      slot_.pod->node_silent_since = kNow - minutes(Number(value));
      slot_.pod->ready = false;
      slot_.server.reset();
    } else if (word == "role") {
      slot_.pod->role = value;
    } else {
      return false;
    }
    return true;
  }

  bool VolumeWord(const std::string& word, const std::string& value) {
    if (word == "no-volume") {
      slot_.volume.reset();
    } else if (word == "volume-lost") {
      slot_.volume->lost = true;
    } else if (word == "volume-stopping") {
      slot_.volume->terminating = true;
    } else if (word == "volume-kept") {
      slot_.volume->retained = true;
    } else if (word == "volume-stranded") {
      slot_.volume->node_gone = true;
    } else if (word == "unnamed") {
      slot_.object.status.member_id.clear();
      slot_.volume->member_id.clear();
      slot_.volume->cluster_id.clear();
    } else if (word == "of-cluster") {
      slot_.volume->cluster_id = value;
    } else {
      return false;
    }
    return true;
  }

  Desired desired_;
  Observed observed_;
  Slot slot_;
  ListedMember listed_;
  bool is_listed_ = true;
  bool no_budget_ = false;
};

struct Case {
  std::string given;  // comments and commands, as written
  std::string expected;
};

std::vector<Case> ReadCases(const std::string& path) {
  std::ifstream file(path);
  std::vector<Case> cases;
  bool expecting = false;
  for (std::string line; std::getline(file, line);) {
    if (cases.empty() || (expecting && line.starts_with("#"))) {
      cases.emplace_back();
      expecting = false;
    }
    if (line == "----") {
      expecting = true;
    } else if (!expecting) {
      cases.back().given += line + "\n";
    } else if (!line.empty()) {
      cases.back().expected += line + "\n";
    }
  }
  return cases;
}

std::string PlayCase(const std::string& given) {
  Scene scene;
  std::istringstream lines(given);
  for (std::string line; std::getline(lines, line);) {
    if (!line.empty() && !line.starts_with("#")) scene.Line(line);
  }
  return scene.Play();
}

void PlayFile(const std::string& path) {
  const bool rewrite = std::getenv("QUORATE_REWRITE") != nullptr;
  std::string text;
  for (const Case& one : ReadCases(path)) {
    const std::string got = PlayCase(one.given);
    EXPECT_TRUE(rewrite || got == one.expected) << path << ":\n" << one.given << "got:\n" << got;
    text += (text.empty() ? "" : "\n") + one.given + "----\n" + got;
  }
  if (rewrite) std::ofstream(path) << text;
}

TEST(PlanTranscriptTest, EveryRuleSaysWhatItsTranscriptShows) {
  int files = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(test::SourceRoot() + "/tests/transcripts/plan")) {
    PlayFile(entry.path().string());
    ++files;
  }
  EXPECT_GE(files, 13);
}

}  // namespace
}  // namespace quorate::plan
