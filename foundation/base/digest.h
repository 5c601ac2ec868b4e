// Digest: SHA-1 (etcd's ids) and SHA-256 (snapshots, backups), whole or in pieces.
//
//   Sha256 sum;
//   sum.Update(chunk);
//   std::string digest = sum.Finish();  // 32 raw bytes
//
// Thread: one thread at a time.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace quorate {

// 20 raw bytes.
std::string Sha1(std::string_view text);

class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;

  void Update(std::string_view piece);
  // 32 raw bytes; the object starts over afterwards.
  std::string Finish();

  static std::string Of(std::string_view text);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace quorate
