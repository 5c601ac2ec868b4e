// rpc_echo_bench: what one unary call costs the transport, in microseconds of the event loop's CPU.
//
//   rpc_echo_bench [in flight = 64] [calls = 200000] [request bytes = 272] [threads answering = 0]
//
// The client is nghttp2 on one blocking connection, so that it costs little. With a thread
// answering, every reply comes from another thread, as those of the apply loop do.
#include <netinet/in.h>
#include <nghttp2/nghttp2.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/bounded_queue.h"
#include "net/listener.h"
#include "rpc/grpc_wire.h"
#include "rpc/server.h"

namespace {

using quorate::rpc::UnaryCall;

double ThreadCpuMicros() {
  rusage usage{};
  getrusage(RUSAGE_THREAD, &usage);
  const auto micros = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_usec);
  };
  return micros(usage.ru_utime) + micros(usage.ru_stime);
}

// Keeps `in flight` calls open on one connection until `calls` have been answered.
class EchoClient {
 public:
  EchoClient(std::uint16_t port, std::size_t calls, std::size_t request_bytes) : calls_(calls) {
    descriptor_ = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(descriptor_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
      std::perror("connect");
      std::exit(1);
    }
    const auto prefix = quorate::rpc::MakePrefix(request_bytes);
    request_.assign(prefix.data(), prefix.size());
    request_.append(request_bytes, 'x');
    nghttp2_session_callbacks* callbacks = nullptr;
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_stream_close_callback(
        callbacks, [](nghttp2_session*, std::int32_t, std::uint32_t, void* user) {
          static_cast<EchoClient*>(user)->Ended();
          return 0;
        });
    nghttp2_session_client_new(&session_, callbacks, this);
    nghttp2_session_callbacks_del(callbacks);
    nghttp2_submit_settings(session_, 0, nullptr, 0);
    nghttp2_session_set_local_window_size(session_, 0, 0, 1 << 28);
  }
  ~EchoClient() {
    nghttp2_session_del(session_);
    close(descriptor_);
  }
  EchoClient(const EchoClient&) = delete;
  EchoClient& operator=(const EchoClient&) = delete;

  void Run(std::size_t in_flight) {
    for (std::size_t i = 0; i < in_flight; ++i) Submit();
    std::vector<std::uint8_t> buffer(65536);
    std::string out;
    while (ended_ < calls_) {
      out.clear();
      const std::uint8_t* bytes = nullptr;
      for (;;) {
        const ssize_t size = nghttp2_session_mem_send(session_, &bytes);
        if (size <= 0) break;
        out.append(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
      }
      if (!out.empty() && write(descriptor_, out.data(), out.size()) < 0) std::exit(1);
      const ssize_t count = read(descriptor_, buffer.data(), buffer.size());
      if (count <= 0) std::exit(1);
      nghttp2_session_mem_recv(session_, buffer.data(), static_cast<std::size_t>(count));
    }
  }

 private:
  void Ended() {
    ++ended_;
    if (submitted_ < calls_) Submit();
  }

  void Submit() {
    static constexpr std::array<std::array<const char*, 2>, 6> kFields = {{
        {":method", "POST"},
        {":scheme", "http"},
        {":path", "/etcdserverpb.KV/Put"},
        {":authority", "127.0.0.1:2379"},
        {"content-type", "application/grpc"},
        {"te", "trailers"},
    }};
    std::array<nghttp2_nv, kFields.size()> headers{};
    for (std::size_t i = 0; i < kFields.size(); ++i) {
      headers[i].name = reinterpret_cast<std::uint8_t*>(const_cast<char*>(kFields[i][0]));
      headers[i].namelen = std::strlen(kFields[i][0]);
      headers[i].value = reinterpret_cast<std::uint8_t*>(const_cast<char*>(kFields[i][1]));
      headers[i].valuelen = std::strlen(kFields[i][1]);
    }
    nghttp2_data_provider body{};
    body.source.ptr = &request_;
    body.read_callback = [](nghttp2_session*, std::int32_t, std::uint8_t* out, std::size_t,
                            std::uint32_t* flags, nghttp2_data_source* source, void*) -> ssize_t {
      const auto& request = *static_cast<const std::string*>(source->ptr);
      std::memcpy(out, request.data(), request.size());
      *flags |= NGHTTP2_DATA_FLAG_EOF;
      return static_cast<ssize_t>(request.size());
    };
    nghttp2_submit_request(session_, nullptr, headers.data(), headers.size(), &body, nullptr);
    ++submitted_;
  }

  const std::size_t calls_;
  std::size_t submitted_ = 0;
  std::size_t ended_ = 0;
  int descriptor_ = -1;
  std::string request_;
  nghttp2_session* session_ = nullptr;
};

std::size_t Argument(int count, char** values, int index, std::size_t fallback) {
  return index < count ? static_cast<std::size_t>(std::atoll(values[index])) : fallback;
}

}  // namespace

int main(int argc, char** argv) {
  const std::size_t in_flight = Argument(argc, argv, 1, 64);
  const std::size_t calls = Argument(argc, argv, 2, 200000);
  const std::size_t request_bytes = Argument(argc, argv, 3, 272);
  const bool other_thread = Argument(argc, argv, 4, 0) > 0;

  quorate::BoundedQueue<std::shared_ptr<UnaryCall>> queue(100000);
  std::thread answering([&] {
    std::vector<std::shared_ptr<UnaryCall>> batch;
    while (queue.WaitAndDrainInto(batch, std::chrono::seconds(1))) {
      for (const auto& call : batch) call->Reply(std::string(28, 'r'));
    }
  });
  auto router = std::make_shared<quorate::rpc::Router>();
  router->Unary("/etcdserverpb.KV/Put", [&](const std::shared_ptr<UnaryCall>& call) {
    if (other_thread) {
      queue.TryPush(call);
    } else {
      call->Reply(std::string(28, 'r'));
    }
  });

  quorate::net::EventLoop loop("rpc");
  loop.Start();
  double micros = 0;
  double wall = 0;
  {
    quorate::rpc::Server server({}, router);
    quorate::net::ListenOptions listen;
    listen.endpoint = quorate::net::ParseHostPort("127.0.0.1:0").value();
    auto listener = quorate::net::Listener::Bind({&loop}, listen).value();
    listener->Start([&server](std::shared_ptr<quorate::net::Connection> connection) {
      server.Accept(std::move(connection));
    });
    EchoClient(listener->local().port, 1000, request_bytes).Run(in_flight);
    EchoClient client(listener->local().port, calls, request_bytes);
    double before = 0;
    loop.RunSync([&before] { before = ThreadCpuMicros(); });
    const auto began = std::chrono::steady_clock::now();
    client.Run(in_flight);
    wall = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
    loop.RunSync([&] { micros = ThreadCpuMicros() - before; });
    listener->Stop();
  }
  queue.Close();
  answering.join();
  std::printf(
      "%zu calls, %zu in flight, %zu request bytes: %.2f us of loop CPU a call, %.0f calls a "
      "second\n",
      calls, in_flight, request_bytes, micros / static_cast<double>(calls),
      static_cast<double>(calls) / wall);
  return 0;
}
