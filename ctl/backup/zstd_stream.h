// Compressor, Decompressor: zstd in one pass, memory bounded by its window.
//
// Output goes to a sink piece by piece. The stream carries zstd's own checksum besides ours.
// Thread: one at a time.
#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "base/result.h"

namespace quorate::backup {

using Sink = std::function<Status(std::string_view bytes)>;

class Compressor {
 public:
  explicit Compressor(Sink sink);
  ~Compressor();

  Status Write(std::string_view bytes);
  Status Finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

class Decompressor {
 public:
  explicit Decompressor(Sink sink);
  ~Decompressor();

  // kDataLoss: not what a Compressor wrote.
  Status Write(std::string_view bytes);
  // kDataLoss: the stream is not at its end.
  Status Finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace quorate::backup
