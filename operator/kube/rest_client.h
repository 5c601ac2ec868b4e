// RestClient: the real Http, on cpprestsdk. The only file pair that includes it.
//
// cpprestsdk's timeout is an idle timer, so a watch gets its own client with a long one
// (quiet_max). Its pool's threads never wait: continuations only hand lines over, and the reader of
// a stream asks for the next line when it took the last, so that at most one line and what the
// library has buffered is held. TLS material is read for every new connection; a token file is read
// again after 60 seconds, or when the server answered 401.
//
// Ownership: borrows the Clock and Disk, which must outlive it. Streams may outlive it.
// Thread: any.
// Source: knowledge on cpprestsdk 2.10.18, measured: idle timer, chunked lines, cancellation,
//   callback per connection.
#pragma once

#include <memory>

#include "kube/config.h"
#include "kube/http.h"

namespace quorate::io {
class Clock;
class Disk;
}  // namespace quorate::io

namespace quorate::kube {

class RestClient : public Http {
 public:
  // kInvalidArgument when the configuration cannot work (an unreadable certificate, a bad URL).
  static Result<std::unique_ptr<RestClient>> Create(ConnectionConfig config, io::Clock& clock,
                                                    io::Disk& disk);
  ~RestClient() override;
  RestClient(const RestClient&) = delete;
  RestClient& operator=(const RestClient&) = delete;

  Result<HttpResponse> Send(const HttpRequest& request,
                            std::chrono::milliseconds quiet_max) override;
  std::unique_ptr<HttpStream> Open(const HttpRequest& request,
                                   std::chrono::milliseconds quiet_max) override;

 private:
  struct Impl;
  explicit RestClient(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;  // shared with streams that are still open
};

}  // namespace quorate::kube
