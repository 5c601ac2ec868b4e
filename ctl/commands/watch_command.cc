#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <istream>
#include <iterator>
#include <memory>
#include <ostream>
#include <thread>
#include <utility>

#include "base/mutex.h"
#include "commands/bind.h"
#include "commands/commands.h"
#include "commands/operations.h"
#include "commands/txn_text.h"
#include "etcdclient/watch.h"
#include "output/print.h"
#include "output/text.h"

namespace quorate::commands {
namespace {

using etcdserverpb::WatchResponse;

struct WatchFlags {
  std::vector<std::string> words{};
  bool interactive = false;
  bool prefix = false;
  bool prev_kv = false;
  bool progress_notify = false;
  std::int64_t rev = 0;
};

// Key and range end from the words or, without any, from ETCDCTL_WATCH_KEY and
// ETCDCTL_WATCH_RANGE_END.
Result<etcdserverpb::WatchCreateRequest> BuildWatch(const Session& session,
                                                    const WatchFlags& flags) {
  std::vector<std::string> words = flags.words;
  if (words.empty()) {
    const auto key = session.doors().environment("ETCDCTL_WATCH_KEY");
    const auto end = session.doors().environment("ETCDCTL_WATCH_RANGE_END");
    if (key.has_value()) words.push_back(*key);
    if (key.has_value() && end.has_value()) words.push_back(*end);
  }
  if (words.empty() || words.size() > 2) {
    return Error{Code::kInvalidArgument, "bad number of arguments"};
  }
  if (words.size() == 2 && flags.prefix) {
    return Error{Code::kInvalidArgument, "`range_end` and `--prefix` are mutually exclusive"};
  }
  etcdserverpb::WatchCreateRequest request;
  request.set_key(words[0]);
  if (words.size() == 2) request.set_range_end(words[1]);
  if (flags.prefix) CoverPrefix(request, words[0]);
  request.set_start_revision(flags.rev);
  request.set_prev_kv(flags.prev_kv);
  request.set_progress_notify(flags.progress_notify);
  return request;
}

// Runs the words after "--" once for each event.
Exit RunFor(Session& session, const WatchResponse& response) {
  for (const auto& event : response.events()) {
    const int code = session.doors().run(
        session.after_dashes,
        {{"ETCD_WATCH_REVISION", std::to_string(response.header().revision())},
         {"ETCD_WATCH_EVENT_TYPE", event.type() == mvccpb::Event::PUT ? "\"PUT\"" : "\"DELETE\""},
         {"ETCD_WATCH_KEY", output::Quote(event.kv().key())},
         {"ETCD_WATCH_VALUE", output::Quote(event.kv().value())}});
    if (code != 0) {
      return Exit::Fail(kExitError, "command \"" + output::Join(session.after_dashes, " ") +
                                        "\" error (exit status " + std::to_string(code) + ")");
    }
  }
  return Exit::Ok();
}

// What one answer says, on standard output, and the command run for each of its events. exit code
// kExitInterrupted: the server ended the watch.
Exit ShowAnswer(Session& session, const WatchResponse& response) {
  if (response.canceled()) {
    session.err() << "watch was canceled (" << etcdclient::WhyEnded(response).message << ")\n";
  } else if (response.events().empty()) {
    session.out() << "progress notify: " << response.header().revision() << "\n";
  }
  Exit shown = session.Show(output::PrintWatch(session.style(), response));
  if (shown.code != 0) return shown;
  if (response.canceled()) {
    return Exit::Fail(kExitInterrupted, "watch is canceled by the server");
  }
  return session.after_dashes.empty() ? Exit::Ok() : RunFor(session, response);
}

Exit WatchOne(Session& session, const WatchFlags& flags) {
  const auto request = BuildWatch(session, flags);
  if (!request.ok()) return Exit::BadArguments(request.error().message);
  const auto client = session.Client();
  if (!client.ok()) return Exit::Failed(client.error());
  auto watch = etcdclient::Watch::Start(**client, *request);
  if (!watch.ok()) return Exit::Failed(watch.error());
  while (true) {
    const auto next = (*watch)->Next(std::nullopt);
    if (!next.ok()) return Exit::Failed(next.error());
    if (!next->has_value()) continue;
    Exit shown = ShowAnswer(session, **next);
    if (shown.code != 0) return shown;
  }
}

void AddWatchFlags(CLI::App& command, WatchFlags& flags) {
  command.add_option("key", flags.words, "what to watch")
      ->type_name("[range_end] [-- command...]")
      ->expected(0, -1);
  command.add_flag("--prefix", flags.prefix, "all keys that begin with <key>");
  command.add_option("--rev", flags.rev, "from this revision on; 0: from now");
  command.add_flag("--prev-kv", flags.prev_kv, "print what was there before each event");
  command.add_flag("--progress-notify", flags.progress_notify,
                   "print how far the server is when nothing happens");
}

// Any number of watches at once, each on a thread of its own; what they print does not mix.
class Watchers {
 public:
  explicit Watchers(etcdclient::Client& client) : client_(client) {}
  ~Watchers() {
    for (auto& one : all_) one->watch->Cancel();
    for (auto& one : all_) one->thread.join();
  }
  Watchers(const Watchers&) = delete;
  Watchers& operator=(const Watchers&) = delete;

