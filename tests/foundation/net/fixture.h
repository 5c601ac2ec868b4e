// What net's and rpc's tests share: a folder of fresh certificates, a small HTTP server and
// blocking fetches.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <future>
#include <memory>
#include <string>

#include "net/certificate.h"
#include "net/event_loop.h"
#include "net/http_client.h"
#include "net/http_server.h"
#include "net/listener.h"

namespace quorate::net {

class TempFolder {
 public:
  TempFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "quorate-net-XXXXXX").string();
    path_ = mkdtemp(pattern.data());
  }
  ~TempFolder() { std::filesystem::remove_all(path_); }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;

  std::string Write(const std::string& name, const std::string& text) const {
    std::string file = path_ + "/" + name;
    std::ofstream(file + ".new", std::ios::binary) << text;
    std::filesystem::rename(file + ".new", file);
    return file;
  }
  std::string File(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

// ca.pem, server.pem, server.key, client.pem, client.key; the server's name is localhost and
// 127.0.0.1.
class Certificates {
 public:
  Certificates() {
    ca_ =
        MakeCertificate({.common_name = "test ca", .organization = "", .hosts = {}, .is_ca = true})
            .value();
    folder_.Write("ca.pem", ca_.certificate);
    Issue("server", "server", {"localhost", "127.0.0.1"});
    Issue("client", "alice", {"127.0.0.1"});
  }

  void Issue(const std::string& file, const std::string& common_name,
             const std::vector<std::string>& hosts) {
    const PemPair pair =
        MakeCertificate({.common_name = common_name, .organization = "", .hosts = hosts}, &ca_)
            .value();
    folder_.Write(file + ".key", pair.key);
    folder_.Write(file + ".pem", pair.certificate);
  }
  TlsServerOptions Server() const {
    TlsServerOptions options;
    options.cert_file = folder_.File("server.pem");
    options.key_file = folder_.File("server.key");
    return options;
  }
  TlsServerOptions MutualServer() const {
    TlsServerOptions options = Server();
    options.trusted_ca_file = folder_.File("ca.pem");
    options.client_cert_auth = true;
    return options;
  }
  TlsClientOptions Client(bool with_certificate) const {
    TlsClientOptions options;
    options.trusted_ca_file = folder_.File("ca.pem");
    if (with_certificate) {
      options.cert_file = folder_.File("client.pem");
      options.key_file = folder_.File("client.key");
    }
    return options;
  }
  const TempFolder& folder() const { return folder_; }

 private:
  TempFolder folder_;
  PemPair ca_;
};

// A started loop.
struct RunningLoop {
  explicit RunningLoop(const std::string& name) : loop(name) { loop.Start(); }
  EventLoop loop;
};

// An HTTP server on a free port of loopback and a client, each with a loop of its own.
class HttpHarness {
 public:
  explicit HttpHarness(HttpServer::Handler handler, HttpServerOptions options = {},
                       std::shared_ptr<TlsServer> tls = nullptr,
                       HttpClientOptions client_options = {})
      : server(options, std::move(handler)), client(client_loop.loop, std::move(client_options)) {
    ListenOptions listen;
    listen.endpoint = ParseHostPort("127.0.0.1:0").value();
    listen.endpoint.tls = tls != nullptr;
    listen.tls = std::move(tls);
    listen.on_rejected = [this](const std::string&, const std::string&, const Error& error) {
      rejected.set_value(error);
    };
    listener = Listener::Bind({&server_loop.loop}, std::move(listen)).value();
    listener->Start(
        [this](std::shared_ptr<Connection> connection) { server.Serve(std::move(connection)); });
  }
  ~HttpHarness() { listener->Stop(); }
  HttpHarness(const HttpHarness&) = delete;
  HttpHarness& operator=(const HttpHarness&) = delete;

  // A minute, on a busy machine and under a sanitizer: only a test that hangs meets it.
  Result<HttpResponse> Fetch(HttpRequest request,
                             std::chrono::milliseconds timeout = std::chrono::minutes(1),
                             std::size_t bytes_max = 64 << 20) {
    std::promise<Result<HttpResponse>> promise;
    client.Fetch(listener->local(), std::move(request), timeout, bytes_max,
                 [&](Result<HttpResponse> response) { promise.set_value(std::move(response)); });
    return promise.get_future().get();
  }
  Result<HttpResponse> Get(const std::string& target) { return Fetch({"GET", target, {}, ""}); }

  RunningLoop server_loop{"server"};
  RunningLoop client_loop{"client"};
  std::promise<Error> rejected;
  HttpServer server;
  std::unique_ptr<Listener> listener;
  HttpClient client;
};

}  // namespace quorate::net
