// Server: gRPC over HTTP/2 and HTTP/1.1 on one port, whichever the client speaks.
//
// A plaintext connection that opens with the HTTP/2 preface is gRPC, anything else HTTP/1.1; under
// TLS, ALPN decides, and HTTP/2 requests that are not application/grpc reach the HTTP handlers too.
// Abuse meets limits: rapid resets, floods of PING, SETTINGS and CONTINUATION frames, half-open
// handshakes, readers that do not read.
//
// Ownership: shares the router; borrows the loops of its connections. Drain() before destroying.
// Thread: any; handlers and callbacks on the connections' loops.
// Source: grpc PROTOCOL-HTTP2.md; grpc-go's server for texts and keepalive policy.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/result.h"
#include "net/connection.h"
#include "net/http_server.h"
#include "rpc/router.h"

namespace quorate::rpc {

struct ServerOptions {
  // Largest request message; etcd: --max-request-bytes + 512 KiB. Beyond: ResourceExhausted.
  std::size_t message_bytes_max = 1572864 + 512 * 1024;
  std::uint32_t concurrent_streams_max = 0xffffffff;  // per connection, --max-concurrent-streams
  std::chrono::milliseconds keepalive_min_time =
      std::chrono::seconds(5);  // --grpc-keepalive-min-time
  std::chrono::milliseconds keepalive_interval =
      std::chrono::hours(2);  // --grpc-keepalive-interval; 0: never ping
  std::chrono::milliseconds keepalive_timeout =
      std::chrono::seconds(20);                                          // --grpc-keepalive-timeout
  std::chrono::milliseconds preface_timeout = std::chrono::seconds(10);  // first bytes after accept
  // Answers queued on one connection. Beyond, one that takes not a byte for output_patience is
  // closed, and it gets no further answer that would make them more than answer_bytes_max.
  std::size_t output_bytes_max = 256 << 20;
  std::chrono::milliseconds output_patience = std::chrono::seconds(30);
  std::size_t answer_bytes_max = 0x7fffffff;  // one answer, as etcd; beyond: ResourceExhausted
  // Answers queued on all connections together, those of 64 KiB and more and those behind 1 MiB.
  // Beyond: ResourceExhausted, and readers that do not read lose their connection, see above.
  std::size_t answers_bytes_max = std::size_t{4} << 30;
  std::size_t input_bytes_max =
      64 << 20;  // incomplete request messages on one connection; beyond: closed
  std::uint64_t resets_burst =
      10000;  // RST_STREAM by the client: bucket size and refill per second
  std::uint64_t resets_per_second = 1000;
  bool serve_grpc =
      true;  // false: HTTP/1.1 only (--listen-client-http-urls, --listen-metrics-urls)
  bool serve_http = true;  // false: gRPC only
  net::HttpServerOptions http;
};

Status Validate(const ServerOptions& options);

// Since start; read at any time.
struct ServerCounters {
  std::atomic<std::uint64_t> received_bytes{
      0};  // gRPC messages, as etcd_network_client_grpc_received_bytes_total
  std::atomic<std::uint64_t> sent_bytes{0};
  std::atomic<std::uint64_t> calls{0};
  std::atomic<std::int64_t> streams_open{0};
};

class Server {
 public:
  Server(ServerOptions options, std::shared_ptr<const Router> router);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // For Listener::Start. Call on the connection's loop.
  void Accept(std::shared_ptr<net::Connection> connection);

  // GOAWAY to all; calls in flight may finish within `patience`, then everything is closed. Blocks.
  // REQUIRES: not on a loop of the connections.
  void Drain(std::chrono::milliseconds patience);

  const ServerCounters& counters() const;
  std::size_t connection_count() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace quorate::rpc
