#include "peer/headers.h"

#include "base/bytes.h"
#include "base/digest.h"

namespace quorate::peer {
namespace {

// Who was given an address that another member had before is asked for that one's messages. The
// frames of a stream name no receiver, so raft could not tell.
TEST(HeadersTest, AStreamIsGivenToNobodyWhoWantsAnotherMember) {
  Options reader;
  reader.self = MemberId{1};
  net::Headers asked = RequestHeaders(reader);
  asked.Set(kToHeader, ToHex(2));
  Options asked_for;
  asked_for.self = MemberId{2};
  Options another;
  another.self = MemberId{3};
  EXPECT_FALSE(StreamRefusal(asked_for, asked));
  EXPECT_EQ(StreamRefusal(another, asked), kToMismatch);
  EXPECT_EQ(StreamRefusal(another, RequestHeaders(reader)), kToMismatch) << "for nobody";
}

TEST(HeadersTest, ASnapshotIsTakenOnlyWithTheSha256ThatItWasSentWith) {
  const std::string expected = ToHex(Sha256::Of("database"));
  EXPECT_TRUE(CheckSnapshotSha256(Sha256::Of("database"), expected).ok());
  EXPECT_TRUE(CheckSnapshotSha256(Sha256::Of("database"), "").ok()) << "etcd does not say";
  EXPECT_FALSE(CheckSnapshotSha256(Sha256::Of("databas"), expected).ok());
  const Status changed = CheckSnapshotSha256(Sha256::Of("databaze"), expected);
  ASSERT_FALSE(changed.ok());
  EXPECT_EQ(changed.error().code, Code::kDataLoss);
}

}  // namespace
}  // namespace quorate::peer
