// PeerHeaders: what every request and answer between members carries, and the checks that refuse
// strangers.
//
// Source: knowledge/etcd.md 6.2.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "net/http.h"
#include "peer/options.h"

namespace quorate::peer {

inline constexpr const char* kClusterIdHeader = "X-Etcd-Cluster-ID";
inline constexpr const char* kFromHeader = "X-Server-From";
inline constexpr const char* kVersionHeader = "X-Server-Version";
inline constexpr const char* kMinVersionHeader = "X-Min-Cluster-Version";
inline constexpr const char* kToHeader = "X-Raft-To";
inline constexpr const char* kPeerUrlsHeader = "X-PeerURLs";
// Ours: the SHA-256 of the database behind a snapshot's message, in hexadecimal. etcd neither sends
// nor reads it.
inline constexpr const char* kSnapshotSha256Header = "X-Quorate-Snapshot-Sha256";

inline constexpr const char* kClusterMismatch = "cluster ID mismatch";
inline constexpr const char* kIncompatibleVersion = "incompatible version";
inline constexpr const char* kToMismatch = "to field mismatch";

// Of a request to another member.
net::Headers RequestHeaders(const Options& options);
// Of an answer.
net::Headers AnswerHeaders(const Options& options);

// Why a request must be refused (412), or nothing.
std::optional<std::string> Refusal(const Options& options, const net::Headers& request);
// The same of a stream, whose frames do not say for whom they are: who asks for it may want the
// member that had this address before.
std::optional<std::string> StreamRefusal(const Options& options, const net::Headers& request);
// Of a database that was changed on its way nothing may be kept: the sender begins again.
//   received: of what came, 32 raw bytes
//   expected: kSnapshotSha256Header; empty where the sender did not say
Status CheckSnapshotSha256(std::string_view received, std::string_view expected);

}  // namespace quorate::peer
