#include "etcdclient/snapshot.h"

#include <utility>

#include "base/digest.h"

namespace quorate::etcdclient {
namespace {

constexpr std::size_t kDigestBytes = 32;

// Hashes everything but the last 32 bytes it was given: those are the server's own digest.
class TailDigest {
 public:
  void Add(std::string_view chunk) {
    tail_ += chunk;
    if (tail_.size() <= kDigestBytes) return;
    const std::size_t body = tail_.size() - kDigestBytes;
    hash_.Update(std::string_view(tail_).substr(0, body));
    tail_.erase(0, body);
  }
  const std::string& tail() const { return tail_; }
  std::string Finish() { return hash_.Finish(); }

 private:
  Sha256 hash_;
  std::string tail_;
};

}  // namespace

Result<SnapshotSummary> FetchSnapshot(Client& client, const std::string& endpoint,
                                      const SnapshotSink& sink, CallOptions options) {
  options.endpoint = endpoint;
  auto stream = TRY(client.Open(kSnapshot, options));
  TRY(stream->Write(etcdserverpb::SnapshotRequest()));
  TRY(stream->CloseWrites());
  SnapshotSummary summary;
  TailDigest digest;
  etcdserverpb::SnapshotResponse response;
  while (TRY(stream->Next(response, std::nullopt)) == Stream::Read::kMessage) {
    digest.Add(response.blob());
    summary.bytes += response.blob().size();
    if (!response.version().empty()) summary.version = response.version();
    TRY(sink(response.blob(), response.remaining_bytes()));
  }
  summary.sha256 = digest.Finish();
  if (summary.bytes % 512 != kDigestBytes) {
    return Error{Code::kDataLoss, "snapshot stream ended after " + std::to_string(summary.bytes) +
                                      " bytes, which cannot be a whole snapshot"};
  }
  if (summary.sha256 != digest.tail()) {
    return Error{Code::kDataLoss, "snapshot bytes do not match their SHA-256"};
  }
  return summary;
}

}  // namespace quorate::etcdclient
