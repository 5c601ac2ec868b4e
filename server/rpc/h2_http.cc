// The plain HTTP side of an H2Stream: what HttpHandle asks of it.
#include <algorithm>
#include <cctype>

#include "rpc/h2_connection.h"
#include "rpc/h2_stream.h"

namespace quorate::rpc {

net::HttpRequest H2Stream::MakeHttpRequest() const {
  net::HttpRequest request;
  request.method = method_;
  request.target = path_;
  if (!authority_.empty()) request.headers.Add("host", authority_);
  for (const Entry& entry : headers_) {
    request.headers.Add(Text(entry.name_at, entry.name_size),
                        Text(entry.value_at, entry.value_size));
  }
  return request;
}

void H2Stream::SendHttpHeaders(int status, const net::Headers& headers, bool body_follows) {
  if (connection_ == nullptr || started_) return;
  started_ = true;
  if (!body_follows) finished_ = true;
  std::vector<std::pair<std::string, std::string>> fields;
  fields.emplace_back(":status", std::to_string(status));
  for (const auto& [name, value] : headers.fields()) {
    std::string lower = name;
    std::transform(lower.begin(), lower.end(), lower.begin(), [](char c) {
      return static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    });
    // HTTP/1.1's own; HTTP/2 forbids them.
    if (lower == "connection" || lower == "transfer-encoding" || lower == "keep-alive") continue;
    fields.emplace_back(std::move(lower), value);
  }
  connection_->SubmitHttpHeaders(*this, fields, body_follows);
}

void H2Stream::WantBody() {
  body_wanted_ = true;
  DeliverHeldBody();
}

void H2Stream::ResumeBody() {
  paused_ = false;
  DeliverHeldBody();
}

// Hands over what has come, as far as it is wanted; what is not opens no window.
void H2Stream::DeliverHeldBody() {
  if (!body_wanted_ || paused_ || connection_ == nullptr) return;
  if (!input_.empty()) {
    const std::string bytes = std::exchange(input_, {});
    connection_->Consume(*this, std::exchange(unconsumed_, 0));
    if (on_body && !on_body(bytes)) paused_ = true;
  }
  if (!remote_closed_ || paused_) return;
  if (const auto end = std::exchange(on_body_end, nullptr)) end(Status());
}

void H2Stream::Reset() {
  if (connection_ != nullptr) connection_->ResetStream(*this, NGHTTP2_INTERNAL_ERROR);
}

}  // namespace quorate::rpc
