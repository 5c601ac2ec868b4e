#include "base/digest.h"

#include <openssl/evp.h>

#include "base/check.h"

namespace quorate {

std::string Sha1(std::string_view text) {
  unsigned char out[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  CHECK(EVP_Digest(text.data(), text.size(), out, &size, EVP_sha1(), nullptr) == 1);
  return {reinterpret_cast<const char*>(out), size};
}

struct Sha256::State {
  State() : context(EVP_MD_CTX_new()) {
    CHECK(context != nullptr);
    CHECK(EVP_DigestInit_ex(context, EVP_sha256(), nullptr) == 1);
  }
  ~State() { EVP_MD_CTX_free(context); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  EVP_MD_CTX* context;
};

Sha256::Sha256() : state_(std::make_unique<State>()) {}
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::Update(std::string_view piece) {
  CHECK(EVP_DigestUpdate(state_->context, piece.data(), piece.size()) == 1);
}

std::string Sha256::Finish() {
  unsigned char out[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  CHECK(EVP_DigestFinal_ex(state_->context, out, &size) == 1);
  CHECK(EVP_DigestInit_ex(state_->context, EVP_sha256(), nullptr) == 1);
  return {reinterpret_cast<const char*>(out), size};
}

std::string Sha256::Of(std::string_view text) {
  Sha256 sum;
  sum.Update(text);
  return sum.Finish();
}

}  // namespace quorate
