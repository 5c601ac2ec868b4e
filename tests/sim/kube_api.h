// KubeApi: a Kubernetes API server in memory, behind kube::Http, for tests.
//
// It answers what the operator asks: get, list with pages and selectors, create, update, patch,
// server-side apply, delete, status subresources and watches. It is held to the real server by
// tests/contracts/kube_contract_test.cc, and is never shipped.
//
// Tests break it: watches that drop or go stale (DropWatches, Compact), changes that watchers do
// not see yet (HoldWatches), requests that are refused or whose answer is lost (Inject), a server
// that is not there (SetReachable), and a client that dies right after its n-th write
// (StopAfterWrites). They play the other components (kubelet, scheduler) with Mutate and Remove.
//
// Thread: any; one mutex. Deterministic when its calls come in a deterministic order.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "kube/http.h"
#include "sim/kube_store.h"

namespace quorate::sim {

class KubeApi final : public kube::Http {
 public:
  KubeApi(const io::Clock& clock, std::uint64_t seed);
  ~KubeApi() override;

  Result<kube::HttpResponse> Send(const kube::HttpRequest& request,
                                  std::chrono::milliseconds quiet_max) override;
  std::unique_ptr<kube::HttpStream> Open(const kube::HttpRequest& request,
                                         std::chrono::milliseconds quiet_max) override;

  // --- what tests look at ---
  kube::Json Peek(const kube::Resource& resource, const kube::ObjectRef& ref) const;  // or null
  std::vector<kube::Json> All(const kube::Resource& resource, std::string_view ns) const;
  struct Write {
    std::string method;
    std::string target;
    int status;
  };
  std::vector<Write> writes() const;  // that were answered with success, in order
  std::size_t reads() const;          // gets and lists
  std::size_t open_watches() const;

  // --- playing other components and persons ---
  void AddKind(KubeKind kind);
  // As kubectl create would. REQUIRES: the object is accepted.
  kube::Json Put(const kube::Resource& resource, kube::Json object);
  bool Mutate(const kube::Resource& resource, const kube::ObjectRef& ref,
              const std::function<void(kube::Json&)>& change);
  bool Delete(const kube::Resource& resource, const kube::ObjectRef& ref);  // as kubectl delete
  bool Remove(const kube::Resource& resource, const kube::ObjectRef& ref);  // gone at once
  void CollectGarbage();

  // --- breaking things ---
  struct Fault {
    std::string method;       // "" fits every method
    std::string target_part;  // "" fits every target
    int status = 503;         // 0: the connection breaks
    bool after = false;       // the request takes effect first, its answer is lost
    int times = 1;
    std::string reason = "ServiceUnavailable";
    int retry_after = 0;  // seconds; 0: no such header
  };
  void Inject(Fault fault);
  void ClearFaults();
  void SetReachable(bool reachable);         // false: also breaks what is open
  void StopAfterWrites(std::size_t writes);  // counted from now; 0: never
  bool stopped() const;
  void Resume();       // after StopAfterWrites or SetReachable(false)
  void DropWatches();  // connections break
  void EndWatches();   // the server ends them cleanly
  void HoldWatches(bool hold);
  void SendBookmarks();
  void Compact();  // history is forgotten: watches from an old version are answered 410

 private:
  struct Stream;
  class StreamHandle;
  struct Request;

  Result<Request> Parse(const kube::HttpRequest& request) const;
  KubeAnswer Handle(const Request& request) QUORATE_REQUIRES(mutex_);
  KubeAnswer HandleList(const Request& request) QUORATE_REQUIRES(mutex_);
  KubeAnswer HandleWrite(const Request& request) QUORATE_REQUIRES(mutex_);
  Fault* FindFault(const kube::HttpRequest& request) QUORATE_REQUIRES(mutex_);
  Result<kube::HttpStream::Event> NextOf(Stream& stream, std::chrono::milliseconds patience);
  bool Advance(Stream& stream, kube::HttpStream::Event& event) QUORATE_REQUIRES(mutex_);
  void BreakStreams(Code code) QUORATE_REQUIRES(mutex_);

  const io::Clock& clock_;
  mutable Mutex mutex_;
  Condition changed_;
  KubeStore store_ QUORATE_GUARDED_BY(mutex_);
  std::list<std::weak_ptr<Stream>> streams_ QUORATE_GUARDED_BY(mutex_);
  std::map<std::string, std::vector<kube::Json>> pages_ QUORATE_GUARDED_BY(mutex_);
  std::uint64_t next_page_ QUORATE_GUARDED_BY(mutex_) = 1;
  std::vector<Write> writes_ QUORATE_GUARDED_BY(mutex_);
  std::size_t reads_ QUORATE_GUARDED_BY(mutex_) = 0;
  std::list<Fault> faults_ QUORATE_GUARDED_BY(mutex_);
  bool reachable_ QUORATE_GUARDED_BY(mutex_) = true;
  bool stopped_ QUORATE_GUARDED_BY(mutex_) = false;
  bool hold_ QUORATE_GUARDED_BY(mutex_) = false;
  std::size_t stop_at_ QUORATE_GUARDED_BY(mutex_) = 0;
};

}  // namespace quorate::sim
