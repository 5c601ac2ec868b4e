#include "backup/zstd_stream.h"

#include <zstd.h>

#include <string>
#include <utility>

#include "base/check.h"

namespace quorate::backup {
namespace {

constexpr int kLevel = 3;
// Larger windows are refused: a damaged header must not take all memory.
constexpr int kWindowLogMax = 23;  // 8 MiB; ours are of 2, those of zstd -19 of 8

}  // namespace

struct Compressor::State {
  Sink sink;
  ZSTD_CCtx* context = nullptr;
  std::string out;

  // Feeds all of `in`; with ZSTD_e_end until the frame is closed.
  Status Feed(std::string_view bytes, ZSTD_EndDirective mode) {
    ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
    while (true) {
      ZSTD_outBuffer buffer{out.data(), out.size(), 0};
      const std::size_t left = ZSTD_compressStream2(context, &buffer, &in, mode);
      CHECK(ZSTD_isError(left) == 0U);
      if (buffer.pos > 0) TRY(sink({out.data(), buffer.pos}));
      if (mode == ZSTD_e_end ? left == 0 : in.pos == in.size) return {};
    }
  }
};

Compressor::Compressor(Sink sink) : state_(std::make_unique<State>()) {
  state_->sink = std::move(sink);
  state_->context = ZSTD_createCCtx();
  CHECK(state_->context != nullptr);
  ZSTD_CCtx_setParameter(state_->context, ZSTD_c_compressionLevel, kLevel);
  ZSTD_CCtx_setParameter(state_->context, ZSTD_c_checksumFlag, 1);
  state_->out.resize(ZSTD_CStreamOutSize());
}

Compressor::~Compressor() {
  ZSTD_freeCCtx(state_->context);
}

Status Compressor::Write(std::string_view bytes) {
  return state_->Feed(bytes, ZSTD_e_continue);
}

Status Compressor::Finish() {
  return state_->Feed({}, ZSTD_e_end);
}

struct Decompressor::State {
  Sink sink;
  ZSTD_DCtx* context = nullptr;
  std::string out;
  bool at_end = false;  // of a whole frame
};

Decompressor::Decompressor(Sink sink) : state_(std::make_unique<State>()) {
  state_->sink = std::move(sink);
  state_->context = ZSTD_createDCtx();
  CHECK(state_->context != nullptr);
  ZSTD_DCtx_setParameter(state_->context, ZSTD_d_windowLogMax, kWindowLogMax);
  state_->out.resize(ZSTD_DStreamOutSize());
}

Decompressor::~Decompressor() {
  ZSTD_freeDCtx(state_->context);
}

Status Decompressor::Write(std::string_view bytes) {
  ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
  bool full = false;
  while (in.pos < in.size || full) {
    if (state_->at_end) return Error{Code::kDataLoss, "bytes after the end of the zstd stream"};
    ZSTD_outBuffer buffer{state_->out.data(), state_->out.size(), 0};
    const std::size_t left = ZSTD_decompressStream(state_->context, &buffer, &in);
    if (ZSTD_isError(left) != 0U) {
      return Error{Code::kDataLoss, std::string("zstd stream: ") + ZSTD_getErrorName(left)};
    }
    if (buffer.pos > 0) TRY(state_->sink({state_->out.data(), buffer.pos}));
    state_->at_end = left == 0;
    full = !state_->at_end && buffer.pos == buffer.size;
  }
  return {};
}

Status Decompressor::Finish() {
  if (state_->at_end) return {};
  return Error{Code::kDataLoss, "the zstd stream ends too early"};
}

}  // namespace quorate::backup
