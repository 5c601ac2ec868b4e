#include "rpc/h2_connection.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <vector>

#include "base/check.h"
#include "base/log.h"

namespace quorate::rpc {
namespace {

constexpr std::size_t kSocketAheadMax = std::size_t{256}
                                        << 10;  // written, not yet taken by the socket
constexpr std::size_t kSmallAnswer = std::size_t{64} << 10;
constexpr std::size_t kLittleOutput = std::size_t{1} << 20;
constexpr std::size_t kFramesWaitingMax = 100000;  // answers and refusals not yet written
constexpr std::int32_t kConnectionWindow = 16 << 20;
constexpr std::uint32_t kStreamWindow = 1 << 20;
constexpr std::uint32_t kHeaderListMax = 64 << 10;
constexpr int kPingStrikesMax = 2;
constexpr auto kPingWithoutStreams = std::chrono::hours(2);
constexpr std::array<std::uint8_t, 8> kDrainPing = {'q', 'd', 'r', 'a', 'i', 'n', 0, 0};

nghttp2_nv Field(std::string_view name, std::string_view value, bool fixed) {
  nghttp2_nv field{};
  field.name = reinterpret_cast<std::uint8_t*>(const_cast<char*>(name.data()));
  field.namelen = name.size();
  field.value = reinterpret_cast<std::uint8_t*>(const_cast<char*>(value.data()));
  field.valuelen = value.size();
  field.flags = static_cast<std::uint8_t>(NGHTTP2_NV_FLAG_NO_COPY_NAME |
                                          (fixed ? NGHTTP2_NV_FLAG_NO_COPY_VALUE : 0));
  return field;
}

const nghttp2_nv kStatusOk = Field(":status", "200", true);
const nghttp2_nv kContentType = Field("content-type", "application/grpc", true);
const nghttp2_nv kGrpcOk = Field("grpc-status", "0", true);

std::string_view View(const std::uint8_t* bytes, std::size_t size) {
  return {reinterpret_cast<const char*>(bytes), size};
}

}  // namespace

// nghttp2 calls these; user is the H2Connection.
struct H2Callbacks {
  static H2Connection& Connection(void* user) { return *static_cast<H2Connection*>(user); }
  static H2Stream* StreamOf(nghttp2_session* session, std::int32_t id) {
    return static_cast<H2Stream*>(nghttp2_session_get_stream_user_data(session, id));
  }

  static int BeginHeaders(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    if (frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
      Connection(user).OpenStream(frame->hd.stream_id);
    }
    return 0;
  }
  static int Header(nghttp2_session* session, const nghttp2_frame* frame, const std::uint8_t* name,
                    std::size_t name_size, const std::uint8_t* value, std::size_t value_size,
                    std::uint8_t, void*) {
    if (frame->headers.cat != NGHTTP2_HCAT_REQUEST) return 0;
    H2Stream* stream = StreamOf(session, frame->hd.stream_id);
    if (stream == nullptr || stream->AddHeader(View(name, name_size), View(value, value_size))) {
      return 0;
    }
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;  // resets the stream
  }
  static int FrameReceived(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    Connection(user).OnFrame(*frame);
    return 0;
  }
  static int DataReceived(nghttp2_session* session, std::uint8_t, std::int32_t id,
                          const std::uint8_t* data, std::size_t size, void* user) {
    nghttp2_session_consume_connection(session, size);
    H2Stream* stream = StreamOf(session, id);
    const std::size_t consumed =
        stream == nullptr ? size : stream->shared_from_this()->Data(View(data, size));
    if (consumed > 0) nghttp2_session_consume_stream(session, id, consumed);
    return Connection(user).failed_ ? NGHTTP2_ERR_CALLBACK_FAILURE : 0;
  }
  static int StreamClosed(nghttp2_session* session, std::int32_t id, std::uint32_t, void* user) {
    if (H2Stream* stream = StreamOf(session, id)) Connection(user).CloseStream(*stream);
    return 0;
  }
  static int FrameSent(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    Connection(user).OnFrameSent(*frame);
    return 0;
  }
  static ssize_t ReadSource(nghttp2_session*, std::int32_t, std::uint8_t*, std::size_t length,
                            std::uint32_t* flags, nghttp2_data_source* source, void* user) {
    return Connection(user).ReadSource(*static_cast<H2Stream*>(source->ptr), length, flags);
  }
  static int SendData(nghttp2_session*, nghttp2_frame*, const std::uint8_t* frame_header,
                      std::size_t length, nghttp2_data_source* source, void* user) {
    Connection(user).SendData(*static_cast<H2Stream*>(source->ptr), frame_header, length);
    return 0;
  }

