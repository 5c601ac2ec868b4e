// The house rules that no compiler checks: sizes, first lines, doors, vendors, and which room may
// include which. Runs as an ordinary test, so the rules need no second tool. A finding names file
// and line and the rule's reason.

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>

#include "support/root.h"

namespace quorate {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kLineWidthMax = 100;
constexpr std::size_t kFileLinesMax = 600;
constexpr std::size_t kHeaderLinesMax = 300;
constexpr std::size_t kFunctionLinesMax = 70;

struct File {
  fs::path path;     // from the root
  std::string tree;  // foundation, server, operator, ctl
  std::string room;  // as QUORATE_EDGES names it
  std::vector<std::string> lines;

  bool IsHeader() const { return path.extension() == ".h"; }
  std::string At(std::size_t line) const { return path.string() + ":" + std::to_string(line + 1); }
};

std::string RoomName(const std::string& tree, const std::string& folder) {
  return tree == "operator" || tree == "ctl" ? tree + "_" + folder : folder;
}

std::vector<std::string> LinesOf(const fs::path& path) {
  std::ifstream in(path);
  std::vector<std::string> lines;
  for (std::string text; std::getline(in, text);) lines.push_back(text);
  return lines;
}

// Every source file of the production trees.
const std::vector<File>& Files() {
  static const std::vector<File> files = [] {
    std::vector<File> found;
    const fs::path root = test::SourceRoot();
    for (const char* tree : {"foundation", "server", "operator", "ctl"}) {
      for (const auto& entry : fs::recursive_directory_iterator(root / tree)) {
        const std::string extension = entry.path().extension();
        if (extension != ".h" && extension != ".cc") continue;
        const fs::path path = fs::relative(entry.path(), root);
        const std::string folder = *std::next(path.begin());
        found.push_back({path, tree, RoomName(tree, folder), LinesOf(entry.path())});
      }
    }
    return found;
  }();
  return files;
}

// QUORATE_EDGES of the build itself: room -> rooms it may include; "*" for an app.
std::map<std::string, std::set<std::string>> Edges() {
  std::map<std::string, std::set<std::string>> edges;
  const std::regex row(R"re(^\s*"([a-z0-9_]+):([a-z0-9_,*]*)"$)re");
  for (const std::string& line :
       LinesOf(test::SourceRoot() + "/foundation/cmake/QuorateRooms.cmake")) {
    std::smatch match;
    if (!std::regex_match(line, match, row)) continue;
    std::stringstream list(match[2]);
    auto& allowed = edges[match[1]];
    for (std::string room; std::getline(list, room, ',');) allowed.insert(room);
  }
  return edges;
}

TEST(TidyTest, ThereIsSomethingToCheck) {
  EXPECT_GT(Files().size(), 100U);
  EXPECT_GT(Edges().size(), 30U);
}

TEST(TidyTest, LinesFitThePage) {
  for (const File& file : Files()) {
    for (std::size_t i = 0; i < file.lines.size(); ++i) {
      EXPECT_LE(file.lines[i].size(), kLineWidthMax) << file.At(i);
    }
  }
}

TEST(TidyTest, FilesCanBeReadInASitting) {
  for (const File& file : Files()) {
    // One table: every field of the five kinds, once.
    if (file.path == "operator/api/fields.h") continue;
    EXPECT_LE(file.lines.size(), file.IsHeader() ? kHeaderLinesMax : kFileLinesMax) << file.path;
  }
}

TEST(TidyTest, HeadersBeginByNamingWhatTheyAre) {
  for (const File& file : Files()) {
    if (!file.IsHeader()) continue;
    ASSERT_FALSE(file.lines.empty()) << file.path;
    EXPECT_TRUE(file.lines[0].starts_with("// ")) << file.At(0) << ": say what the header is";
    EXPECT_NE(std::find(file.lines.begin(), file.lines.end(), "#pragma once"), file.lines.end())
        << file.path;
  }
}

TEST(TidyTest, FunctionsFitAScreen) {
  for (const File& file : Files()) {
    std::size_t opened = 0;
    bool open = false;
    for (std::size_t i = 0; i < file.lines.size(); ++i) {
      const std::string& line = file.lines[i];
      const bool function_head = line.find('(') != std::string::npos || line.ends_with(") {") ||
                                 line.ends_with(") const {");
      if (!open && function_head && line.ends_with(" {") && !line.starts_with(" ") &&
          !line.starts_with("namespace") && !line.starts_with("class") &&
          !line.starts_with("struct") && !line.starts_with("enum")) {
        open = true;
        opened = i;
      }
      if (line.starts_with("}") && open) {
        EXPECT_LE(i - opened + 1, kFunctionLinesMax) << file.At(opened);
        open = false;
      }
    }
  }
}

TEST(TidyTest, RoomsIncludeOnlyDownward) {
  const auto edges = Edges();
  const std::regex include(R"re(^#include "([a-z0-9_]+)/.*")re");
  for (const File& file : Files()) {
    ASSERT_TRUE(edges.contains(file.room))
        << file.path << ": room '" << file.room << "' is not in QUORATE_EDGES";
    const auto& allowed = edges.at(file.room);
    if (allowed.contains("*")) continue;
    for (std::size_t i = 0; i < file.lines.size(); ++i) {
      std::smatch match;
      if (!std::regex_search(file.lines[i], match, include)) continue;
      const std::string folder = match[1];
      if (RoomName(file.tree, folder) == file.room) continue;
      const bool fine = allowed.contains(RoomName(file.tree, folder)) || allowed.contains(folder);
      EXPECT_TRUE(fine) << file.At(i) << ": " << file.room << " may not include " << folder;
    }
  }
}

// Vendor header prefix -> the rooms whose .cc files may include it.
const std::map<std::string, std::set<std::string>> kVendorOwners = {
    {"rocksdb/", {"storage"}},
    {"nghttp2/", {"rpc"}},
    {"boost/", {"net", "rpc", "operator_kube"}},
    {"openssl/", {"net", "rpc", "base", "operator_kube", "operator_tls"}},
    {"grpcpp/", {"etcdclient"}},
    {"cpprest/", {"operator_kube"}},
    {"spdlog/", {"base"}},
    {"curl/", {"ctl_objectstore"}},
    {"zstd", {"ctl_backup"}},
    {"yaml-cpp/", {"config", "operator_kube", "ctl_commands"}},
};

TEST(TidyTest, VendorHeadersStayWithTheirOwners) {
  const std::regex include(R"(^#include <([^>]+)>)");
  for (const File& file : Files()) {
    for (std::size_t i = 0; i < file.lines.size(); ++i) {
      std::smatch match;
      if (!std::regex_search(file.lines[i], match, include)) continue;
      const std::string header = match[1];
      for (const auto& [prefix, owners] : kVendorOwners) {
        if (!header.starts_with(prefix)) continue;
        EXPECT_TRUE(owners.contains(file.room))
            << file.At(i) << ": " << header << " belongs to other rooms";
      }
    }
  }
}

// Rooms that are doors to the world or put programs together, and the two files that run several
// things side by side: controllers, and typed watches.
bool TouchesTheWorld(const File& file) {
  const std::string path = file.path.string();
  if (path == "operator/runtime/manager.cc" || path == "ctl/commands/watch_command.cc") return true;
  static const std::set<std::string> kRooms = {
      "io", "net", "rpc", "etcdclient", "operator_kube", "app", "operator_app", "ctl_app"};
  return kRooms.contains(file.room);
}

TEST(TidyTest, OnlyDoorsTouchTheWorld) {
  const std::regex banned(
      R"((steady_clock::now|system_clock::now|std::rand\b|random_device|sleep_for|std::j?thread\b)"
      R"(|::socket\(|::open\(|std::[io]?fstream))");
  for (const File& file : Files()) {
    if (TouchesTheWorld(file)) continue;
    for (std::size_t i = 0; i < file.lines.size(); ++i) {
      const std::string code = file.lines[i].substr(0, file.lines[i].find("//"));
      EXPECT_FALSE(std::regex_search(code, banned)) << file.At(i) << ": " << file.lines[i];
    }
  }
}

TEST(TidyTest, PromisesAreKeptOrNumbered) {
  const std::regex promise(R"(\b(TODO|FIXME|XXX)\b)");
  for (const File& file : Files()) {
    for (std::size_t i = 0; i < file.lines.size(); ++i) {
      EXPECT_FALSE(std::regex_search(file.lines[i], promise)) << file.At(i);
    }
  }
}

}  // namespace
}  // namespace quorate
