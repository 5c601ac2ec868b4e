#include "objectstore/s3_http.h"

#include <curl/curl.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "base/bytes.h"
#include "base/digest.h"
#include "objectstore/s3_text.h"

namespace quorate::objectstore {
namespace {

constexpr long kConnectSeconds = 10;
constexpr long kStallSeconds = 30;  // without one byte
constexpr int kPauseFirstMs = 200;  // between two attempts, doubling
constexpr std::size_t kErrorBytesMax = 64UL * 1024;

// True for failures that pass by themselves.
bool Passing(long status) {
  return status == 408 || status == 425 || status == 429 || status == 500 || status == 502 ||
         status == 503 || status == 504;
}

bool Passing(CURLcode code) {
  switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_PARTIAL_FILE:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
      return true;
    default:
      return false;
  }
}

// What one transfer collects while curl runs it.
struct Transfer {
  CURL* handle = nullptr;
  S3Response response;
  const Sink* sink = nullptr;
  Status sink_status;
  std::uint64_t delivered = 0;  // bytes the sink took
};

std::size_t OnBody(char* data, std::size_t unit, std::size_t count, void* context) {
  auto& transfer = *static_cast<Transfer*>(context);
  const std::string_view piece(data, unit * count);
  long status = 0;
  curl_easy_getinfo(transfer.handle, CURLINFO_RESPONSE_CODE, &status);
  if (transfer.sink == nullptr || status >= 300) {
    if (transfer.sink == nullptr || transfer.response.body.size() < kErrorBytesMax) {
      transfer.response.body += piece;
    }
    return piece.size();
  }
  transfer.sink_status = (*transfer.sink)(piece);
  if (!transfer.sink_status.ok()) return 0;
  transfer.delivered += piece.size();
  return piece.size();
}

std::size_t OnHeader(char* data, std::size_t unit, std::size_t count, void* context) {
  auto& transfer = *static_cast<Transfer*>(context);
  const std::string_view line(data, unit * count);
  const std::size_t colon = line.find(':');
  if (colon != std::string_view::npos) {
    std::string name(line.substr(0, colon));
    std::transform(name.begin(), name.end(), name.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    std::string_view value = line.substr(colon + 1);
    while (!value.empty() && (value.back() == '\r' || value.back() == '\n')) value.remove_suffix(1);
    while (!value.empty() && value.front() == ' ') value.remove_prefix(1);
    transfer.response.headers[name] = value;
  }
  return line.size();
}

class CurlHttp final : public S3Http {
 public:
  CurlHttp(S3Options options, std::string endpoint)
      : options_(std::move(options)), endpoint_(std::move(endpoint)) {}

  ~CurlHttp() override {
    if (easy_ != nullptr) curl_easy_cleanup(easy_);
    if (multi_ != nullptr) curl_multi_cleanup(multi_);
  }

  Status Start() {
    static const CURLcode once = curl_global_init(CURL_GLOBAL_DEFAULT);
    easy_ = curl_easy_init();
    multi_ = curl_multi_init();
    if (once != CURLE_OK || easy_ == nullptr || multi_ == nullptr) {
      return Error{Code::kInternal, "libcurl cannot be started"};
    }
    return {};
  }

  Result<S3Response> Send(const S3Request& request) override {
    for (int attempt = 1;; ++attempt) {
      Transfer transfer;
      auto done = Perform(request, transfer);
      if (done.ok()) return std::move(transfer.response);
      if (attempt >= options_.attempts || !retry_) return std::move(done).error();
      Pause(attempt);
    }
  }

  Status Download(S3Request request, std::uint64_t offset, const Sink& sink) override {
    for (int attempt = 1;; ++attempt) {
      if (offset > 0) request.headers["range"] = "bytes=" + std::to_string(offset) + "-";
      Transfer transfer;
      transfer.sink = &sink;
      auto done = Perform(request, transfer);
      if (!transfer.sink_status.ok()) return transfer.sink_status;
      offset += transfer.delivered;
      if (done.ok()) return {};
      if (transfer.response.status == 416 && offset > 0) return {};  // nothing after the offset
      if (transfer.delivered > 0) attempt = 1;                       // it moves, if slowly
      if (attempt >= options_.attempts || !retry_) return done;
      Pause(attempt);
    }
  }

 private:
  // One attempt. Sets retry_ to whether another could go better.
  Status Perform(const S3Request& request, Transfer& transfer) {
    retry_ = false;
    transfer.handle = easy_;
    curl_easy_reset(easy_);
    curl_slist* headers = SetUp(request, transfer);
    const CURLcode code = curl_easy_perform(easy_);
    curl_slist_free_all(headers);
    curl_easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &transfer.response.status);
    if (code != CURLE_OK) {
      retry_ = Passing(code);
      const std::string why = error_[0] != '\0' ? error_ : curl_easy_strerror(code);
      return Error{retry_ ? Code::kUnavailable : Code::kUnknown, request.address + ": " + why};
    }
    if (transfer.response.status < 300) return {};
    retry_ = Passing(transfer.response.status);
    return S3Error(request, transfer.response.status, transfer.response.body);
  }

  curl_slist* SetUp(const S3Request& request, Transfer& transfer) {
    const std::string query = CanonicalQuery(request.query);
    const std::string url = endpoint_ + request.path + (query.empty() ? "" : "?" + query);
    const std::string method = request.method;
    const std::string signature = "aws:amz:" + options_.region + ":s3";
    const std::string credentials = options_.access_key_id + ":" + options_.secret_access_key;
    curl_slist* headers = nullptr;
    headers = curl_slist_append(
        headers, ("x-amz-content-sha256: " + ToHex(Sha256::Of(std::string(request.body)))).c_str());
    if (!options_.session_token.empty()) {
      headers =
          curl_slist_append(headers, ("x-amz-security-token: " + options_.session_token).c_str());
    }
    for (const auto& [name, value] : request.headers) {
      headers = curl_slist_append(headers, (name + ": " + value).c_str());
    }
    // Every header of this list gets signed, so none may be taken away here, only added.
    headers = curl_slist_append(headers, "content-type: application/octet-stream");
    error_[0] = '\0';
    curl_easy_setopt(easy_, CURLOPT_URL, url.c_str());
    curl_easy_setopt(easy_, CURLOPT_AWS_SIGV4, signature.c_str());
    curl_easy_setopt(easy_, CURLOPT_USERPWD, credentials.c_str());
    curl_easy_setopt(easy_, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(easy_, CURLOPT_ERRORBUFFER, error_);
    curl_easy_setopt(easy_, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy_, CURLOPT_CONNECTTIMEOUT, kConnectSeconds);
    curl_easy_setopt(easy_, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(easy_, CURLOPT_LOW_SPEED_TIME, kStallSeconds);
    curl_easy_setopt(easy_, CURLOPT_WRITEFUNCTION, OnBody);
    curl_easy_setopt(easy_, CURLOPT_WRITEDATA, &transfer);
    curl_easy_setopt(easy_, CURLOPT_HEADERFUNCTION, OnHeader);
    curl_easy_setopt(easy_, CURLOPT_HEADERDATA, &transfer);
    if (!options_.ca.empty()) {
      curl_blob ca{const_cast<char*>(options_.ca.data()), options_.ca.size(), CURL_BLOB_COPY};
      curl_easy_setopt(easy_, CURLOPT_CAINFO_BLOB, &ca);
    }
    if (method == "HEAD") {
      curl_easy_setopt(easy_, CURLOPT_NOBODY, 1L);
    } else if (method == "PUT" || method == "POST") {
      curl_easy_setopt(easy_, CURLOPT_POST, 1L);
      curl_easy_setopt(easy_, CURLOPT_POSTFIELDSIZE_LARGE,
                       static_cast<curl_off_t>(request.body.size()));
      curl_easy_setopt(easy_, CURLOPT_POSTFIELDS, request.body.data());
      curl_easy_setopt(easy_, CURLOPT_CUSTOMREQUEST, request.method);
    } else if (method != "GET") {
      curl_easy_setopt(easy_, CURLOPT_CUSTOMREQUEST, request.method);
    }
    return headers;
  }

  // curl's own waiting: nothing is registered, so only the time ends it.
  void Pause(int attempt) {
    curl_multi_poll(multi_, nullptr, 0, kPauseFirstMs << std::min(attempt - 1, 5), nullptr);
  }

  S3Options options_;
  std::string endpoint_;
  CURL* easy_ = nullptr;
  CURLM* multi_ = nullptr;
  char error_[CURL_ERROR_SIZE] = {};
  bool retry_ = false;
};

Code CodeOf(long status, std::string_view s3_code) {
  if (s3_code == "XMinioStorageFull" || s3_code == "QuotaExceeded" || status == 507) {
    return Code::kResourceExhausted;
  }
  if (status == 404) return Code::kNotFound;
  if (status == 401 || status == 403) return Code::kPermissionDenied;
  if (Passing(status)) return Code::kUnavailable;
  return status == 400 ? Code::kInvalidArgument : Code::kUnknown;
}

}  // namespace

Result<std::unique_ptr<S3Http>> S3Http::Make(const S3Options& options) {
  const std::string endpoint = options.endpoint.empty()
                                   ? "https://s3." + options.region + ".amazonaws.com"
                                   : options.endpoint;
  auto http =
      std::make_unique<CurlHttp>(options, endpoint.substr(0, endpoint.find_last_not_of('/') + 1));
  TRY(http->Start());
  return std::unique_ptr<S3Http>(std::move(http));
}

Error S3Error(const S3Request& request, long status, std::string_view body) {
  const std::string s3_code = XmlText(body, "Code").value_or("");
  const std::string message = XmlText(body, "Message").value_or("");
  std::string text = request.address + ": HTTP status " + std::to_string(status);
  if (!s3_code.empty()) text += " " + s3_code;
  if (!message.empty()) text += ": " + message;
  return {CodeOf(status, s3_code), text};
}

}  // namespace quorate::objectstore