  static nghttp2_session_callbacks* Make() {
    nghttp2_session_callbacks* callbacks = nullptr;
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, BeginHeaders);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, Header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, FrameReceived);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, DataReceived);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, StreamClosed);
    nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, FrameSent);
    nghttp2_session_callbacks_set_send_data_callback(callbacks, SendData);
    return callbacks;
  }
};

H2Connection::H2Connection(const ServerOptions& options, std::shared_ptr<const Router> router,
                           std::shared_ptr<ServerCounters> counters,
                           std::shared_ptr<AnswerBudget> budget,
                           std::shared_ptr<LoopContext> context,
                           std::shared_ptr<net::Connection> transport, std::function<void()> closed)
    : options_(options),
      router_(std::move(router)),
      counters_(std::move(counters)),
      budget_(std::move(budget)),
      context_(std::move(context)),
      transport_(std::move(transport)),
      closed_(std::move(closed)),
      output_watched_from_(std::min(options_.output_bytes_max, kLittleOutput)),
      keepalive_(context_->loop),
      output_watch_(context_->loop),
      last_activity_(net::EventLoop::Now()),
      last_ping_(last_activity_ - kPingWithoutStreams) {
  static nghttp2_session_callbacks* const callbacks = H2Callbacks::Make();
  nghttp2_option* limits = nullptr;
  nghttp2_option_new(&limits);
  nghttp2_option_set_no_auto_window_update(limits, 1);
  nghttp2_option_set_no_closed_streams(limits, 1);
  nghttp2_option_set_stream_reset_rate_limit(limits, options_.resets_burst,
                                             options_.resets_per_second);
  nghttp2_session_server_new2(&session_, callbacks, this, limits);
  nghttp2_option_del(limits);
}

H2Connection::~H2Connection() {
  nghttp2_session_del(session_);
}

void H2Connection::Begin(std::string_view already_read) {
  std::array<nghttp2_settings_entry, 3> settings{{
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, kStreamWindow},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, kHeaderListMax},
      {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, options_.concurrent_streams_max},
  }};
  // Without a limit the setting is left out, as Go's server does.
  const bool unlimited = options_.concurrent_streams_max == 0xffffffff;
  nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings.data(),
                          settings.size() - (unlimited ? 1 : 0));
  nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0, kConnectionWindow);
  if (options_.keepalive_interval.count() > 0) ArmKeepalive(options_.keepalive_interval);
  transport_->Start(this);
  if (!already_read.empty()) {
    OnData(already_read);
  } else {
    Pump();
  }
}

