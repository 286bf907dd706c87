#include "agent/imaging/http_client.h"

#include <curl/curl.h>
#include <openssl/x509_vfy.h>

#include <array>
#include <chrono>
#include <ctime>
#include <new>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/base/error.h"

namespace trident {
namespace {

using Clock = std::chrono::steady_clock;

constexpr long kReceiveBuffer = 256L * 1024;
constexpr int kPollMilliseconds = 50;

// libcurl wants to be initialised once per process before the first handle. A local static is
// initialised exactly once, whichever thread comes first; libcurl is never shut down, because other
// users of it may live as long as the process.
CURLcode InitializeCurl() {
  static const CURLcode result = curl_global_init(CURL_GLOBAL_DEFAULT);
  return result;
}

// One request. The callbacks run inside curl_multi_perform, in the caller's thread; exceptions end
// there (libcurl is C).
struct Transfer {
  const HttpHandlers* handlers = nullptr;
  CURL* easy = nullptr;
  HttpResponse response;
  Clock::time_point last_byte;
  bool connected = false;
  bool response_shown = false;
  bool stopped = false;
};

void ReadHeader(HttpResponse& response, std::string_view line) {
  if (line.starts_with("HTTP/")) {  // another response begins: a redirect, a 100 Continue
    response = HttpResponse{};
    return;
  }
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos) return;
  const std::string name = absl::AsciiStrToLower(std::string(line.substr(0, colon)));
  std::string value(line.substr(colon + 1));
  absl::StripAsciiWhitespace(&value);
  if (name == "etag") response.etag = value;
  if (name == "last-modified") response.last_modified = value;
  if (name == "date") response.date = value;
  if (name == "content-type") response.content_type = value;
  if (name == "www-authenticate") response.challenges.push_back(value);
  if (name == "content-range") response.content_range = ParseContentRange(value);
}

size_t OnHeader(char* data, size_t size, size_t count, void* user) {
  try {
    auto& transfer = *static_cast<Transfer*>(user);
    transfer.last_byte = Clock::now();
    ReadHeader(transfer.response, std::string_view(data, size * count));
    return size * count;
  } catch (const std::bad_alloc&) {
    return 0;
  }
}

void CompleteResponse(Transfer& transfer) {
  curl_easy_getinfo(transfer.easy, CURLINFO_RESPONSE_CODE, &transfer.response.status);
  curl_off_t length = -1;
  curl_easy_getinfo(transfer.easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
  long redirects = 0;
  curl_easy_getinfo(transfer.easy, CURLINFO_REDIRECT_COUNT, &redirects);
  transfer.response.redirected = redirects > 0;
  if (length >= 0) transfer.response.content_length = static_cast<uint64_t>(length);
}

bool ShowResponse(Transfer& transfer) {
  if (transfer.response_shown) return true;
  transfer.response_shown = true;
  CompleteResponse(transfer);
  return transfer.handlers->response(transfer.response);
}

size_t OnBody(char* data, size_t size, size_t count, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  try {
    if (ShowResponse(transfer) &&
        transfer.handlers->body({reinterpret_cast<const uint8_t*>(data), size * count})) {
      // After the handler: the time that it blocked is not the server's.
      transfer.last_byte = Clock::now();
      return size * count;
    }
  } catch (const std::bad_alloc&) {
    // The same as "no more is wanted": the pipeline has the reason.
  }
  transfer.stopped = true;
  return size * count == 0 ? 1 : 0;  // anything else than the size ends the transfer
}

int OnConnected(void* user, char*, char*, int, int) {
  auto& transfer = *static_cast<Transfer*>(user);
  transfer.connected = true;
  transfer.last_byte = Clock::now();
  return CURL_PREREQFUNC_OK;
}

bool Retryable(CURLcode code) {
  switch (code) {
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_PARTIAL_FILE:
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
    case CURLE_AGAIN:
      return true;
    default:
      return false;
  }
}

absl::Status FetchError(const ImageUrl& url, const std::string& subkind, const std::string& reason,
                        std::string remedy, bool retryable) {
  ErrorDetail detail;
  detail.kind = "image";
  detail.subkind = subkind;
  detail.message = absl::StrCat("fetching ", url.printable, ": ", reason);
  detail.remedy = std::move(remedy);
  detail.retryable = retryable;
  return MakeError(absl::StatusCode::kUnavailable, std::move(detail));
}

std::string TodayInWords() {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&now, &utc);
  std::array<char, 32> text{};
  const size_t length = std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M UTC", &utc);
  return std::string(text.data(), length);
}

absl::Status CurlError(const ImageUrl& url, CURL* easy, CURLcode code, const char* words) {
  const std::string reason = words[0] != '\0' ? words : curl_easy_strerror(code);
  if (code == CURLE_PEER_FAILED_VERIFICATION) {
    long verification = 0;
    curl_easy_getinfo(easy, CURLINFO_SSL_VERIFYRESULT, &verification);
    if (verification == X509_V_ERR_CERT_HAS_EXPIRED ||
        verification == X509_V_ERR_CERT_NOT_YET_VALID) {
      return FetchError(
          url, "certificate-dates",
          absl::StrCat(
              "the server's certificate ",
              verification == X509_V_ERR_CERT_HAS_EXPIRED ? "has expired" : "is not valid yet",
              " by the clock of this host (", TodayInWords(), "); ", reason),
          "Check the clock of this host first, then the certificate of the server.", false);
    }
    return FetchError(url, "certificate", reason,
                      "Trust the server's certificate authority on this host, or use a server "
                      "with a certificate that it trusts.",
                      false);
  }
  if (code == CURLE_TOO_MANY_REDIRECTS) {
    return FetchError(url, "redirects", reason, "Name the final URL.", false);
  }
  return FetchError(url, "unavailable", reason,
                    "Check that the server is up and that this host can reach it.",
                    Retryable(code));
}

struct HeaderList {
  ~HeaderList() { curl_slist_free_all(list); }
  void Append(const std::string& line) {
    curl_slist* longer = curl_slist_append(list, line.c_str());
    if (longer == nullptr) throw std::bad_alloc();
    list = longer;
  }

