// One HTTP GET, on libcurl.
#ifndef TRIDENT_AGENT_IMAGING_HTTP_CLIENT_H_
#define TRIDENT_AGENT_IMAGING_HTTP_CLIENT_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "agent/imaging/fetch_options.h"
#include "agent/imaging/image_url.h"

namespace trident {

struct ContentRange {
  uint64_t first = 0;
  uint64_t last = 0;  // inclusive
  std::optional<uint64_t> total;

  bool operator==(const ContentRange&) const = default;
};

// RFC 9110 section 14.4. No value: not a byte range that was satisfied.
std::optional<ContentRange> ParseContentRange(const std::string& text);

// The head of the final response (after redirects).
struct HttpResponse {
  long status = 0;  // 0: there was none
  std::string etag;
  std::string last_modified;
  std::string date;
  std::string content_type;
  std::vector<std::string> challenges;  // values of WWW-Authenticate
  bool redirected = false;              // it came from another URL than the one that was asked
  std::optional<uint64_t> content_length;
  std::optional<ContentRange> content_range;

  // What If-Range may carry (RFC 9110 section 13.1.5): a strong ETag, else a Last-Modified that is
  // strong by section 8.8.2.2 (at least a second before the response). Empty: none.
  std::string StrongValidator() const;
};

struct HttpRequest {
  std::string range;     // "bytes=100-"; empty: everything
  std::string if_range;  // empty: unconditional
  std::string accept;    // media types; empty: anything
  // Value of the header Authorization; empty: none. Sent to the server of the URL only: a redirect
  // to another host, port or protocol does not take it along.
  std::string authorization;
};

struct HttpHandlers {
  // The head has come. False: the body is not wanted.
  std::function<bool(const HttpResponse&)> response;
  // A piece of the body. May block: the server waits then. False: no more is wanted.
  std::function<bool(std::span<const uint8_t>)> body;
  // Asked about every 50 ms.
  std::function<bool()> stopped;
};

struct HttpOutcome {
  enum class End {
    kComplete,  // the whole body was delivered
    kStopped,   // a handler did not want more
    kBroken,    // see `error`
  };

  End end = End::kBroken;
  HttpResponse response;
  absl::Status error;      // kBroken only
  bool retryable = false;  // kBroken only: it may work when tried again
};

// Keeps connections between requests. One thread at a time.
class HttpClient {
 public:
  HttpClient(ImageUrl url, FetchOptions options);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  // Follows redirects to http and https (from https only to https).
  HttpOutcome Get(const HttpRequest& request, const HttpHandlers& handlers);

  const ImageUrl& url() const { return url_; }

 private:
  struct Connections;
  ImageUrl url_;
  FetchOptions options_;
  std::unique_ptr<Connections> connections_;
};

// The error for a status that is not what was asked for. `retryable` is set for 408, 429 and 5xx.
absl::Status HttpStatusError(const ImageUrl& url, long status, bool* retryable);

}  // namespace trident

#endif  // TRIDENT_AGENT_IMAGING_HTTP_CLIENT_H_