void H2Connection::OnData(std::string_view bytes) {
  if (failed_) return;
  const auto self = shared_from_this();
  last_activity_ = net::EventLoop::Now();
  receiving_ = true;
  const ssize_t used = nghttp2_session_mem_recv(
      session_, reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  receiving_ = false;
  if (failed_) return;
  if (used < 0) {
    // Not HTTP/2, or a flood that nghttp2 noticed.
    log::Debug("closing HTTP/2 connection", {{"remote-addr", transport_->remote_address()},
                                             {"error", nghttp2_strerror(static_cast<int>(used))}});
    failed_ = true;
    transport_->Close();
    return;
  }
  if (nghttp2_session_get_outbound_queue_size(session_) > kFramesWaitingMax) {
    FailConnection(NGHTTP2_ENHANCE_YOUR_CALM, "client does not read the frames it causes");
    return;
  }
  Pump();
}

void H2Connection::OnClosed(const Error&) {
  const auto self = shared_from_this();
  failed_ = true;
  keepalive_.Cancel();
  output_watch_.Cancel();
  while (streams_ != nullptr) CloseStream(*streams_);
  if (const auto closed = std::exchange(closed_, nullptr)) closed();
}

void H2Connection::MarkDirty() {
  if (dirty_ || failed_) return;
  dirty_ = true;
  if (!receiving_ && !pumping_) context_->MarkDirty(shared_from_this());
}

void H2Connection::Pump() {
  if (pumping_ || receiving_ || failed_) return;
  const auto self = shared_from_this();
  pumping_ = true;
  dirty_ = false;
  while (!failed_ && transport_->buffered_bytes() < kSocketAheadMax) {
    const std::uint8_t* bytes = nullptr;
    const ssize_t size = nghttp2_session_mem_send(session_, &bytes);
    if (size < 0) FailConnection(NGHTTP2_INTERNAL_ERROR, nghttp2_strerror(static_cast<int>(size)));
    if (size <= 0) break;
    transport_->Write(View(bytes, static_cast<std::size_t>(size)));
  }
  pumping_ = false;
  std::vector<std::shared_ptr<H2Stream>> sent;
  sent.swap(sent_);
  for (const auto& stream : sent) stream->Sent();
  // What was marked while pumping, or by the callbacks, goes at the end of the turn.
  if (dirty_ && transport_->buffered_bytes() < kSocketAheadMax) {
    dirty_ = false;
    MarkDirty();
  }
  CloseIfDone();
}

void H2Connection::CloseIfDone() {
  if (failed_ || transport_->closed()) return;
  const bool over =
      nghttp2_session_want_read(session_) == 0 && nghttp2_session_want_write(session_) == 0;
  const bool drained = goaway_sent_ && streams_ == nullptr;
  if (!over && !drained) return;
  failed_ = true;
  // Time for the last bytes to be read; less for a client that nghttp2 has had enough of.
  transport_->CloseWhenFlushed(drained ? std::chrono::milliseconds(1000)
                                       : std::chrono::milliseconds(100));
}

void H2Connection::FailConnection(std::uint32_t code, std::string_view text) {
  if (failed_) return;
  log::Debug("closing HTTP/2 connection",
             {{"remote-addr", transport_->remote_address()}, {"error", text}});
  if (!receiving_ && !pumping_) {
    nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE,
                          nghttp2_session_get_last_proc_stream_id(session_), code,
                          reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
    const std::uint8_t* bytes = nullptr;
    const ssize_t size = nghttp2_session_mem_send(session_, &bytes);
    if (size > 0) transport_->Write(View(bytes, static_cast<std::size_t>(size)));
  }
  failed_ = true;
  transport_->Close();
}

void H2Connection::OpenStream(std::int32_t id) {
  auto stream = std::make_shared<H2Stream>(*this, id);
  nghttp2_session_set_stream_user_data(session_, id, stream.get());
  stream->next_ = streams_;
  if (streams_ != nullptr) streams_->previous_ = stream.get();
  streams_ = stream.get();
  stream->self_ = std::move(stream);
  ++counters_->streams_open;
}

void H2Connection::CloseStream(H2Stream& stream) {
  const std::shared_ptr<H2Stream> self = std::move(stream.self_);
  nghttp2_session_set_stream_user_data(session_, stream.id(), nullptr);
  (stream.previous_ == nullptr ? streams_ : stream.previous_->next_) = stream.next_;
  if (stream.next_ != nullptr) stream.next_->previous_ = stream.previous_;
  --counters_->streams_open;
  self->Closed();
}

void H2Connection::OnFrame(const nghttp2_frame& frame) {
  if (frame.hd.type == NGHTTP2_PING) {
    OnPing((frame.hd.flags & NGHTTP2_FLAG_ACK) != 0, frame.ping.opaque_data);
    return;
  }
  if (frame.hd.type != NGHTTP2_HEADERS && frame.hd.type != NGHTTP2_DATA) return;
  auto* found = H2Callbacks::StreamOf(session_, frame.hd.stream_id);
  if (found == nullptr) return;
  const std::shared_ptr<H2Stream> stream = found->shared_from_this();
  if (frame.hd.type == NGHTTP2_HEADERS && frame.headers.cat == NGHTTP2_HCAT_REQUEST) {
    stream->HeadersDone();
  }
  if ((frame.hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) stream->HalfClosed();
}

// grpc-go's keepalive enforcement: three pings too early, without anything sent to the client
// between, end it.
void H2Connection::OnPing(bool is_answer, const std::uint8_t* data) {
  if (is_answer) {
    ping_outstanding_ = false;
    if (std::memcmp(data, kDrainPing.data(), kDrainPing.size()) == 0) FinishDrain();
    return;
  }
  const auto now = net::EventLoop::Now();
  const auto before = std::exchange(last_ping_, now);
  if (std::exchange(reset_strikes_, false)) {
    ping_strikes_ = 0;
    return;
  }
  const std::chrono::nanoseconds least =
      streams_ == nullptr ? std::chrono::nanoseconds(kPingWithoutStreams)
                          : std::chrono::nanoseconds(options_.keepalive_min_time);
  if (before + least > now && ++ping_strikes_ > kPingStrikesMax) {
    static constexpr std::string_view kText = "too_many_pings";
    nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE,
                          nghttp2_session_get_last_proc_stream_id(session_),
                          NGHTTP2_ENHANCE_YOUR_CALM,
                          reinterpret_cast<const std::uint8_t*>(kText.data()), kText.size());
    context_->loop.Post([self = shared_from_this()] {
      if (self->failed_) return;
      self->Pump();
      self->failed_ = true;
      self->transport_->CloseWhenFlushed(std::chrono::seconds(1));
    });
  }
}

void H2Connection::OnFrameSent(const nghttp2_frame& frame) {
  if (frame.hd.type == NGHTTP2_HEADERS || frame.hd.type == NGHTTP2_DATA) reset_strikes_ = true;
  if ((frame.hd.flags & NGHTTP2_FLAG_END_STREAM) == 0) return;
  if (frame.hd.type != NGHTTP2_HEADERS && frame.hd.type != NGHTTP2_DATA) return;
  const H2Stream* stream = H2Callbacks::StreamOf(session_, frame.hd.stream_id);
  // The answer is complete: a client that still sends is told to stop.
  if (stream != nullptr && !stream->remote_closed_) {
    nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, frame.hd.stream_id, NGHTTP2_NO_ERROR);
  }
}

