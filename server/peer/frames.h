// Frames: the two stream encodings of rafthttp, as bytes and back. PURE.
//
// message    u64 size, Message; a heartbeat is a Message of type kHeartbeat from 0 to 0.
// msgappv2   0x00 heartbeat | 0x01 u64 count, (u64 size, Entry)*, u64 commit | 0x02 u64 size,
// Message.
//            0x01 stands for a kApp that continues exactly where the stream is: same term, next
//            index.
// All numbers big-endian. Decoders take bytes as they come, keep what is incomplete, and refuse
// sizes that no sender makes.
//
// Errors: kDataLoss; the stream must be dropped.
// Source: knowledge/etcd.md 6.3.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "raft/types.h"

namespace quorate::peer {

inline constexpr std::uint64_t kFrameBytesMax = std::uint64_t{512} << 20U;

enum class StreamKind : std::uint8_t { kAppend, kMessage };
std::string_view PathOf(StreamKind kind);  // "/raft/stream/msgapp", "/raft/stream/message"

class FrameEncoder {
 public:
  virtual ~FrameEncoder() = default;
  virtual void Append(std::string& out, const raft::Message& message) = 0;
  virtual void AppendHeartbeat(std::string& out) = 0;
};

class FrameDecoder {
 public:
  virtual ~FrameDecoder() = default;
  // Appends the messages that are complete now; heartbeats give none.
  virtual Status Take(std::string_view bytes, std::vector<raft::Message>& out) = 0;
};

std::unique_ptr<FrameEncoder> MakeEncoder(StreamKind kind);
// from: who writes the stream; to: this member.
std::unique_ptr<FrameDecoder> MakeDecoder(StreamKind kind, MemberId from, MemberId to);

}  // namespace quorate::peer
