// What a stranger can send to the peer port: single messages, snapshots, stream requests. The
// headers that let a request pass are there more often than not.
#include "base/check.h"
#include "fuzz/pipe.h"
#include "fuzz/target.h"
#include "net/http_server.h"
#include "peer/headers.h"
#include "peer/transport.h"
#include "sim/clock.h"
#include "sim/disk.h"

namespace quorate::peer {
namespace {

class Ears final : public Events {
 public:
  void OnMessages(std::vector<raft::Message>& messages) override {
    for (const raft::Message& message : messages) CHECK(message.to == MemberId{1});
  }
  void OnUnreachable(MemberId) override {}
  void OnGone(MemberId) override {}
  void OnSelfRemoved() override {}
  bool IsRemoved(MemberId member) const override { return member == MemberId{9}; }
  bool TellsRemoved() const override { return true; }
};

std::string Request(fuzz::Feed& feed) {
  static constexpr std::string_view kTargets[] = {
      "POST /raft",
      "POST /raft/snapshot",
      "GET /raft/stream/msgapp/2",
      "GET /raft/stream/message/9",
      "GET /raft/probing",
  };
  std::string head(kTargets[feed.Below(std::size(kTargets))]);
  head += " HTTP/1.1\r\nHost: a\r\nX-Server-Version: 3.6.14\r\nX-Min-Cluster-Version: 3.0.0\r\n";
  head += "X-Server-From: 2\r\nX-Raft-To: 1\r\n";
  if (feed.Below(16) != 15) head += "X-Etcd-Cluster-ID: 1\r\n";
  std::string body;
  const bool sized = feed.Flag();
  const std::string_view message = feed.Text();
  if (sized) AppendBigEndian64(body, message.size());
  body += message;
  body += feed.Text();
  return head + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

FUZZ_TARGET(peer_http) {
  fuzz::Feed feed(input);
  const bool raw = feed.Below(4) == 3;
  const fuzz::Feed shape(feed.Text());
  std::string bytes;
  if (raw) {
    bytes = feed.Rest();
  } else {
    for (int i = 0; i < 4 && !feed.empty(); ++i) bytes += Request(feed);
  }

  fuzz::Session& session = fuzz::Session::Get();
  sim::Disk disk(1);
  CHECK(disk.MakeDirectories("snap").ok());
  const sim::Clock clock;
  Ears ears;
  Options options;
  options.self = MemberId{1};
  options.cluster = ClusterId{1};
  options.snapshot_directory = "snap";
  Transport transport(options, {.loop = &session.loop(),
                                .clock = &clock,
                                .disk = &disk,
                                .background =
                                    [](const std::function<void()>& task) {
                                      task();
                                      return true;
                                    },
                                .events = &ears});
  net::HttpServer server({.header_bytes_max = 8192}, [&](std::shared_ptr<net::HttpExchange> e) {
    // A stranger that names its URLs would be dialled.
    if (e->request().headers.Has(kPeerUrlsHeader)) return e->Respond(net::HttpResponse{});
    transport.Serve(std::move(e));
  });
  session.Run([&](std::shared_ptr<net::Connection> pipe) { server.Serve(std::move(pipe)); }, shape,
              bytes);
  CHECK(server.connection_count() == 0);
}

}  // namespace
}  // namespace quorate::peer