void H2Connection::Submit(H2Stream& stream, const nghttp2_nv* headers, std::size_t count,
                          bool body) {
  nghttp2_data_provider provider{};
  provider.source.ptr = &stream;
  provider.read_callback = H2Callbacks::ReadSource;
  nghttp2_submit_response(session_, stream.id(), headers, count, body ? &provider : nullptr);
  MarkDirty();
}

void H2Connection::SubmitGrpcHeaders(H2Stream& stream, bool trailers_only) {
  if (!trailers_only) {
    const std::array<nghttp2_nv, 2> headers = {kStatusOk, kContentType};
    Submit(stream, headers.data(), headers.size(), true);
    return;
  }
  const std::string code = std::to_string(stream.finish_code_);
  const std::string text = PercentEncode(stream.finish_text_);
  const std::array<nghttp2_nv, 4> headers = {kStatusOk, kContentType,
                                             Field("grpc-status", code, false),
                                             Field("grpc-message", text, false)};
  Submit(stream, headers.data(), headers.size() - (text.empty() ? 1 : 0), false);
}

void H2Connection::SubmitHttpHeaders(H2Stream& stream, const Fields& fields, bool body_follows) {
  stream.http_body_follows_ = body_follows;
  std::vector<nghttp2_nv> headers;
  for (const auto& [name, value] : fields) {
    headers.push_back(Field(name, value, false));
    headers.back().flags = NGHTTP2_NV_FLAG_NONE;
  }
  Submit(stream, headers.data(), headers.size(), body_follows);
}

void H2Connection::ResumeSending(H2Stream& stream) {
  nghttp2_session_resume_data(session_, stream.id());
  MarkDirty();
}

void H2Connection::ResetStream(H2Stream& stream, std::uint32_t code) {
  nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, stream.id(), code);
  MarkDirty();
}

void H2Connection::Consume(H2Stream& stream, std::size_t stream_bytes) {
  if (stream_bytes == 0) return;
  nghttp2_session_consume_stream(session_, stream.id(), stream_bytes);
  MarkDirty();
}

ssize_t H2Connection::ReadSource(H2Stream& stream, std::size_t length, std::uint32_t* flags) {
  const std::size_t available = stream.out_bytes_;
  if (available == 0 && !stream.finished_) {
    stream.deferred_ = true;
    return NGHTTP2_ERR_DEFERRED;
  }
  *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
  const std::size_t count = std::min(available, length);
  if (count < available || !stream.finished_) return static_cast<ssize_t>(count);
  *flags |= NGHTTP2_DATA_FLAG_EOF;
  if (stream.kind_ == H2Stream::Kind::kHttp) return static_cast<ssize_t>(count);
  *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
  if (stream.finish_code_ == 0) {
    nghttp2_submit_trailer(session_, stream.id(), &kGrpcOk, 1);
  } else {
    const std::string code = std::to_string(stream.finish_code_);
    const std::string text = PercentEncode(stream.finish_text_);
    const std::array<nghttp2_nv, 2> trailers = {Field("grpc-status", code, false),
                                                Field("grpc-message", text, false)};
    nghttp2_submit_trailer(session_, stream.id(), trailers.data(),
                           trailers.size() - (text.empty() ? 1 : 0));
  }
  return static_cast<ssize_t>(count);
}

void H2Connection::SendData(H2Stream& stream, const std::uint8_t* frame_header,
                            std::size_t length) {
  constexpr std::size_t kFrameHeaderBytes = 9;
  transport_->Write(View(frame_header, kFrameHeaderBytes));
  stream.WriteOut(*transport_, length);
}