  curl_slist* list = nullptr;
};

}  // namespace

std::optional<ContentRange> ParseContentRange(const std::string& text) {
  static constexpr std::string_view kUnit = "bytes ";
  if (!text.starts_with(kUnit)) return std::nullopt;
  const size_t dash = text.find('-');
  const size_t slash = text.find('/');
  if (dash == std::string::npos || slash == std::string::npos || dash > slash) {
    return std::nullopt;
  }
  ContentRange range;
  if (!absl::SimpleAtoi(text.substr(kUnit.size(), dash - kUnit.size()), &range.first) ||
      !absl::SimpleAtoi(text.substr(dash + 1, slash - dash - 1), &range.last) ||
      range.last < range.first) {
    return std::nullopt;
  }
  const std::string total = text.substr(slash + 1);
  if (total != "*") {
    uint64_t bytes = 0;
    if (!absl::SimpleAtoi(total, &bytes) || bytes <= range.last) return std::nullopt;
    range.total = bytes;
  }
  return range;
}

std::string HttpResponse::StrongValidator() const {
  if (!etag.empty() && !absl::StartsWithIgnoreCase(etag, "W/")) return etag;
  if (last_modified.empty() || date.empty()) return "";
  const std::time_t modified = curl_getdate(last_modified.c_str(), nullptr);
  const std::time_t sent = curl_getdate(date.c_str(), nullptr);
  if (modified < 0 || sent < 0 || sent - modified < 1) return "";
  return last_modified;
}

struct HttpClient::Connections {
  Connections() {
    if (InitializeCurl() != CURLE_OK) return;
    multi = curl_multi_init();
    easy = curl_easy_init();
  }
  ~Connections() {
    curl_easy_cleanup(easy);
    curl_multi_cleanup(multi);
  }
  Connections(const Connections&) = delete;
  Connections& operator=(const Connections&) = delete;

  CURLM* multi = nullptr;
  CURL* easy = nullptr;
};

HttpClient::HttpClient(ImageUrl url, FetchOptions options)
    : url_(std::move(url)),
      options_(std::move(options)),
      connections_(std::make_unique<Connections>()) {}

HttpClient::~HttpClient() = default;

