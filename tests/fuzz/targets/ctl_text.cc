// What people type for quoratectl: transactions, numbers, durations, quoted texts, endpoints.
#include <sstream>

#include "base/check.h"
#include "commands/numbers.h"
#include "commands/txn_text.h"
#include "etcdclient/endpoint.h"
#include "fuzz/feed.h"
#include "fuzz/target.h"
#include "output/text.h"

namespace quorate::commands {
namespace {

void Transaction(std::string_view text) {
  std::istringstream in{std::string(text)};
  const auto compares = ReadBlock(in);
  if (!compares.ok()) return;
  for (const std::string& line : *compares) (void)ParseCompare(line);
  for (auto block = ReadBlock(in); block.ok(); block = ReadBlock(in)) {
    for (const std::string& line : *block) {
      for (const std::string& word : SplitWords(line)) CHECK(word.size() <= 4 * line.size());
    }
  }
}

void Values(const std::string& text) {
  CHECK(output::Unquote(output::Quote(text)) == text);
  (void)output::Unquote(text);
  (void)ParseInt(text, 16);
  (void)ParseUint(text, 10);
  std::string joined;
  for (const std::string& part : output::Split(text, ',')) joined += part + ",";
  CHECK(joined.empty() || joined.substr(0, joined.size() - 1) == text);
  if (const auto endpoint = etcdclient::ParseEndpoint(text, true); endpoint.ok()) {
    CHECK(!endpoint->target.empty());
  }
  if (const auto duration = output::ParseDuration(text)) (void)output::FormatDuration(*duration);
}

FUZZ_TARGET(ctl_text) {
  fuzz::Feed feed(input);
  if (feed.Flag()) return Transaction(feed.Rest());
  Values(std::string(feed.Rest()));
}

}  // namespace
}  // namespace quorate::commands