  // session: the watch's own, with the command to run.
  Status Add(std::unique_ptr<Session> session, const etcdserverpb::WatchCreateRequest& request) {
    auto one = std::make_unique<One>();
    one->session = std::move(session);
    one->watch = TRY(etcdclient::Watch::Start(client_, request));
    one->thread = std::thread([this, &one = *one] { Follow(one); });
    all_.push_back(std::move(one));
    return {};
  }

  void AskProgress() {
    for (auto& one : all_) one->asked = true;
  }

 private:
  struct One {
    std::unique_ptr<Session> session;
    std::unique_ptr<etcdclient::Watch> watch;
    std::atomic<bool> asked = false;  // a progress notice is wanted
    std::thread thread;
  };

  void Follow(One& one) {
    while (true) {
      if (one.asked.exchange(false)) (void)one.watch->RequestProgress();  // a notice may get lost
      const auto next = one.watch->Next(std::chrono::milliseconds(100));
      if (!next.ok()) return;
      if (!next->has_value()) continue;
      const MutexLock lock(output_);
      if (ShowAnswer(*one.session, **next).code != 0) return;
    }
  }

  etcdclient::Client& client_;
  Mutex output_;
  std::vector<std::unique_ptr<One>> all_;
};

// Begins what one typed line asks for; says what was wrong with it.
void TakeLine(Session& session, Watchers& watchers, const std::string& line) {
  std::vector<std::string> words = SplitWords(line);
  const std::string verb = words.empty() ? "" : words[0];
  const auto refuse = [&](const std::string& why) {
    session.err() << "Invalid command" << (words.empty() ? ": " : " ") << line << " (" << why
                  << ")\n";
  };
  if (words.empty()) return refuse("watch and progress supported");
  if (verb == "progress") return watchers.AskProgress();
  if (verb != "watch") return refuse("only support watch");
  if (words.size() == 1 && !session.doors().environment("ETCDCTL_WATCH_KEY").has_value()) {
    return refuse("command type or key is not provided");
  }
  auto own = std::make_unique<Session>(session.doors(), session.program());
  own->style() = session.style();
  const auto dashes = std::find(words.begin(), words.end(), "--");
  if (dashes != words.end()) {
    own->after_dashes.assign(std::next(dashes), words.end());
    words.erase(dashes, words.end());
  }
  WatchFlags flags;
  CLI::App parser;
  parser.set_help_flag();
  AddWatchFlags(parser, flags);
  try {
    parser.parse(std::vector<std::string>(words.rbegin(), std::prev(words.rend())));
  } catch (const CLI::ParseError& problem) {
    return refuse(problem.what());
  }
  const auto request = BuildWatch(session, flags);
  if (!request.ok()) return refuse(request.error().message);
  const Status added = watchers.Add(std::move(own), *request);
  if (!added.ok()) refuse(added.error().message);
}

Exit WatchInteractively(Session& session) {
  const auto client = session.Client();
  if (!client.ok()) return Exit::Failed(client.error());
  Watchers watchers(**client);
  for (std::string line; std::getline(session.doors().in, line);) {
    TakeLine(session, watchers, line);
  }
  return Exit::Fail(kExitInvalidInput, "error reading watch request line: EOF");
}

}  // namespace

void AddWatchCommand(CLI::App& app, Session& session) {
  auto flags = std::make_shared<WatchFlags>();
  CLI::App* command = app.add_subcommand("watch", "Watches events stream on keys or prefixes");
  AddWatchFlags(*command, *flags);
  command->add_flag("-i,--interactive", flags->interactive,
                    "read commands from standard input: \"watch [options] <key>\", \"progress\"");
  command->footer(
      "A command after \"--\" runs for each event, with ETCD_WATCH_REVISION, "
      "ETCD_WATCH_EVENT_TYPE,\n"
      "ETCD_WATCH_KEY and ETCD_WATCH_VALUE in its environment:\n\n"
      "  watch config/ --prefix -- ./reload.sh\n\n"
      "A lost connection is opened again, at another endpoint if need be, without a gap.");
  Bind(*command, session, [flags](Session& s) {
    return flags->interactive ? WatchInteractively(s) : WatchOne(s, *flags);
  });
}

}  // namespace quorate::commands
