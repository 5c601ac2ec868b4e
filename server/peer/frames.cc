#include "peer/frames.h"

#include <optional>
#include <utility>

#include "base/bytes.h"
#include "wire/raftpb.h"

namespace quorate::peer {
namespace {

using raft::Message;
using raft::MessageType;

constexpr char kHeartbeatFrame = 0;
constexpr char kEntriesFrame = 1;
constexpr char kMessageFrame = 2;
constexpr std::size_t kNumberBytes = 8;

Error Damaged(const char* what) {
  return Error{Code::kDataLoss, std::string("peer stream: ") + what};
}

void AppendSized(std::string& out, const Message& message) {
  AppendBigEndian64(out, wire::MessageSize(message));
  wire::AppendMessage(out, message);
}

bool IsLinkHeartbeat(const Message& message) {
  return message.type == MessageType::kHeartbeat && message.from == MemberId{} &&
         message.to == MemberId{};
}

// Where an append stream stands: the last entry it carried.
struct Position {
  Term term;
  LogIndex index;

  // Whether the message continues the stream, so that its entries alone say everything.
  bool ContinuedBy(const Message& m) const {
    return m.index == index && m.log_term == term && m.term == term;
  }
  void Follow(const Message& m) {
    term = m.term;
    index = m.entries.empty() ? m.index : m.entries.back().index;
  }
};

class AppendEncoder final : public FrameEncoder {
 public:
  void Append(std::string& out, const Message& m) override {
    if (position_.ContinuedBy(m)) {
      out += kEntriesFrame;
      AppendBigEndian64(out, m.entries.size());
      for (const raft::Entry& entry : m.entries) {
        AppendBigEndian64(out, wire::EntrySize(entry));
        wire::AppendEntry(out, entry);
      }
      AppendBigEndian64(out, m.commit.value);
      position_.index += m.entries.size();
      return;
    }
    out += kMessageFrame;
    AppendSized(out, m);
    position_.Follow(m);
  }
  void AppendHeartbeat(std::string& out) override { out += kHeartbeatFrame; }

 private:
  Position position_;
};

class MessageEncoder final : public FrameEncoder {
 public:
  void Append(std::string& out, const Message& message) override { AppendSized(out, message); }
  void AppendHeartbeat(std::string& out) override {
    Message beat;
    beat.type = MessageType::kHeartbeat;
    AppendSized(out, beat);
  }
};

// Keeps bytes until a frame is whole, then hands out views into one shared buffer that entries may
// keep alive.
class BufferedDecoder : public FrameDecoder {
 public:
  Status Take(std::string_view bytes, std::vector<Message>& out) final {
    pending_.append(bytes);
    if (pending_.size() < needed_) return {};
    auto buffer = std::make_shared<const std::string>(std::move(pending_));
    pending_.clear();
    std::string_view rest = *buffer;
    needed_ = 0;
    while (!rest.empty()) {
      const bool whole = TRY(TakeFrame(buffer, rest, out));
      if (whole) continue;
      pending_.assign(rest);
      break;
    }
    return {};
  }

 protected:
  // Takes one frame off the front; false, and rest untouched, when it is not whole: then needed_
  // says what it lacks.
  virtual Result<bool> TakeFrame(const wire::Buffer& buffer, std::string_view& rest,
                                 std::vector<Message>& out) = 0;

  // The size of the frame's next part, from its 8 bytes at `at`; nullopt when these are not there
  // yet.
  Result<std::optional<std::uint64_t>> SizeAt(std::string_view rest, std::size_t at) {
    if (rest.size() < at + kNumberBytes) {
      needed_ = at + kNumberBytes;
      return std::optional<std::uint64_t>();
    }
    const std::uint64_t size = ReadBigEndian64(rest.substr(at));
    if (size > kFrameBytesMax) return Damaged("a frame larger than any sender makes");
    return std::optional<std::uint64_t>(size);
  }

