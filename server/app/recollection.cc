#include "app/recollection.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "app/peer_words.h"
#include "base/bytes.h"
#include "base/crc32c.h"
#include "base/site.h"

namespace quorate::app {
namespace {

using Json = nlohmann::ordered_json;

std::uint64_t NumberOf(const Json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_number_unsigned() ? found->get<std::uint64_t>() : 0;
}

std::uint64_t HexOf(const Json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_string()) return 0;
  return ParseHex(found->get<std::string>()).value_or(0);
}

Json ToObject(const Known& known) {
  return {{"incarnation", known.incarnation},
          {"nonce", ToHex(known.nonce)},
          {"index", known.index.value},
          {"term", known.term.value}};
}

Known ToKnown(const Json& object) {
  return {NumberOf(object, "incarnation"), HexOf(object, "nonce"),
          LogIndex{NumberOf(object, "index")}, Term{NumberOf(object, "term")}};
}

Result<Json> ParseObject(std::string_view text) {
  TRY(CheckNesting(text));
  Json json = Json::parse(text, nullptr, false);
  if (!json.is_object()) return Error{Code::kInvalidArgument, "not a JSON object"};
  return json;
}

// The text and the line with its checksum.
std::string Sealed(const std::string& text) {
  return text + ToHex(Crc32c(0, AsBytes(text))) + "\n";
}

// What was sealed; a file without a checksum is from before there was one.
Result<std::string_view> Unsealed(std::string_view file) {
  const std::size_t end = file.find('\n');
  const std::string_view text = file.substr(0, end == std::string_view::npos ? end : end + 1);
  if (file.size() == text.size() || QUORATE_PLANTED("app.recollection_unchecked")) return text;
  if (file != Sealed(std::string(text))) {
    return Error{Code::kDataLoss, "the checksum is another"};
  }
  return text;
}

Known Newest(const Known& a, const Known& b) {
  Known newest = a.incarnation >= b.incarnation ? a : b;
  newest.index = std::max(a.index, b.index);
  newest.term = std::max(a.term, b.term);
  return newest;
}

}  // namespace

std::string WhyWentBack(const Claim& claim, const Known& known) {
  if (claim.last < known.index) {
    return "its log ends at index " + std::to_string(claim.last.value) +
           ", but it has acknowledged everything up to " + std::to_string(known.index.value);
  }
  if (claim.term < known.term) {
    return "its term is " + std::to_string(claim.term.value) + ", but it took part in term " +
           std::to_string(known.term.value);
  }
  if (claim.incarnation < known.incarnation) {
    return "this is its start number " + std::to_string(claim.incarnation) + ", but number " +
           std::to_string(known.incarnation) + " was seen before";
  }
  if (claim.incarnation == known.incarnation && claim.nonce != known.nonce) {
    return "its start number " + std::to_string(claim.incarnation) +
           " was another process with another copy of the directory";
  }
  return "";
}

std::string ToJson(const Known& known) {
  return ToObject(known).dump();
}

Result<Known> ParseKnown(std::string_view json) {
  return ToKnown(TRY(ParseObject(json)));
}

std::string ToJson(const Claim& claim) {
  const Json json = {{"member", ToHex(claim.member.value)},
                     {"incarnation", claim.incarnation},
                     {"nonce", ToHex(claim.nonce)},
                     {"last", claim.last.value},
                     {"term", claim.term.value}};
  return json.dump();
}

Result<Claim> ParseClaim(std::string_view json) {
  const Json object = TRY(ParseObject(json));
  Claim claim{MemberId{HexOf(object, "member")}, NumberOf(object, "incarnation"),
              HexOf(object, "nonce"), LogIndex{NumberOf(object, "last")},
              Term{NumberOf(object, "term")}};
  if (claim.member == MemberId{}) return Error{Code::kInvalidArgument, "the claim names no member"};
  return claim;
}

Result<std::unique_ptr<Recollection>> Recollection::Open(io::Disk& disk, std::string path) {
  std::unique_ptr<Recollection> opened(new Recollection(disk, std::move(path)));
  if (!TRY(io::Exists(disk, opened->path_))) return opened;
  const std::string text = TRY(io::ReadFile(disk, opened->path_));
  if (const Status parsed = opened->Parse(text); !parsed.ok()) {
    return Error{Code::kDataLoss, opened->path_ + " is damaged (" + parsed.error().message +
                                      "); remove this member and add it anew with an empty data "
                                      "directory"};
  }
  return opened;
}

Status Recollection::Parse(std::string_view file) {
  const std::string_view text = TRY(Unsealed(file));
  const Json json = TRY(ParseObject(text));
  MutexLock lock(mutex_);
  incarnation_ = NumberOf(json, "incarnation");
  nonce_ = HexOf(json, "nonce");
  if (incarnation_ == 0) return Error{Code::kInvalidArgument, "there is no incarnation"};
  if (const auto verdict = json.find("verdict"); verdict != json.end() && verdict->is_object()) {
    const auto message = verdict->find("message");
    verdict_ =
        Ending{static_cast<ExitCode>(NumberOf(*verdict, "exit")),
               message != verdict->end() && message->is_string() ? message->get<std::string>()
                                                                 : std::string()};
  }
  if (const auto members = json.find("members"); members != json.end() && members->is_object()) {
    for (const auto& [id, known] : members->items()) {
      const auto number = ParseHex(id);
      if (number && known.is_object()) members_[MemberId{*number}] = ToKnown(known);
    }
  }
  return {};
}

std::string Recollection::ToText() const {
  Json json = {{"incarnation", incarnation_}, {"nonce", ToHex(nonce_)}};
  if (verdict_) {
    json["verdict"] = {{"exit", static_cast<int>(verdict_->code)}, {"message", verdict_->message}};
  }
  Json members = Json::object();
  for (const auto& [id, known] : members_) members[ToHex(id.value)] = ToObject(known);
  json["members"] = std::move(members);
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

Status Recollection::Save() {
  MutexLock saving(save_mutex_);
  std::string text;
  {
    MutexLock lock(mutex_);
    text = Sealed(ToText());
    changed_ = false;
  }
  return io::WriteFile(disk_, path_, AsBytes(text));
}

std::optional<Ending> Recollection::verdict() const {
  MutexLock lock(mutex_);
  return verdict_;
}

Status Recollection::Condemn(const Ending& verdict) {
  {
    MutexLock lock(mutex_);
    if (verdict_) return {};
    verdict_ = verdict;
  }
  return Save();
}

Status Recollection::BeginLife(std::uint64_t nonce) {
  {
    MutexLock lock(mutex_);
    ++incarnation_;
    nonce_ = nonce;
  }
  return Save();
}

std::uint64_t Recollection::incarnation() const {
  MutexLock lock(mutex_);
  return incarnation_;
}

std::uint64_t Recollection::nonce() const {
  MutexLock lock(mutex_);
  return nonce_;
}

Known Recollection::Of(MemberId member) const {
  MutexLock lock(mutex_);
  const auto found = members_.find(member);
  return found == members_.end() ? Known{} : found->second;
}

void Recollection::Note(MemberId member, const Known& known) {
  MutexLock lock(mutex_);
  Known& kept = members_[member];
  const Known newest = Newest(kept, known);
  if (newest == kept) return;
  kept = newest;
  changed_ = true;
}

void Recollection::Forget(MemberId member) {
  MutexLock lock(mutex_);
  if (members_.erase(member) != 0) changed_ = true;
}

Status Recollection::SaveChanges() {
  {
    MutexLock lock(mutex_);
    if (!changed_) return {};
  }
  return Save();
}

}  // namespace quorate::app
