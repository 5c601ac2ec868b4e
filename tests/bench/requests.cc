#include "bench/requests.h"

#include <vector>

#include "etcdclient/method.h"
#include "proto/rpc.pb.h"

namespace quorate::bench {
namespace {

class Puts final : public Requests {
 public:
  Puts(const Flags& flags, io::Random& random) : flags_(flags), random_(random) {
    put_.set_value(std::string(flags.value_bytes, 'v'));
  }
  void Start(etcdclient::Pipeline& pipeline, std::uint64_t slot) override {
    const std::uint64_t number = flags_.sequential ? next_++ : random_.Next();
    put_.set_key(KeyOf(number % flags_.keys, flags_.key_bytes));
    pipeline.Start(etcdclient::kPut, put_, slot);
  }
  Status Check(etcdclient::Pipeline& /*pipeline*/, std::uint64_t /*slot*/) override { return {}; }

 private:
  const Flags& flags_;
  io::Random& random_;
  etcdserverpb::PutRequest put_;
  std::uint64_t next_ = 0;
};

// Gets and ranges: `limit` neighbouring keys from a random one on.
class Ranges final : public Requests {
 public:
  Ranges(const Flags& flags, io::Random& random, std::uint64_t limit)
      : flags_(flags), random_(random), limit_(limit) {
    get_.set_serializable(flags.serializable);
  }
  void Start(etcdclient::Pipeline& pipeline, std::uint64_t slot) override {
    const std::uint64_t first = random_.Next() % (flags_.keys - limit_ + 1);
    get_.set_key(KeyOf(first, flags_.key_bytes));
    if (limit_ > 1) get_.set_range_end(KeyOf(first + limit_, flags_.key_bytes));
    pipeline.Start(etcdclient::kRange, get_, slot);
  }
  Status Check(etcdclient::Pipeline& pipeline, std::uint64_t /*slot*/) override {
    if (limit_ == 1 || ++answers_ % 16 != 1) return {};  // a sample: parsing is the client's time
    etcdserverpb::RangeResponse answer;
    if (pipeline.Parse(answer) && static_cast<std::uint64_t>(answer.kvs_size()) == limit_) {
      return {};
    }
    return Error{Code::kDataLoss, std::to_string(answer.kvs_size()) + " keys where there are " +
                                      std::to_string(limit_)};
  }

 private:
  const Flags& flags_;
  io::Random& random_;
  const std::uint64_t limit_;
  etcdserverpb::RangeRequest get_;
  std::uint64_t answers_ = 0;
};

// What Kubernetes does for every update: put if the key is still as it was read, else read it.
class Swaps final : public Requests {
 public:
  Swaps(const Flags& flags, io::Random& random)
      : flags_(flags), random_(random), revisions_(flags.keys), under_way_(flags.depth) {
    compare_ = txn_.add_compare();
    compare_->set_result(etcdserverpb::Compare::EQUAL);
    compare_->set_target(etcdserverpb::Compare::MOD);
    put_ = txn_.add_success()->mutable_request_put();
    put_->set_value(std::string(flags.value_bytes, 'v'));
    get_ = txn_.add_failure()->mutable_request_range();
  }
  void Start(etcdclient::Pipeline& pipeline, std::uint64_t slot) override {
    const std::uint64_t own = flags_.keys / flags_.depth;  // keys of this slot
    const std::uint64_t number = slot * own + random_.Next() % own;
    under_way_[slot] = number;
    const std::string key = "t" + KeyOf(number, flags_.key_bytes - 1);
    compare_->set_key(key);
    compare_->set_mod_revision(revisions_[number]);
    put_->set_key(key);
    get_->set_key(key);
    pipeline.Start(etcdclient::kTxn, txn_, slot);
  }
  Status Check(etcdclient::Pipeline& pipeline, std::uint64_t slot) override {
    etcdserverpb::TxnResponse answer;
    if (!pipeline.Parse(answer)) return Error{Code::kDataLoss, "not the answer to a txn"};
    std::int64_t& revision = revisions_[under_way_[slot]];
    if (answer.succeeded()) {
      revision = answer.header().revision();
      return {};
    }
    // A key of an earlier run: from now on its revision is known.
    const bool first = revision == 0;
    const auto& kvs = answer.responses(0).response_range().kvs();
    revision = kvs.empty() ? 0 : kvs[0].mod_revision();
    if (first) return {};
    return Error{Code::kAborted, "a key changed that nobody else writes"};
  }

 private:
  const Flags& flags_;
  io::Random& random_;
  std::vector<std::int64_t> revisions_;   // by key
  std::vector<std::uint64_t> under_way_;  // by slot: its key
  etcdserverpb::TxnRequest txn_;          // owns what the next three point to
  etcdserverpb::Compare* compare_;
  etcdserverpb::PutRequest* put_;
  etcdserverpb::RangeRequest* get_;
};

}  // namespace

std::string KeyOf(std::uint64_t number, std::size_t bytes) {
  std::string key = std::to_string(number);
  if (key.size() < bytes) key.insert(0, bytes - key.size(), '0');
  return key;
}

std::unique_ptr<Requests> MakeRequests(Kind kind, const Flags& flags, io::Random& random) {
  switch (kind) {
    case Kind::kPut:
      return std::make_unique<Puts>(flags, random);
    case Kind::kTxn:
      return std::make_unique<Swaps>(flags, random);
    case Kind::kGet:
      return std::make_unique<Ranges>(flags, random, 1);
    case Kind::kRange:
      break;
  }
  return std::make_unique<Ranges>(flags, random, flags.limit);
}

}  // namespace quorate::bench
