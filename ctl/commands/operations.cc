#include "commands/operations.h"

#include <iterator>
#include <utility>

namespace quorate::commands {
namespace {

using etcdserverpb::RangeRequest;

const std::string kZero(1, '\0');

Error BadArguments(std::string text) {
  return {Code::kInvalidArgument, std::move(text)};
}
Error BadFeature(std::string text) {
  return {Code::kUnimplemented, std::move(text)};
}

std::string Capitals(std::string text) {
  for (char& c : text) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
  }
  return text;
}

Result<RangeRequest::SortOrder> OrderOf(const std::string& name) {
  const std::string capitals = Capitals(name);
  if (capitals.empty()) return RangeRequest::NONE;
  if (capitals == "ASCEND") return RangeRequest::ASCEND;
  if (capitals == "DESCEND") return RangeRequest::DESCEND;
  return BadFeature("bad sort order " + name);
}

Result<RangeRequest::SortTarget> TargetOf(const std::string& name) {
  const std::string capitals = Capitals(name);
  if (capitals.empty() || capitals == "KEY") return RangeRequest::KEY;
  if (capitals == "CREATE") return RangeRequest::CREATE;
  if (capitals == "MODIFY") return RangeRequest::MOD;
  if (capitals == "VALUE") return RangeRequest::VALUE;
  if (capitals == "VERSION") return RangeRequest::VERSION;
  return BadFeature("bad sort target " + name);
}

// Sets key and range_end from the words and the two flags that get and del share.
template <typename Request>
Status SetRange(const std::vector<std::string>& words, bool prefix, bool from_key,
                const std::string& command, Request& request) {
  if (words.empty() || (command == "del" && words.size() > 2)) {
    return BadArguments(command +
                        " command needs one argument as key and an optional argument as range_end");
  }
  if (prefix && from_key) {
    return BadArguments("`--prefix` and `--from-key` cannot be set at the same time, choose one");
  }
  if (words.size() > 1 && (prefix || from_key)) {
    return BadArguments(
        "too many arguments, only accept one argument when `--prefix` or `--from-key` is set");
  }
  request.set_key(words[0]);
  if (words.size() > 1) request.set_range_end(words[1]);
  if (prefix) request.set_range_end(PrefixEnd(words[0]));
  if (from_key) request.set_range_end(kZero);
  if ((prefix || from_key) && words[0].empty()) request.set_key(kZero);
  return {};
}

}  // namespace

Result<RangeRequest> BuildRange(const GetFlags& flags) {
  RangeRequest request;
  TRY(SetRange(flags.words, flags.prefix, flags.from_key, "get", request));
  if (flags.keys_only && flags.count_only) {
    return BadArguments(
        "`--keys-only` and `--count-only` cannot be set at the same time, choose one");
  }
  if (flags.consistency != "l" && flags.consistency != "s") {
    return BadFeature("unknown consistency flag \"" + flags.consistency + "\"");
  }
  const auto order = TRY(OrderOf(flags.order));
  const auto target = TRY(TargetOf(flags.sort_by));
  // Keys come in ascending order anyway; not asking for it lets the server stop at the limit.
  const bool natural = target == RangeRequest::KEY && order == RangeRequest::ASCEND;
  request.set_sort_order(natural ? RangeRequest::NONE : order);
  request.set_sort_target(target);
  request.set_serializable(flags.consistency == "s");
  request.set_limit(flags.limit);
  request.set_revision(flags.rev);
  request.set_keys_only(flags.keys_only);
  request.set_count_only(flags.count_only);
  request.set_min_create_revision(flags.min_create_rev);
  request.set_max_create_revision(flags.max_create_rev);
  request.set_min_mod_revision(flags.min_mod_rev);
  request.set_max_mod_revision(flags.max_mod_rev);
  return request;
}

Result<etcdserverpb::PutRequest> BuildPut(const PutFlags& flags, std::istream* in) {
  const Error usage =
      BadArguments("put command needs 1 argument and input from stdin or 2 arguments");
  if (flags.words.empty()) return usage;
  if (flags.ignore_value && flags.words.size() > 1) {
    return BadArguments("put command needs only 1 argument when 'ignore-value' is set");
  }
  etcdserverpb::PutRequest request;
  request.set_key(flags.words[0]);
  if (flags.words.size() > 1) {
    request.set_value(flags.words[1]);
  } else if (!flags.ignore_value) {
    if (in == nullptr) return usage;
    request.set_value({std::istreambuf_iterator<char>(*in), std::istreambuf_iterator<char>()});
    if (request.value().empty()) return usage;
  }
  const auto lease = ParseInt(flags.lease, 16);
  if (!lease.ok()) {
    return BadArguments("bad lease ID (" + lease.error().message + "), expecting ID in Hex");
  }
  request.set_lease(*lease);
  request.set_prev_kv(flags.prev_kv);
  request.set_ignore_value(flags.ignore_value);
  request.set_ignore_lease(flags.ignore_lease);
  return request;
}

Result<etcdserverpb::DeleteRangeRequest> BuildDelete(const DeleteFlags& flags) {
  etcdserverpb::DeleteRangeRequest request;
  TRY(SetRange(flags.words, flags.prefix, flags.from_key, "del", request));
  request.set_prev_kv(flags.prev_kv);
  return request;
}

Exit ExitOfBuild(const Error& error) {
  return Exit::Fail(error.code == Code::kUnimplemented ? kExitBadFeature : kExitBadArguments,
                    error.message);
}

std::string PrefixEnd(std::string prefix) {
  while (!prefix.empty() && static_cast<unsigned char>(prefix.back()) == 0xFF) prefix.pop_back();
  if (prefix.empty()) return kZero;
  prefix.back() = static_cast<char>(static_cast<unsigned char>(prefix.back()) + 1);
  return prefix;
}

}  // namespace quorate::commands
