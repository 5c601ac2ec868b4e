// HttpRequest, HttpResponse, Headers: HTTP/1.1 messages as values, for client and server.
//
// Thread: values.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace quorate::net {

class Headers {
 public:
  Headers() = default;
  Headers(std::initializer_list<std::pair<std::string, std::string>> fields) : fields_(fields) {}

  // The first field of that name, letters' case ignored; "" when absent.
  std::string_view Get(std::string_view name) const;
  bool Has(std::string_view name) const;
  void Add(std::string_view name, std::string_view value);
  void Set(std::string_view name, std::string_view value);  // replaces all of that name
  void Remove(std::string_view name);
  const std::vector<std::pair<std::string, std::string>>& fields() const { return fields_; }

 private:
  std::vector<std::pair<std::string, std::string>> fields_;
};

struct HttpRequest {
  std::string method = "GET";
  std::string target = "/";  // path and query, as sent
  Headers headers;
  std::string body;  // "" when the body is streamed

  std::string_view path() const;   // target up to "?"
  std::string_view query() const;  // after "?"; "" without one
};

struct HttpResponse {
  int status = 200;
  Headers headers;
  std::string body;

  // Go's http.Error: text/plain; charset=utf-8, nosniff, the text and a newline.
  static HttpResponse Text(int status, std::string_view text);
  static HttpResponse Json(int status, std::string body);
};

// "Not Found" for 404; "" for an unknown number.
std::string_view ReasonPhrase(int status);

}  // namespace quorate::net
