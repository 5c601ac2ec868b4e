#include "app/peer_client.h"

#include <future>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/bytes.h"
#include "net/endpoint.h"

namespace quorate::app {
namespace {

constexpr std::size_t kAnswerBytesMax = 4 << 20;
constexpr auto kPatience = std::chrono::seconds(5);

Result<RemoteCluster> ParseMembersAnswer(const net::HttpResponse& answer) {
  if (answer.status != 200) {
    return Error{Code::kUnavailable, "HTTP " + std::to_string(answer.status)};
  }
  const auto id = ParseHex(answer.headers.Get("X-Etcd-Cluster-ID"));
  if (!id) return Error{Code::kUnavailable, "the answer names no cluster id"};
  return RemoteCluster{ClusterId{*id}, TRY(membership::ParseMembers(answer.body))};
}

Result<RemoteVersion> ParseVersionAnswer(const net::HttpResponse& answer) {
  if (answer.status != 200) {
    return Error{Code::kUnavailable, "HTTP " + std::to_string(answer.status)};
  }
  const auto json = nlohmann::json::parse(answer.body, nullptr, false);
  if (!json.is_object()) return Error{Code::kUnavailable, "the answer is not a version"};
  const auto field = json.find("etcdserver");
  const bool is_text = field != json.end() && field->is_string();
  const auto version =
      is_text ? membership::ParseVersion(field->get_ref<const std::string&>()) : std::nullopt;
  if (!version) return Error{Code::kUnavailable, "the answer holds no version"};
  return RemoteVersion{*version};
}

Error ToError(const net::HttpResponse& answer) {
  std::string text = answer.body;
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  switch (answer.status) {
    case 404:
      return {Code::kNotFound, text};
    case 412:
      return {Code::kFailedPrecondition, text};
    case 408:
      return {Code::kUnavailable, "etcdserver: request timed out"};
    default:
      return {Code::kUnknown, text};
  }
}

// Attempt: one request sent to one URL after another until something answers.
struct Attempt : std::enable_shared_from_this<Attempt> {
  net::HttpClient* client = nullptr;
  std::vector<std::string> urls;
  net::HttpRequest request;
  std::function<void(Result<net::HttpResponse>)> done;
  std::size_t next = 0;

  void Run(Error last) {
    if (next == urls.size()) return done(std::move(last));
    const auto endpoint = net::ParseUrl(urls[next++]);
    if (!endpoint.ok()) return Run(endpoint.error());
    client->Fetch(*endpoint, request, kPatience, kAnswerBytesMax,
                  [self = shared_from_this()](Result<net::HttpResponse> answer) {
                    if (!answer.ok()) return self->Run(answer.error());
                    self->done(std::move(answer));
                  });
  }
};

void Try(net::HttpClient& client, std::vector<std::string> urls, net::HttpRequest request,
         std::function<void(Result<net::HttpResponse>)> done) {
  auto attempt = std::make_shared<Attempt>();
  attempt->client = &client;
  attempt->urls = std::move(urls);
  attempt->request = std::move(request);
  attempt->done = std::move(done);
  attempt->Run(Error{Code::kUnavailable, "etcdserver: no leader"});
}

}  // namespace

PeerClient::PeerClient(net::EventLoop& loop) : client_(loop, net::HttpClientOptions{}) {}

void PeerClient::SetCluster(ClusterId cluster, MemberId self) {
  cluster_ = cluster;
  self_ = self;
}

net::HttpRequest PeerClient::MakeRequest(std::string method, std::string path,
                                         std::string body) const {
  net::HttpRequest request;
  request.method = std::move(method);
  request.target = std::move(path);
  request.body = std::move(body);
  if (cluster_ != ClusterId{}) {
    request.headers.Set("X-Etcd-Cluster-ID", ToHex(cluster_.value));
    request.headers.Set("X-Server-From", ToHex(self_.value));
  }
  return request;
}

Result<RemoteCluster> PeerClient::AskMembers(const std::string& peer_url,
                                             std::chrono::milliseconds patience) {
  const net::Endpoint endpoint = TRY(net::ParseUrl(peer_url));
  std::promise<Result<net::HttpResponse>> promise;
  client_.Fetch(
      endpoint, MakeRequest("GET", "/members", ""), patience, kAnswerBytesMax,
      [&promise](Result<net::HttpResponse> answer) { promise.set_value(std::move(answer)); });
  Result<net::HttpResponse> answer = promise.get_future().get();
  if (!answer.ok()) return answer.error();
  return ParseMembersAnswer(*answer);
}

void PeerClient::AskVersion(std::vector<std::string> peer_urls,
                            std::function<void(Result<RemoteVersion>)> done) {
  Try(client_, std::move(peer_urls), MakeRequest("GET", "/version", ""),
      [done = std::move(done)](Result<net::HttpResponse> answer) {
        if (!answer.ok()) return done(answer.error());
        done(ParseVersionAnswer(*answer));
      });
}

void PeerClient::PostTo(std::vector<std::string> peer_urls, std::string path, std::string body,
                        std::function<void(Result<std::string>)> done) {
  Ask(std::move(peer_urls), MakeRequest("POST", std::move(path), std::move(body)), std::move(done));
}

void PeerClient::GetFrom(std::vector<std::string> peer_urls, std::string path, std::string body,
                         std::function<void(Result<std::string>)> done) {
  Ask(std::move(peer_urls), MakeRequest("GET", std::move(path), std::move(body)), std::move(done));
}

void PeerClient::Ask(std::vector<std::string> peer_urls, net::HttpRequest request,
                     std::function<void(Result<std::string>)> done) {
  Try(client_, std::move(peer_urls), std::move(request),
      [done = std::move(done)](Result<net::HttpResponse> answer) {
        if (!answer.ok()) return done(answer.error());
        if (answer->status != 200) return done(ToError(*answer));
        done(std::move(answer->body));
      });
}

}  // namespace quorate::app