void H2Connection::CountOutput(std::size_t added) {
  output_bytes_ += added;  // wraps round when counting down
  if (static_cast<std::ptrdiff_t>(added) < 0) {
    output_gone_ -= added;
  } else if (output_bytes_ > output_watched_from_ && !output_watched_) {
    output_watched_ = true;
    WatchOutput();
  }
}

// A large answer to a client that reads it is no reason to end its connection, and with it all its
// watches; one that takes nothing of it is, and of a smaller one when others had to be refused.
void H2Connection::WatchOutput() {
  output_watch_.Set(options_.output_patience, [this, gone = output_gone_,
                                               refusals = budget_->refusals()] {
    if (failed_) return;
    output_watched_ = output_bytes_ > output_watched_from_;
    if (!output_watched_) return;
    const bool much = output_bytes_ > options_.output_bytes_max || budget_->refusals() != refusals;
    if (output_gone_ != gone || !much) return WatchOutput();
    FailConnection(NGHTTP2_ENHANCE_YOUR_CALM, "client does not read its answers");
  });
}

bool H2Connection::FailedForOutput() {
  if (output_bytes_ <= options_.answer_bytes_max) return false;
  FailConnection(NGHTTP2_ENHANCE_YOUR_CALM, "client does not read its answers");
  return true;
}

Status H2Connection::MayAnswer(std::size_t bytes, AnswerBudget::Share& share) const {
  const std::size_t most = options_.answer_bytes_max;
  if (bytes > most) {
    return Error{Code::kResourceExhausted, "grpc: trying to send message larger than max (" +
                                               std::to_string(bytes) + " vs. " +
                                               std::to_string(most) + ")"};
  }
  if (output_bytes_ > options_.output_bytes_max && output_bytes_ + bytes > most) {
    return Error{Code::kResourceExhausted, "too many unread answers on this connection"};
  }
  const bool large = bytes >= kSmallAnswer || output_bytes_ >= kLittleOutput;
  if (large && !budget_->Take(bytes, share)) {
    return Error{Code::kResourceExhausted, "too many unread answers of all clients; try again"};
  }
  return {};
}

void H2Connection::CountInput(std::size_t before, std::size_t after) {
  input_bytes_ += after - before;
  if (after > before && input_bytes_ > options_.input_bytes_max) {
    FailConnection(NGHTTP2_ENHANCE_YOUR_CALM, "too many bytes in incomplete requests");
  }
}

void H2Connection::NotifyWhenSent(std::shared_ptr<H2Stream> stream) {
  sent_.push_back(std::move(stream));
}

void H2Connection::ArmKeepalive(std::chrono::nanoseconds delay) {
  keepalive_.Set(delay, [this] { KeepaliveDue(); });
}

void H2Connection::KeepaliveDue() {
  if (failed_) return;
  const auto silent = net::EventLoop::Now() - last_activity_;
  if (ping_outstanding_ && silent >= options_.keepalive_timeout) {
    FailConnection(NGHTTP2_NO_ERROR, "keepalive ping was not answered");
    return;
  }
  ping_outstanding_ = false;
  if (silent < options_.keepalive_interval) {
    ArmKeepalive(options_.keepalive_interval - silent);
    return;
  }
  ping_outstanding_ = true;
  nghttp2_submit_ping(session_, NGHTTP2_FLAG_NONE, nullptr);
  ArmKeepalive(options_.keepalive_timeout);
  Pump();
}

// First "no new streams soon" and a ping; when that has gone round, the last stream id is certain.
// Calls in flight may finish. A stream whose client keeps its side open (a watch, a keep-alive) has
// no end to wait for: it gets what was queued for it, and then the reason.
void H2Connection::Drain() {
  if (draining_ || failed_) return;
  draining_ = true;
  nghttp2_submit_shutdown_notice(session_);
  nghttp2_submit_ping(session_, NGHTTP2_FLAG_NONE, kDrainPing.data());
  Pump();
}

void H2Connection::FinishDrain() {
  if (!draining_ || goaway_sent_) return;
  goaway_sent_ = true;
  nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE,
                        nghttp2_session_get_last_proc_stream_id(session_), NGHTTP2_NO_ERROR,
                        nullptr, 0);
  std::vector<std::shared_ptr<H2Stream>> endless;
  for (H2Stream* stream = streams_; stream != nullptr; stream = stream->next_) {
    if (stream->endless()) endless.push_back(stream->self_);
  }
  for (const auto& stream : endless) {
    stream->FailNow(Code::kUnavailable, "the server is stopping; connect to another member");
  }
  MarkDirty();
}

}  // namespace quorate::rpc