  // A sized message at `at`; nullopt when it is not whole. Moves `at` behind it.
  Result<std::optional<Message>> MessageAt(const wire::Buffer& buffer, std::string_view rest,
                                           std::size_t& at) {
    const auto size = TRY(SizeAt(rest, at));
    if (!size || !Has(rest, at + kNumberBytes + *size)) return std::optional<Message>();
    Message message = TRY(wire::DecodeMessage(buffer, rest.substr(at + kNumberBytes, *size)));
    at += kNumberBytes + *size;
    return std::optional<Message>(std::move(message));
  }

  bool Has(std::string_view rest, std::size_t bytes) {
    if (rest.size() >= bytes) return true;
    needed_ = bytes;
    return false;
  }

 private:
  std::string pending_;
  std::size_t needed_ = 0;  // bytes of the incomplete frame without which looking again is vain
};

class MessageDecoder final : public BufferedDecoder {
 protected:
  Result<bool> TakeFrame(const wire::Buffer& buffer, std::string_view& rest,
                         std::vector<Message>& out) override {
    std::size_t at = 0;
    auto message = TRY(MessageAt(buffer, rest, at));
    if (!message) return false;
    rest.remove_prefix(at);
    if (!IsLinkHeartbeat(*message)) out.push_back(std::move(*message));
    return true;
  }
};

class AppendDecoder final : public BufferedDecoder {
 public:
  AppendDecoder(MemberId from, MemberId to) : from_(from), to_(to) {}

 protected:
  Result<bool> TakeFrame(const wire::Buffer& buffer, std::string_view& rest,
                         std::vector<Message>& out) override {
    switch (rest.front()) {
      case kHeartbeatFrame:
        rest.remove_prefix(1);
        return true;
      case kEntriesFrame:
        return TakeEntries(buffer, rest, out);
      case kMessageFrame: {
        std::size_t at = 1;
        auto message = TRY(MessageAt(buffer, rest, at));
        if (!message) return false;
        rest.remove_prefix(at);
        position_.Follow(*message);
        out.push_back(std::move(*message));
        return true;
      }
      default:
        return Damaged("an unknown kind of frame");
    }
  }

 private:
  Result<bool> TakeEntries(const wire::Buffer& buffer, std::string_view& rest,
                           std::vector<Message>& out) {
    std::size_t at = 1;
    const auto count = TRY(SizeAt(rest, at));
    if (!count) return false;
    at += kNumberBytes;
    Message message;
    for (std::uint64_t i = 0; i < *count; ++i) {
      const auto size = TRY(SizeAt(rest, at));
      if (!size || !Has(rest, at + kNumberBytes + *size)) return false;
      message.entries.push_back(
          TRY(wire::DecodeEntry(buffer, rest.substr(at + kNumberBytes, *size))));
      at += kNumberBytes + *size;
    }
    if (!Has(rest, at + kNumberBytes)) return false;
    message.type = MessageType::kApp;
    message.from = from_;
    message.to = to_;
    message.term = message.log_term = position_.term;
    message.index = position_.index;
    message.commit = LogIndex{ReadBigEndian64(rest.substr(at))};
    rest.remove_prefix(at + kNumberBytes);
    position_.index += *count;
    out.push_back(std::move(message));
    return true;
  }

  const MemberId from_;
  const MemberId to_;
  Position position_;
};

}  // namespace

std::string_view PathOf(StreamKind kind) {
  return kind == StreamKind::kAppend ? "/raft/stream/msgapp" : "/raft/stream/message";
}

std::unique_ptr<FrameEncoder> MakeEncoder(StreamKind kind) {
  if (kind == StreamKind::kAppend) return std::make_unique<AppendEncoder>();
  return std::make_unique<MessageEncoder>();
}

std::unique_ptr<FrameDecoder> MakeDecoder(StreamKind kind, MemberId from, MemberId to) {
  if (kind == StreamKind::kAppend) return std::make_unique<AppendDecoder>(from, to);
  return std::make_unique<MessageDecoder>();
}

}  // namespace quorate::peer
