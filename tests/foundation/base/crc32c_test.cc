#include "base/crc32c.h"

namespace quorate {
namespace {

TEST(Crc32cTest, MatchesTheKnownCheckValue) {
  EXPECT_EQ(Crc32c(0, AsBytes("123456789")), 0xE3069283U);
  EXPECT_EQ(Crc32c(0, {}), 0U);
}

TEST(Crc32cTest, MatchesEtcdsRecordVector) {  // etcd's WAL record test
  EXPECT_EQ(Crc32c(0, AsBytes("\x08\xef\xfd\x02")), 0x3A191A99U);
}

TEST(Crc32cTest, RunsOverPiecesAsOverTheWhole) {
  const std::string text(1000, 'q');
  const std::uint32_t whole = Crc32c(0, AsBytes(text));
  for (std::size_t cut = 0; cut < text.size(); cut += 37) {
    const std::string_view view(text);
    EXPECT_EQ(Crc32c(Crc32c(0, AsBytes(view.substr(0, cut))), AsBytes(view.substr(cut))), whole);
  }
}

}  // namespace
}  // namespace quorate
