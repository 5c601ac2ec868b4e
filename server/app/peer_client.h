// PeerClient: the questions that a member asks another's peer port over plain HTTP: who belongs to
// the cluster, which version it runs, and what only the leader can answer.
//
// Ownership: borrows the loop.
// Thread: Ask and PostTo from any, callbacks on the loop; AskMembers blocks and is for the start
// only.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "app/formation.h"
#include "base/ids.h"
#include "base/result.h"
#include "membership/version.h"
#include "net/event_loop.h"
#include "net/http_client.h"

namespace quorate::app {

// The cluster version a member reports on GET /version, and its own.
struct RemoteVersion {
  membership::Version server;
};

class PeerClient {
 public:
  explicit PeerClient(net::EventLoop& loop);

  // Waits for the answer of one URL.
  Result<RemoteCluster> AskMembers(const std::string& peer_url, std::chrono::milliseconds patience);

  // Tries the URLs in turn.
  void AskVersion(std::vector<std::string> peer_urls,
                  std::function<void(Result<RemoteVersion>)> done);

  // POSTs to the first URL that answers. 200: the body. Other statuses become the errors they stand
  // for: 404 NotFound, 412 FailedPrecondition, else Unknown, with the body's text.
  void PostTo(std::vector<std::string> peer_urls, std::string path, std::string body,
              std::function<void(Result<std::string>)> done);

  // The same with GET, and a body all the same, as etcd asks for /members/hashkv.
  void GetFrom(std::vector<std::string> peer_urls, std::string path, std::string body,
               std::function<void(Result<std::string>)> done);

  // The cluster's id is sent along, so that another cluster's member refuses.
  void SetCluster(ClusterId cluster, MemberId self);

 private:
  void Ask(std::vector<std::string> peer_urls, net::HttpRequest request,
           std::function<void(Result<std::string>)> done);
  net::HttpRequest MakeRequest(std::string method, std::string path, std::string body) const;

  net::HttpClient client_;
  ClusterId cluster_;
  MemberId self_;
};

}  // namespace quorate::app