HttpOutcome HttpClient::Get(const HttpRequest& request, const HttpHandlers& handlers) {
  HttpOutcome outcome;
  CURL* easy = connections_->easy;
  CURLM* multi = connections_->multi;
  if (easy == nullptr || multi == nullptr) {
    outcome.error = FetchError(url_, "unavailable", "libcurl cannot be initialised", "", false);
    return outcome;
  }
  Transfer transfer;
  transfer.handlers = &handlers;
  transfer.easy = easy;
  transfer.last_byte = Clock::now();
  std::array<char, CURL_ERROR_SIZE> words{};
  HeaderList headers;
  if (!request.if_range.empty()) headers.Append("If-Range: " + request.if_range);
  if (!request.accept.empty()) headers.Append("Accept: " + request.accept);
  // libcurl keeps a header of this name from other hosts as long as CURLOPT_UNRESTRICTED_AUTH is
  // off, which it is.
  if (!request.authorization.empty()) headers.Append("Authorization: " + request.authorization);

  curl_easy_reset(easy);
  curl_easy_setopt(easy, CURLOPT_URL, url_.text.c_str());
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, words.data());
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);  // stopping must not wait for a dead DNS server
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR,
                   url_.scheme == ImageUrl::Scheme::kHttps ? "https" : "http,https");
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 1L);
  curl_easy_setopt(easy, CURLOPT_MAXREDIRS, static_cast<long>(options_.redirects));
  curl_easy_setopt(easy, CURLOPT_USERAGENT, options_.user_agent.c_str());
  curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, kReceiveBuffer);
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
                   static_cast<long>(options_.connect_timeout.count()));
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
  if (!options_.ca_file.empty()) {
    curl_easy_setopt(easy, CURLOPT_CAINFO, options_.ca_file.c_str());
  }
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers.list);
  if (!request.range.empty()) {
    // libcurl adds the unit.
    curl_easy_setopt(easy, CURLOPT_RANGE,
                     std::string(absl::StripPrefix(request.range, "bytes=")).c_str());
  }
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, &OnHeader);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, &transfer);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &OnBody);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &transfer);
  curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, &OnConnected);
  curl_easy_setopt(easy, CURLOPT_PREREQDATA, &transfer);

  std::optional<CURLcode> result;
  bool stalled = false;
  bool stopped = false;
  curl_multi_add_handle(multi, easy);
  while (!result) {
    int running = 0;
    if (curl_multi_perform(multi, &running) != CURLM_OK) result = CURLE_OUT_OF_MEMORY;
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi, &left)) {
      if (message->msg == CURLMSG_DONE) result = message->data.result;
    }
    if (result) break;
    stopped = handlers.stopped();
    stalled = transfer.connected && Clock::now() - transfer.last_byte > options_.stall_timeout;
    if (stopped || stalled) break;
    curl_multi_poll(multi, nullptr, 0, kPollMilliseconds, nullptr);
  }
  if (result == CURLE_OK) {
    if (!ShowResponse(transfer)) transfer.stopped = true;  // a response without a body
  } else {
    CompleteResponse(transfer);
  }
  outcome.response = transfer.response;
  if (stopped || transfer.stopped) {
    outcome.end = HttpOutcome::End::kStopped;
  } else if (stalled) {
    outcome.error = FetchError(
        url_, "stalled",
        absl::StrCat("the server sent nothing for ", options_.stall_timeout.count(), " ms"),
        "Check the server and the network in between.", true);
    outcome.retryable = true;
  } else if (result == CURLE_OK) {
    outcome.end = HttpOutcome::End::kComplete;
  } else {
    outcome.error = CurlError(url_, easy, *result, words.data());
    outcome.retryable = Retryable(*result);
  }
  curl_multi_remove_handle(multi, easy);
  return outcome;
}

absl::Status HttpStatusError(const ImageUrl& url, long status, bool* retryable) {
  *retryable = status == 408 || status == 429 || status >= 500;
  absl::StatusCode code = absl::StatusCode::kFailedPrecondition;
  ErrorDetail detail;
  detail.kind = "image";
  detail.subkind = "http-status";
  detail.message = absl::StrCat("fetching ", url.printable, ": the server answered HTTP ", status);
  detail.remedy = "Check the URL and the server.";
  detail.retryable = *retryable;
  if (status == 404 || status == 410) {
    code = absl::StatusCode::kNotFound;
    detail.subkind = "not-found";
    absl::StrAppend(&detail.message, " (there is no such file)");
    detail.remedy = "Check the URL, and that the image has been published.";
  } else if (status == 401 || status == 403) {
    code = absl::StatusCode::kPermissionDenied;
    absl::StrAppend(&detail.message, " (access denied)");
  } else if (*retryable) {
    code = absl::StatusCode::kUnavailable;
  }
  return MakeError(code, std::move(detail));
}

}  // namespace trident
