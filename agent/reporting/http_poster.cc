#include "agent/reporting/http_poster.h"

#include <curl/curl.h>

#include <array>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/error.h"
#include "common/config/url.h"

namespace trident {
namespace {

// Once per process, before the first handle; never undone, for others use libcurl, too.
CURLcode InitializeCurl() {
  static const CURLcode result = curl_global_init(CURL_GLOBAL_DEFAULT);
  return result;
}

// "http://host", for messages.
std::string ServerOf(const std::string& text) {
  const auto url = ParseUrl(text);
  return url.ok() ? absl::StrCat(url->scheme, "://", url->host) : "the server";
}

// The answer's body is of no interest.
size_t Ignore(char*, size_t size, size_t count, void*) { return size * count; }

int AskedToStop(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<const Cancellation*>(user)->cancelled() ? 1 : 0;
}

class CurlPoster : public HttpPoster {
 public:
  CurlPoster(std::string url, std::chrono::milliseconds limit)
      : url_(std::move(url)), server_(ServerOf(url_)), limit_(limit) {}
  ~CurlPoster() override { curl_easy_cleanup(easy_); }
  CurlPoster(const CurlPoster&) = delete;
  CurlPoster& operator=(const CurlPoster&) = delete;

  absl::Status Post(const std::string& json, const Cancellation& cancellation) override {
    if (easy_ == nullptr && InitializeCurl() == CURLE_OK) easy_ = curl_easy_init();
    if (easy_ == nullptr) return Failed("http-client", "libcurl cannot be used");
    curl_slist* headers = curl_slist_append(nullptr, "Content-Type: application/json");
    std::array<char, CURL_ERROR_SIZE> words{};
    // Reset keeps the connection to the server.
    curl_easy_reset(easy_);
    curl_easy_setopt(easy_, CURLOPT_URL, url_.c_str());
    curl_easy_setopt(easy_, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy_, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy_, CURLOPT_TIMEOUT_MS, static_cast<long>(limit_.count()));
    curl_easy_setopt(easy_, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(easy_, CURLOPT_POST, 1L);
    curl_easy_setopt(easy_, CURLOPT_POSTFIELDS, json.data());
    curl_easy_setopt(easy_, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(json.size()));
    curl_easy_setopt(easy_, CURLOPT_WRITEFUNCTION, Ignore);
    curl_easy_setopt(easy_, CURLOPT_ERRORBUFFER, words.data());
    curl_easy_setopt(easy_, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(easy_, CURLOPT_XFERINFOFUNCTION, AskedToStop);
    // libcurl's interface is older than const; it only hands the pointer back.
    curl_easy_setopt(easy_, CURLOPT_XFERINFODATA, static_cast<const void*>(&cancellation));
    const CURLcode result = curl_easy_perform(easy_);
    curl_slist_free_all(headers);
    if (result == CURLE_ABORTED_BY_CALLBACK) {
      return MakeError(absl::StatusCode::kCancelled, "cancelled", "post",
                       absl::StrCat("sending to ", server_, " was cancelled"));
    }
    if (result != CURLE_OK) {
      return Failed("unreachable", words[0] != '\0' ? words.data() : curl_easy_strerror(result));
    }
    long status = 0;
    curl_easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &status);
    if (status >= 200 && status < 300) return absl::OkStatus();
    return Failed("http-status", absl::StrCat("it answered with status ", status));
  }

 private:
  absl::Status Failed(const char* subkind, const std::string& why) const {
    ErrorDetail detail;
    detail.kind = "network";
    detail.subkind = subkind;
    detail.message = absl::StrCat("send to ", server_, ": ", why);
    detail.retryable = true;
    return MakeError(absl::StatusCode::kUnavailable, std::move(detail));
  }

  const std::string url_;
  const std::string server_;
  const std::chrono::milliseconds limit_;
  CURL* easy_ = nullptr;
};

}  // namespace

std::unique_ptr<HttpPoster> MakeHttpPoster(std::string url, std::chrono::milliseconds limit) {
  return std::make_unique<CurlPoster>(std::move(url), limit);
}

}  // namespace trident
