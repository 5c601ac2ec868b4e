#include "proto/refusals.h"

#include "proto/health.pb.h"

namespace quorate::proto {
namespace {

// A service's name that is no UTF-8: protobuf refused the request and wrote a line of its own among
// the member's log, for each one that somebody cared to send.
TEST(RefusalsTest, BadBytesAreRefusedWithoutAWordOnStderr) {
  grpc::health::v1::HealthCheckRequest request;
  const std::string bytes = {'\x0a', '\x02', '\xc3', '\x28'};
  testing::internal::CaptureStderr();
  EXPECT_FALSE(request.ParseFromString(bytes));
  EXPECT_NE(testing::internal::GetCapturedStderr(), "") << "protobuf has become silent by itself";

  MuteRefusals();
  MuteRefusals();
  testing::internal::CaptureStderr();
  EXPECT_FALSE(request.ParseFromString(bytes));
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

}  // namespace
}  // namespace quorate::proto
