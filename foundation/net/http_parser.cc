#include "net/http_parser.h"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <limits>
#include <utility>  // before Boost.Asio 1.74, which forgets it

namespace quorate::net {
namespace {

namespace beast = boost::beast;
namespace http = boost::beast::http;

std::string_view View(beast::string_view text) {
  return {text.data(), text.size()};
}

// Beast calls these as it reads.
template <bool is_request, typename Head>
class Reader final : public http::basic_parser<is_request> {
 public:
  Head head;
  std::function<void(std::string_view)> body;
  bool version_10 = false;

 private:
  using Failure = beast::error_code;

  void on_request_impl(http::verb, beast::string_view method, beast::string_view target,
                       int version, Failure&) override {
    version_10 = version == 10;
    if constexpr (is_request) {
      head.method = View(method);
      head.target = View(target);
    }
  }
  void on_response_impl(int code, beast::string_view, int version, Failure&) override {
    version_10 = version == 10;
    if constexpr (!is_request) head.status = code;
  }
  void on_field_impl(http::field, beast::string_view name, beast::string_view value,
                     Failure&) override {
    head.headers.Add(View(name), View(value));
  }
  void on_header_impl(Failure&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&, Failure&) override {}
  std::size_t on_body_impl(beast::string_view bytes, Failure&) override {
    if (body) body(View(bytes));
    return bytes.size();
  }
  void on_chunk_header_impl(std::uint64_t, beast::string_view, Failure&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, beast::string_view bytes, Failure&) override {
    if (body) body(View(bytes));
    return bytes.size();
  }
  void on_finish_impl(Failure&) override {}
};

template <typename Base, bool is_request, typename Head>
class Parser : public Base {
 public:
  Parser(std::size_t header_bytes_max, bool no_body) {
    reader_.header_limit(static_cast<std::uint32_t>(header_bytes_max));
    // Not boost::none, which Beast 1.74 takes for zero.
    reader_.body_limit(std::numeric_limits<std::uint64_t>::max());
    reader_.skip(no_body);
  }

  Status Parse(std::string& input) override {
    std::size_t used = 0;
    Status status;
    while (!reader_.is_done() && used < input.size()) {
      const bool head_before = reader_.is_header_done();
      if (head_before && waiting_ && input.size() - used < kLastChunkBytes) break;
      // Eager only for bodies, so that Beast stops after the head.
      reader_.eager(head_before);
      beast::error_code failure;
      const std::size_t count =
          reader_.put(boost::asio::const_buffer(input.data() + used, input.size() - used), failure);
      used += count;
      waiting_ = failure == http::error::need_more;
      if (waiting_) {
        if (count == 0) break;
        continue;
      }
      if (failure) {
        status = Failed(failure);
        break;
      }
      if (!head_before && reader_.is_header_done()) break;
      if (count == 0) break;
    }
    input.erase(0, used);
    return status;
  }

  Status End() override {
    if (reader_.is_done()) return {};
    beast::error_code failure;
    if (reader_.got_some()) reader_.put_eof(failure);
    if (failure || !reader_.is_done()) return Error{Code::kUnavailable, "unexpected EOF"};
    return {};
  }

  bool head_done() const override { return reader_.is_header_done(); }
  bool done() const override { return reader_.is_done(); }
  bool keep_alive() const override { return reader_.keep_alive(); }
  bool http_1_0() const override { return reader_.version_10; }
  void OnBody(std::function<void(std::string_view)> body) override {
    reader_.body = std::move(body);
  }

 protected:
  Reader<is_request, Head> reader_;

 private:
  // "0\r\n\r\n": Beast 1.74 asserts that it is shown at least so much once it has seen the last
  // chunk's first line. Nothing waits for longer than its sender takes: whatever begins within a
  // chunk's first line ends no earlier than this.
  static constexpr std::size_t kLastChunkBytes = 5;

  static Status Failed(const beast::error_code& failure) {
    if (failure == http::error::header_limit || failure == http::error::buffer_overflow) {
      return Error{Code::kResourceExhausted, "http: request header too large"};
    }
    return Error{Code::kInvalidArgument, "malformed HTTP: " + failure.message()};
  }

  bool waiting_ = false;  // Beast left bytes of a line that is not whole
};

class RequestParser final : public Parser<HttpRequestParser, true, HttpRequest> {
 public:
  using Parser::Parser;
  const HttpRequest& request() const override { return reader_.head; }
};

class ResponseParser final : public Parser<HttpResponseParser, false, HttpResponse> {
 public:
  using Parser::Parser;
  const HttpResponse& response() const override { return reader_.head; }
};

}  // namespace

std::unique_ptr<HttpRequestParser> HttpRequestParser::Make(std::size_t header_bytes_max) {
  return std::make_unique<RequestParser>(header_bytes_max, false);
}

std::unique_ptr<HttpResponseParser> HttpResponseParser::Make(std::size_t header_bytes_max,
                                                             bool no_body) {
  return std::make_unique<ResponseParser>(header_bytes_max, no_body);
}

}  // namespace quorate::net
