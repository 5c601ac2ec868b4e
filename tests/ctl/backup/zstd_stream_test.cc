#include "backup/zstd_stream.h"

namespace quorate::backup {
namespace {

std::string Compressed(const std::vector<std::string>& pieces) {
  std::string out;
  Compressor compressor([&](std::string_view bytes) -> Status {
    out += bytes;
    return {};
  });
  for (const auto& piece : pieces) EXPECT_TRUE(compressor.Write(piece).ok());
  EXPECT_TRUE(compressor.Finish().ok());
  return out;
}

Result<std::string> Decompressed(std::string_view bytes, std::size_t step) {
  std::string out;
  Decompressor decompressor([&](std::string_view piece) -> Status {
    out += piece;
    return {};
  });
  for (std::size_t at = 0; at < bytes.size(); at += step) {
    const Status done = decompressor.Write(bytes.substr(at, step));
    if (!done.ok()) return done.error();
  }
  const Status ended = decompressor.Finish();
  if (!ended.ok()) return ended.error();
  return out;
}

TEST(ZstdStreamTest, GivesBackWhatWentInWhateverThePieces) {
  const std::string zeros(3'000'000, '\0');
  std::string expected;
  std::vector<std::string> pieces = {"", "abc", zeros, "xyz"};
  for (const auto& piece : pieces) expected += piece;
  const std::string bytes = Compressed(pieces);
  EXPECT_LT(bytes.size(), 10'000U);
  EXPECT_TRUE(Decompressed(bytes, 7).value() == expected);
  EXPECT_TRUE(Decompressed(bytes, 1'000'000).value() == expected);
  EXPECT_EQ(Decompressed(Compressed({}), 1).value(), "");
}

TEST(ZstdStreamTest, ADamagedStreamIsDataLoss) {
  std::string bytes = Compressed({"some text that is to be kept"});
  EXPECT_EQ(Decompressed(bytes.substr(0, bytes.size() - 1), 5).error().message,
            "the zstd stream ends too early");
  EXPECT_EQ(Decompressed(bytes + "x", 5).error().code, Code::kDataLoss);
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
  EXPECT_EQ(Decompressed(bytes, 5).error().code, Code::kDataLoss);
  EXPECT_EQ(Decompressed("no zstd at all", 5).error().code, Code::kDataLoss);
}

// A few bytes asked for a window of 128 MiB, and got it.
TEST(ZstdStreamTest, AHeaderThatWantsMuchMemoryIsRefused) {
  const std::string magic = "\x28\xb5\x2f\xfd";
  const std::string empty_block("\x01\x00\x00", 3);
  const auto frame = [&](int window_log) {
    return magic + std::string(1, '\0') + static_cast<char>((window_log - 10) << 3) + empty_block;
  };
  EXPECT_EQ(Decompressed(frame(23), 100).value(), "");
  EXPECT_EQ(Decompressed(frame(24), 100).error().code, Code::kDataLoss);
  EXPECT_EQ(Decompressed(frame(27), 100).error().code, Code::kDataLoss);
}

TEST(ZstdStreamTest, ASinksErrorComesBack) {
  Compressor compressor([](std::string_view) -> Status { return Error{Code::kAborted, "full"}; });
  const Status written = compressor.Write("abc");
  EXPECT_EQ((written.ok() ? compressor.Finish() : written).error().message, "full");
}

}  // namespace
}  // namespace quorate::backup
