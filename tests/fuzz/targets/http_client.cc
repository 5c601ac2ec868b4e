// Answers of HTTP/1.1 servers, and the texts that name servers. An answer read in pieces is the one
// read at once.
#include <algorithm>
#include <string>

#include "base/check.h"
#include "fuzz/feed.h"
#include "fuzz/target.h"
#include "net/endpoint.h"
#include "net/http_parser.h"

namespace quorate::net {
namespace {

struct Answer {
  bool ok = true;
  int status = 0;
  std::string body;
  std::vector<std::pair<std::string, std::string>> fields;

  bool operator==(const Answer&) const = default;
};

Answer Read(std::string_view bytes, std::size_t piece, bool no_body) {
  const auto parser = HttpResponseParser::Make(8192, no_body);
  Answer answer;
  parser->OnBody([&](std::string_view part) { answer.body += part; });
  std::string input;
  while (answer.ok && !parser->done() && !bytes.empty()) {
    input += bytes.substr(0, piece);
    bytes.remove_prefix(std::min(piece, bytes.size()));
    // It stops after the head once.
    for (int i = 0; i < 2 && answer.ok; ++i) answer.ok = parser->Parse(input).ok();
  }
  if (answer.ok && !parser->done()) answer.ok = parser->End().ok();
  if (!answer.ok) return {.ok = false, .status = 0, .body = {}, .fields = {}};
  answer.status = parser->response().status;
  answer.fields = parser->response().headers.fields();
  return answer;
}

void Endpoints(const std::string& text) {
  const auto url = ParseUrl(text);
  if (url.ok()) {
    const auto again = ParseUrl(ToUrl(*url));
    CHECK(again.ok() && *again == *url);
  }
  const auto address = ParseHostPort(text);
  if (address.ok()) {
    const auto again = ParseHostPort(ToHostPort(*address));
    CHECK(again.ok() && *again == *address);
  }
}

FUZZ_TARGET(http_client) {
  fuzz::Feed feed(input);
  const std::uint8_t choice = feed.Byte();
  const std::size_t piece = 1 + feed.Byte();
  const std::string_view bytes = feed.Rest();
  if (choice % 8 == 7) return Endpoints(std::string(bytes));
  const bool no_body = choice % 8 == 6;
  const Answer whole = Read(bytes, std::max<std::size_t>(bytes.size(), 1), no_body);
  const Answer pieces = Read(bytes, piece, no_body);
  CHECK(whole == pieces);
}

}  // namespace
}  // namespace quorate::net
