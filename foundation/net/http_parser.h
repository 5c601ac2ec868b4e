// HttpParser: one HTTP/1.1 message, bytes in, head and body out; Beast does the reading.
//
// Only net's .cc files include this. Bytes may come in any pieces: what a piece leaves unfinished
// is kept.
//
// Thread: its connection's loop.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "net/http.h"

namespace quorate::net {

class HttpParser {
 public:
  virtual ~HttpParser() = default;

  // Takes from the front of `input` what belongs to this message and erases it there; stops after
  // the head once, so that the caller can decide about the body, and at the message's end.
  // InvalidArgument: not HTTP; ResourceExhausted: head too large.
  virtual Status Parse(std::string& input) = 0;
  // The connection ended: completes a body that lasts until then. InvalidArgument: in the middle.
  virtual Status End() = 0;

  virtual bool head_done() const = 0;
  virtual bool done() const = 0;
  virtual bool keep_alive() const = 0;
  virtual bool http_1_0() const = 0;

  // Where body bytes go; set before parsing beyond the head.
  virtual void OnBody(std::function<void(std::string_view)> body) = 0;
};

class HttpRequestParser : public HttpParser {
 public:
  static std::unique_ptr<HttpRequestParser> Make(std::size_t header_bytes_max);
  virtual const HttpRequest& request() const = 0;  // complete once head_done()
};

class HttpResponseParser : public HttpParser {
 public:
  // no_body: the answer to HEAD.
  static std::unique_ptr<HttpResponseParser> Make(std::size_t header_bytes_max, bool no_body);
  virtual const HttpResponse& response() const = 0;
};

}  // namespace quorate::net
