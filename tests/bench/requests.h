// Requests: what a load consists of, one kind of request per class.
//
// A slot is a place in the load: it has at most one request under way, so what a slot learnt from
// an answer (the mod revision of a key of its own) holds when its next request is made.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"
#include "bench/flags.h"
#include "etcdclient/pipeline.h"
#include "io/random.h"

namespace quorate::bench {

enum class Kind { kPut, kGet, kRange, kTxn };

class Requests {
 public:
  virtual ~Requests() = default;
  virtual void Start(etcdclient::Pipeline& pipeline, std::uint64_t slot) = 0;
  // After a successful answer to the slot's request. Not ok: it did not do what it should.
  virtual Status Check(etcdclient::Pipeline& pipeline, std::uint64_t slot) = 0;
};

// Flags and random must outlive it. REQUIRES: flags.keys >= flags.depth for kTxn, > flags.limit for
// kRange.
std::unique_ptr<Requests> MakeRequests(Kind kind, const Flags& flags, io::Random& random);

// The key of a number: digits, filled up with zeros in front.
std::string KeyOf(std::uint64_t number, std::size_t bytes);

}  // namespace quorate::bench
