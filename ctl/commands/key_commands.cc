#include <CLI/CLI.hpp>
#include <algorithm>
#include <iterator>
#include <memory>

#include "commands/bind.h"
#include "commands/commands.h"
#include "commands/operations.h"
#include "commands/txn_text.h"
#include "output/print.h"

namespace quorate::commands {
namespace {

void AddGetFlags(CLI::App& command, Session& session, GetFlags& flags) {
  AddWords(command, session, flags.words, "<key> [range_end]",
           "the key, or the first key and the one after the last");
  command.add_flag("--prefix", flags.prefix, "all keys that begin with <key>");
  command.add_flag("--from-key", flags.from_key, "all keys from <key> on, compared bytewise");
  command.add_option("--limit", flags.limit, "at most this many results; 0: all");
  command.add_option("--rev", flags.rev, "as of this revision; 0: now");
  command.add_option("--order", flags.order, "ASCEND or DESCEND (ASCEND by default)");
  command.add_option("--sort-by", flags.sort_by, "CREATE, KEY, MODIFY, VALUE or VERSION");
  command.add_option("--consistency", flags.consistency,
                     "l: linearizable; s: serializable, from one member, maybe stale");
  command.add_flag("--keys-only", flags.keys_only, "no values");
  command.add_flag("--count-only", flags.count_only,
                   "only the count (with --write-out=fields or json)");
  command.add_flag("--print-value-only", flags.print_value_only,
                   "only values (with --write-out=simple)");
  command.add_option("--min-create-rev", flags.min_create_rev, "created at this revision or later");
  command.add_option("--max-create-rev", flags.max_create_rev,
                     "created at this revision or earlier");
  command.add_option("--min-mod-rev", flags.min_mod_rev, "changed at this revision or later");
  command.add_option("--max-mod-rev", flags.max_mod_rev, "changed at this revision or earlier");
}

void AddPutFlags(CLI::App& command, Session& session, PutFlags& flags) {
  AddWords(command, session, flags.words, "<key> [value]",
           "without a value it is read from standard input");
  command.add_option("--lease", flags.lease,
                     "lease, in hexadecimal, that the key lives as long as");
  command.add_flag("--prev-kv", flags.prev_kv, "print what was there before");
  command.add_flag("--ignore-value", flags.ignore_value, "keep the key's value");
  command.add_flag("--ignore-lease", flags.ignore_lease, "keep the key's lease");
}

void AddDeleteFlags(CLI::App& command, Session& session, DeleteFlags& flags) {
  AddWords(command, session, flags.words, "<key> [range_end]",
           "the key, or the first key and the one after the last");
  command.add_flag("--prefix", flags.prefix, "all keys that begin with <key>");
  command.add_flag("--from-key", flags.from_key, "all keys from <key> on, compared bytewise");
  command.add_flag("--range", flags.range, "a range is meant when range_end is given");
  command.add_flag("--prev-kv", flags.prev_kv, "print what was deleted");
}

Exit Get(Session& session, const GetFlags& flags) {
  const auto request = BuildRange(flags);
  if (!request.ok()) return ExitOfBuild(request.error());
  const auto format = session.style().format;
  if (flags.count_only && format != output::Format::kFields && format != output::Format::kJson) {
    return Exit::BadArguments("--count-only is only for `--write-out=fields`");
  }
  if (flags.print_value_only && format != output::Format::kSimple) {
    return Exit::BadArguments("print-value-only is only for `--write-out=simple`");
  }
  const auto client = session.Client();
  if (!client.ok()) return Exit::Failed(client.error());
  const auto response = (*client)->Range(*request);
  if (!response.ok()) return Exit::Failed(response.error());
  return session.Show(output::PrintRange(session.style(), *response, flags.print_value_only));
}

Exit Put(Session& session, const PutFlags& flags) {
  const auto request = BuildPut(flags, &session.doors().in);
  if (!request.ok()) return ExitOfBuild(request.error());
  const auto client = session.Client();
  if (!client.ok()) return Exit::Failed(client.error());
  const auto response = (*client)->Put(*request);
  if (!response.ok()) return Exit::Failed(response.error());
  return session.Show(output::PrintPut(session.style(), *response));
}

Exit Delete(Session& session, const DeleteFlags& flags) {
  const auto request = BuildDelete(flags);
  if (!request.ok()) return ExitOfBuild(request.error());
  const auto client = session.Client();
  if (!client.ok()) return Exit::Failed(client.error());
  const auto response = (*client)->DeleteRange(*request);
  if (!response.ok()) return Exit::Failed(response.error());
  return session.Show(output::PrintDelete(session.style(), *response));
}

// One line of a transaction's branch: "put k v --lease=...".
Result<etcdserverpb::RequestOp> ParseOperation(const Session& session, const std::string& line) {
  std::vector<std::string> words = SplitWords(line);
  Session own(session.doors(), session.program());
  const auto dashes = std::find(words.begin(), words.end(), "--");
  if (dashes != words.end()) {
    own.after_dashes.assign(std::next(dashes), words.end());
    words.erase(dashes, words.end());
  }
  const std::string verb = words.empty() ? "" : words[0];
  GetFlags get;
  PutFlags put;
  DeleteFlags del;
  CLI::App parser;
  parser.set_help_flag();
  if (verb == "get") AddGetFlags(parser, own, get);
  if (verb == "put") AddPutFlags(parser, own, put);
  if (verb == "del") AddDeleteFlags(parser, own, del);
  const Error invalid{Code::kOutOfRange, "invalid txn request: " + line};
  if (verb != "get" && verb != "put" && verb != "del") return invalid;
  try {
    parser.parse(std::vector<std::string>(words.rbegin(), std::prev(words.rend())));
  } catch (const CLI::ParseError& problem) {
    return Error{Code::kOutOfRange, invalid.message + " (" + problem.what() + ")"};
  }
  etcdserverpb::RequestOp op;
  if (verb == "get") *op.mutable_request_range() = TRY(BuildRange(get));
  if (verb == "put") *op.mutable_request_put() = TRY(BuildPut(put, nullptr));
  if (verb == "del") *op.mutable_request_delete_range() = TRY(BuildDelete(del));
  return op;
}

Exit ExitOfInput(const Error& error) {
  if (error.code == Code::kOutOfRange) return Exit::Fail(kExitInvalidInput, error.message);
  return ExitOfBuild(error);
}

Result<etcdserverpb::TxnRequest> ReadTxn(Session& session, bool interactive) {
  etcdserverpb::TxnRequest request;
  const auto prompt = [&](const char* text) {
    if (interactive) session.out() << text << std::endl;
  };
  prompt("compares:");
  for (const auto& line : TRY(ReadBlock(session.doors().in))) {
    auto compare = ParseCompare(line);
    if (!compare.ok()) return Error{Code::kOutOfRange, compare.error().message};
    *request.add_compare() = std::move(compare).value();
  }
  prompt("success requests (get, put, del):");
  for (const auto& line : TRY(ReadBlock(session.doors().in))) {
    *request.add_success() = TRY(ParseOperation(session, line));
  }
  prompt("failure requests (get, put, del):");
  for (const auto& line : TRY(ReadBlock(session.doors().in))) {
    *request.add_failure() = TRY(ParseOperation(session, line));
  }
  return request;
}

Exit Txn(Session& session, const std::vector<std::string>& words, bool interactive) {
  if (!words.empty()) return Exit::BadArguments("txn command does not accept argument");
  const auto request = ReadTxn(session, interactive);
  if (!request.ok()) return ExitOfInput(request.error());
  const auto client = session.Client();
  if (!client.ok()) return Exit::Failed(client.error());
  const auto response = (*client)->Txn(*request);
  if (!response.ok()) return Exit::Failed(response.error());
  return session.Show(output::PrintTxn(session.style(), *response));
}

}  // namespace

void AddKeyCommands(CLI::App& app, Session& session) {
  auto get = std::make_shared<GetFlags>();
  CLI::App* get_command = app.add_subcommand("get", "Gets the key or a range of keys");
  AddGetFlags(*get_command, session, *get);
  Bind(*get_command, session, [get](Session& s) { return Get(s, *get); });

  auto put = std::make_shared<PutFlags>();
  CLI::App* put_command = app.add_subcommand("put", "Puts the given key into the store");
  AddPutFlags(*put_command, session, *put);
  put_command->footer("A value that begins with '-' needs '--' before it:  put <key> -- <value>");
  Bind(*put_command, session, [put](Session& s) { return Put(s, *put); });

  auto del = std::make_shared<DeleteFlags>();
  CLI::App* del_command =
      app.add_subcommand("del", "Removes the specified key or range of keys [key, range_end)");
  AddDeleteFlags(*del_command, session, *del);
  Bind(*del_command, session, [del](Session& s) { return Delete(s, *del); });

  struct TxnFlags {
    std::vector<std::string> words;
    bool interactive = false;
  };
  auto txn = std::make_shared<TxnFlags>();
  CLI::App* txn_command =
      app.add_subcommand("txn", "Processes all the requests in one transaction");
  txn_command->add_option("words", txn->words)->expected(0, -1)->group("");
  txn_command->add_flag("-i,--interactive", txn->interactive, "say what is expected next");
  txn_command->footer(
      "Three blocks on standard input, each ended by an empty line: conditions, requests if all\n"
      "hold, requests if not.\n\n"
      "  mod(\"key1\") > \"0\"\n\n"
      "  put key1 \"overwrote-key1\"\n\n"
      "  put key1 \"created-key1\"\n"
      "  put key2 \"some extra key\"\n\n"
      "Conditions: version, create, mod, value or lease of a key, with = != < >.");
  Bind(*txn_command, session, [txn](Session& s) { return Txn(s, txn->words, txn->interactive); });
}

}  // namespace quorate::commands
