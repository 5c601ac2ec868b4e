#include <CLI/CLI.hpp>
#include <memory>
#include <ostream>

#include "base/bytes.h"
#include "commands/bind.h"
#include "commands/commands.h"
#include "commands/progress_line.h"
#include "offline/verify.h"
#include "output/go_json.h"

namespace quorate::commands {
namespace {

using offline::Problem;
using offline::Verified;
using output::JsonString;

std::string Count(std::size_t number, const std::string& what) {
  return std::to_string(number) + " " + what + (number == 1 ? "" : "s");
}

std::string ToText(const std::string& directory, const Verified& found) {
  std::string text =
      directory + ": " + (found.sound() ? "sound" : Count(found.problems.size(), "problem")) + "\n";
  if (found.self != MemberId{})
    text +=
        "member " + ToHex(found.self.value) + " of cluster " + ToHex(found.cluster.value) + "\n";
  const auto& log = found.log;
  text += "log: " + Count(log.segments, "segment") + ", entries " +
          std::to_string(log.first.value) + " to " + std::to_string(log.last.value) +
          ", committed " + std::to_string(log.commit.value) + ", term " +
          std::to_string(log.term.value) + "\n";
  const auto& store = found.store;
  if (store.present)
    text += "store: index " + std::to_string(store.position.index.value) + ", revision " +
            std::to_string(store.revision) + ", " + Count(store.keys, "key") + " in " +
            Count(store.rows, "row") + ", " + Count(store.leases, "lease") + ", " +
            Count(store.members.size(), "member") + "\n";
  for (const std::string& note : found.notes) text += "note: " + note + "\n";
  for (const Problem& problem : found.problems)
    text += "problem: " + problem.place + ": " + problem.text + "\n";
  if (!found.sound()) text += "what to do: " + found.problems.front().advice + "\n";
  return text;
}

std::string ToJson(const std::string& directory, const Verified& found) {
  std::string notes, problems;
  for (const std::string& note : found.notes)
    notes += (notes.empty() ? "" : ",") + JsonString(note);
  for (const Problem& problem : found.problems)
    problems +=
        std::string(problems.empty() ? "" : ",") + "{\"place\":" + JsonString(problem.place) +
        ",\"text\":" + JsonString(problem.text) + ",\"advice\":" + JsonString(problem.advice) + "}";
  const auto number = [](const std::string& name, auto value) {
    return "\"" + name + "\":" + std::to_string(value);
  };
  const auto& log = found.log;
  const auto& store = found.store;
  return "{\"directory\":" + JsonString(directory) +
         ",\"sound\":" + (found.sound() ? "true" : "false") + ",\"cluster_id\":\"" +
         ToHex(found.cluster.value) + "\",\"member_id\":\"" + ToHex(found.self.value) +
         "\",\"log\":{" + number("segments", log.segments) + "," + number("bytes", log.bytes) +
         "," + number("first", log.first.value) + "," + number("last", log.last.value) + "," +
         number("commit", log.commit.value) + "," + number("term", log.term.value) +
         "},\"store\":{" + number("index", store.position.index.value) + "," +
         number("revision", store.revision) + "," +
         number("compact_revision", store.compact_revision) + "," + number("rows", store.rows) +
         "," + number("keys", store.keys) + "," + number("leases", store.leases) + "," +
         number("members", store.members.size()) + "},\"notes\":[" + notes + "],\"problems\":[" +
         problems + "]}\n";
}

Exit Verify(Session& session, const std::vector<std::string>& words,
            offline::VerifyOptions options) {
  if (words.size() != 1) return Exit::BadArguments("verify needs one argument, the data directory");
  const auto format = session.style().format;
  if (format != output::Format::kSimple && format != output::Format::kJson)
    return Exit::Fail(kExitBadFeature, "verify prints simple or json");
  options.data_directory = words[0];
  const auto found = [&] {
    ProgressLine progress(session, "Checking");
    return offline::VerifyDataDirectory(session.disk(), options,
                                        [&](std::uint64_t bytes) { progress.Show(bytes, 0); });
  }();
  if (!found.ok()) return Exit::Fail(kExitIo, found.error().message);
  session.out() << (format == output::Format::kJson ? ToJson(words[0], *found)
                                                    : ToText(words[0], *found));
  if (found->sound()) return Exit::Ok();
  return Exit::Fail(kExitError,
                    Count(found->problems.size(), "problem") + " in the data of " + words[0]);
}

}  // namespace

void AddVerifyCommand(CLI::App& app, Session& session) {
  auto words = std::make_shared<std::vector<std::string>>();
  auto options = std::make_shared<offline::VerifyOptions>();
  CLI::App* verify =
      app.add_subcommand("verify", "Checks a stopped member's data directory; changes nothing");
  AddWords(*verify, session, *words, "<data-dir>", "as --data-dir names it");
  verify->add_option("--wal-dir", options->wal_directory,
                     "where the log is; <data-dir>/member/wal");
  verify->footer(
      "The log's checksums and entries, snapshot files, the store's place in the log, the history\n"
      "row by row, leases, members. Exit code 0: sound, 1: not, and what to do; 6: it cannot be\n"
      "checked (no such directory, or a member runs on it).\n\n"
      "  quoratectl verify /var/lib/etcd --write-out=json");
  Bind(*verify, session, [words, options](Session& s) { return Verify(s, *words, *options); });
}

}  // namespace quorate::commands
