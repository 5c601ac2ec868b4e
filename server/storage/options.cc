#include "storage/options.h"

namespace quorate::storage {

Status Validate(const Options& options) {
  constexpr std::size_t kMebi = std::size_t{1} << 20;
  if (options.write_buffer_bytes < kMebi || options.write_buffer_bytes > 1024 * kMebi) {
    return Error{Code::kInvalidArgument, "storage write buffer must be between 1 MiB and 1 GiB"};
  }
  if (options.block_cache_bytes < kMebi || options.block_cache_bytes > (kMebi << 20)) {
    return Error{Code::kInvalidArgument, "storage block cache must be between 1 MiB and 1 TiB"};
  }
  if (options.write_buffers_max < 2 || options.write_buffers_max > 64) {
    return Error{Code::kInvalidArgument, "storage write buffers must be between 2 and 64"};
  }
  if (options.background_jobs_max < 1 || options.background_jobs_max > 64) {
    return Error{Code::kInvalidArgument, "storage background jobs must be between 1 and 64"};
  }
  return {};
}

}  // namespace quorate::storage
