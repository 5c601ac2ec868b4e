// Options: how much memory and how many threads the store may use.
#pragma once

#include <cstddef>

#include "base/result.h"

namespace quorate::storage {

struct Options {
  // Unflushed revisions in memory before a flush starts. Bounds the raft log that a restart
  // replays. [1 MiB, 1 GiB]
  std::size_t write_buffer_bytes = std::size_t{16} << 20;
  // So many buffers may be full and wait for the disk before a commit has to wait too. [2, 64]
  int write_buffers_max = 6;
  // Blocks, indexes and filters of flushed files. [1 MiB, 1 TiB]
  std::size_t block_cache_bytes = std::size_t{32} << 20;
  // Flushes and compactions at a time, in threads of the engine. [1, 64]
  int background_jobs_max = 2;
};

Status Validate(const Options& options);

}  // namespace quorate::storage
