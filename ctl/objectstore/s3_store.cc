#include "objectstore/s3_store.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <utility>

#include "base/check.h"
#include "objectstore/s3_http.h"
#include "objectstore/s3_text.h"

namespace quorate::objectstore {
namespace {

constexpr std::uint64_t kPartBytesMin = 5ULL * 1024 * 1024;

std::uint64_t ParseSize(const std::string& text) {
  std::uint64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

class S3Store;

// Collects a part in memory, sends it, and tells the store at the end which parts make the object.
class S3Upload final : public Upload {
 public:
  S3Upload(S3Http& http, S3Request base, std::uint64_t part_bytes)
      : http_(http), base_(std::move(base)), part_bytes_(part_bytes) {}
  ~S3Upload() override { Abort(); }

  Status Write(std::string_view bytes) override {
    while (!bytes.empty()) {
      const std::size_t room = static_cast<std::size_t>(part_bytes_) - part_.size();
      part_ += bytes.substr(0, room);
      bytes.remove_prefix(std::min(room, bytes.size()));
      if (part_.size() == part_bytes_) TRY(SendPart());
    }
    return {};
  }

  Status Finish() override {
    if (upload_id_.empty()) return PutWhole();
    if (!part_.empty()) TRY(SendPart());
    std::string list = "<CompleteMultipartUpload>";
    for (std::size_t i = 0; i < tags_.size(); ++i) {
      list += "<Part><PartNumber>" + std::to_string(i + 1) + "</PartNumber><ETag>" +
              XmlEscape(tags_[i]) + "</ETag></Part>";
    }
    list += "</CompleteMultipartUpload>";
    S3Request request = base_;
    request.method = "POST";
    request.query = {{"uploadId", upload_id_}};
    request.body = list;
    const auto response = TRY(http_.Send(request));
    // This one answer may say 200 and fail all the same.
    if (response.body.find("<Error>") != std::string::npos) {
      return S3Error(request, 500, response.body);
    }
    upload_id_.clear();
    return {};
  }

 private:
  Status PutWhole() {
    S3Request request = base_;
    request.method = "PUT";
    request.body = part_;
    TRY(http_.Send(request));
    return {};
  }

  Status SendPart() {
    if (upload_id_.empty()) {
      S3Request begin = base_;
      begin.method = "POST";
      begin.query = {{"uploads", ""}};
      const auto response = TRY(http_.Send(begin));
      const auto id = XmlText(response.body, "UploadId");
      if (!id.has_value() || id->empty()) {
        return Error{Code::kUnknown, base_.address + ": the store began no multipart upload"};
      }
      upload_id_ = *id;
    }
    S3Request request = base_;
    request.method = "PUT";
    request.query = {{"partNumber", std::to_string(tags_.size() + 1)}, {"uploadId", upload_id_}};
    request.body = part_;
    auto response = TRY(http_.Send(request));
    tags_.push_back(response.headers["etag"]);
    part_.clear();
    return {};
  }

  void Abort() {
    if (upload_id_.empty()) return;
    S3Request request = base_;
    request.method = "DELETE";
    request.query = {{"uploadId", upload_id_}};
    const auto done = http_.Send(request);
    static_cast<void>(done.ok());  // what is left over is the bucket's life cycle rule's to clean
  }

  S3Http& http_;
  S3Request base_;
  std::uint64_t part_bytes_;
  std::string part_;
  std::string upload_id_;          // empty: nothing was sent yet, or all is finished
  std::vector<std::string> tags_;  // one a part
};

class S3Store final : public ObjectStore {
 public:
  S3Store(S3Options options, std::unique_ptr<S3Http> http)
      : options_(std::move(options)), http_(std::move(http)) {}

  std::string AddressOf(std::string_view key) const override {
    return "s3://" + options_.bucket + "/" + FullKey(key);
  }

  Status Put(const std::string& key, std::string_view bytes) override {
    TRY(CheckKey(key));
    S3Request request = RequestFor("PUT", key);
    request.body = bytes;
    TRY(http_->Send(request));
    return {};
  }

  Result<std::unique_ptr<Upload>> BeginUpload(const std::string& key) override {
    TRY(CheckKey(key));
    return std::unique_ptr<Upload>(
        std::make_unique<S3Upload>(*http_, RequestFor("POST", key), options_.part_bytes));
  }

  Status Read(const std::string& key, std::uint64_t offset, const Sink& sink) override {
    TRY(CheckKey(key));
    return http_->Download(RequestFor("GET", key), offset, sink);
  }

  Result<ObjectInfo> Head(const std::string& key) override {
    TRY(CheckKey(key));
    auto response = TRY(http_->Send(RequestFor("HEAD", key)));
    return ObjectInfo{key, ParseSize(response.headers["content-length"])};
  }

  Result<std::vector<ObjectInfo>> List(const std::string& prefix) override {
    std::vector<ObjectInfo> found;
    std::string token;
    const std::size_t cut = options_.prefix.empty() ? 0 : options_.prefix.size() + 1;
    do {
      S3Request request;
      request.path = "/" + UriEncode(options_.bucket, false);
      request.address = AddressOf(prefix);
      request.query = {{"list-type", "2"}, {"prefix", FullKey(prefix)}};
      if (!token.empty()) request.query["continuation-token"] = token;
      const auto response = TRY(http_->Send(request));
      for (const auto element : XmlElements(response.body, "Contents")) {
        const std::string key = XmlText(element, "Key").value_or("");
        if (key.size() <= cut) continue;
        found.push_back({key.substr(cut), ParseSize(XmlText(element, "Size").value_or("0"))});
      }
      const bool more = XmlText(response.body, "IsTruncated").value_or("false") == "true";
      token = more ? XmlText(response.body, "NextContinuationToken").value_or("") : "";
    } while (!token.empty());
    std::sort(found.begin(), found.end(),
              [](const ObjectInfo& a, const ObjectInfo& b) { return a.key < b.key; });
    return found;
  }

  Status Delete(const std::string& key) override {
    TRY(CheckKey(key));
    const auto done = http_->Send(RequestFor("DELETE", key));
    if (!done.ok() && done.error().message.find("NoSuchKey") == std::string::npos) {
      return done.error();
    }
    return {};
  }

 private:
  std::string FullKey(std::string_view key) const {
    return options_.prefix.empty() ? std::string(key) : options_.prefix + "/" + std::string(key);
  }

  S3Request RequestFor(const char* method, std::string_view key) const {
    S3Request request;
    request.method = method;
    request.path = "/" + UriEncode(options_.bucket, false) + "/" + UriEncode(FullKey(key), true);
    request.address = AddressOf(key);
    return request;
  }

  S3Options options_;
  std::unique_ptr<S3Http> http_;
};

}  // namespace

Result<std::unique_ptr<ObjectStore>> MakeS3Store(const S3Options& options) {
  const auto bad = [](const std::string& text) { return Error{Code::kInvalidArgument, text}; };
  if (options.bucket.empty()) return bad("an S3 store needs a bucket: s3://BUCKET[/PREFIX]");
  if (!options.prefix.empty()) TRY(CheckKey(options.prefix));
  if (options.access_key_id.empty() || options.secret_access_key.empty()) {
    return bad(
        "no S3 credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or "
        "AWS_SHARED_CREDENTIALS_FILE");
  }
  if (!options.endpoint.empty() && !options.endpoint.starts_with("http://") &&
      !options.endpoint.starts_with("https://")) {
    return bad("S3 endpoint \"" + options.endpoint + "\" does not begin with https:// or http://");
  }
  if (options.part_bytes < kPartBytesMin) return bad("S3 parts have at least 5 MiB");
  auto http = TRY(S3Http::Make(options));
  return std::unique_ptr<ObjectStore>(std::make_unique<S3Store>(options, std::move(http)));
}

}  // namespace quorate::objectstore
