#include "agent/imaging/image_probe.h"

#include <algorithm>
#include <chrono>
#include <span>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "agent/imaging/file_source.h"
#include "agent/imaging/http_client.h"
#include "agent/imaging/image_errors.h"
#include "agent/imaging/image_head.h"
#include "agent/imaging/image_url.h"
#include "common/base/error.h"

namespace trident {
namespace {

constexpr size_t kTailBytes = kHeadBytes;

// A piece of an image on a web server.
struct Part {
  HttpResponse response;
  std::vector<uint8_t> bytes;
};

class RangedProber : public ImageProber {
 public:
  explicit RangedProber(FetchOptions options) : options_(std::move(options)) {}

  absl::StatusOr<ImageFacts> Probe(const std::string& text, ImageFormat format,
                                   const Cancellation& cancellation) override {
    TRIDENT_ASSIGN_OR_RETURN(const ImageUrl url, ParseImageUrl(text));
    absl::StatusOr<ImageFacts> facts = url.scheme == ImageUrl::Scheme::kFile
                                           ? ProbeFile(url, format)
                                           : ProbeHttp(url, format, cancellation);
    if (!facts.ok() && !absl::StrContains(facts.status().message(), url.printable)) {
      return Annotate(facts.status(), absl::StrCat("looking at image ", url.printable));
    }
    return facts;
  }

 private:
  static absl::StatusOr<ImageFacts> ProbeFile(const ImageUrl& url, ImageFormat format) {
    TRIDENT_ASSIGN_OR_RETURN(const ImageFile file, ImageFile::Open(url));
    ImageFacts facts;
    facts.fetch_bytes = file.size();
    facts.validator = file.validator();
    std::vector<uint8_t> part(kHeadBytes);
    TRIDENT_ASSIGN_OR_RETURN(const size_t head_bytes, file.ReadAt(0, part));
    TRIDENT_RETURN_IF_ERROR(
        UseHead(format, std::span<const uint8_t>(part).first(head_bytes), facts));
    if (format == ImageFormat::kRawLzma) {
      const uint64_t offset = file.size() - std::min<uint64_t>(file.size(), kTailBytes);
      TRIDENT_ASSIGN_OR_RETURN(const size_t tail_bytes, file.ReadAt(offset, part));
      facts.content_bytes =
          XzContentBytes(std::span<const uint8_t>(part).first(tail_bytes), file.size());
    }
    return facts;
  }

  absl::StatusOr<ImageFacts> ProbeHttp(const ImageUrl& url, ImageFormat format,
                                       const Cancellation& cancellation) const {
    HttpClient client(url, options_);
    HttpRequest request;
    request.range = absl::StrCat("bytes=0-", kHeadBytes - 1);
    TRIDENT_ASSIGN_OR_RETURN(Part head, Fetch(client, url, request, cancellation));
    if (head.response.status == 416) {  // an empty file has no range at all
      TRIDENT_ASSIGN_OR_RETURN(head, Fetch(client, url, HttpRequest{}, cancellation));
    }
    ImageFacts facts;
    const bool ranges = head.response.status == 206 && head.response.content_range &&
                        head.response.content_range->first == 0;
    if (ranges) {
      facts.fetch_bytes = head.response.content_range->total.value_or(0);
    } else if (head.response.status == 200) {
      facts.fetch_bytes = head.response.content_length.value_or(0);
    } else {
      bool retryable = false;
      return HttpStatusError(url, head.response.status, &retryable);
    }
    facts.validator = head.response.StrongValidator();
    if (facts.validator.empty()) facts.validator = head.response.last_modified;
    TRIDENT_RETURN_IF_ERROR(UseHead(format, head.bytes, facts));
    if (format == ImageFormat::kRawLzma) {
      TRIDENT_RETURN_IF_ERROR(UseXzTail(client, url, ranges, head, cancellation, facts));
    }
    return facts;
  }

  // A tail that cannot be had only means that the size stays unknown.
  absl::Status UseXzTail(HttpClient& client, const ImageUrl& url, bool ranges, const Part& head,
                         const Cancellation& cancellation, ImageFacts& facts) const {
    facts.content_bytes.reset();
    if (facts.fetch_bytes == 0) return absl::OkStatus();
    if (facts.fetch_bytes == head.bytes.size()) {
      facts.content_bytes = XzContentBytes(head.bytes, facts.fetch_bytes);
      return absl::OkStatus();
    }
    if (!ranges) return absl::OkStatus();
    const uint64_t first = facts.fetch_bytes - std::min<uint64_t>(facts.fetch_bytes, kTailBytes);
    HttpRequest request;
    request.range = absl::StrCat("bytes=", first, "-", facts.fetch_bytes - 1);
    request.if_range = head.response.StrongValidator();
    const absl::StatusOr<Part> tail = Fetch(client, url, request, cancellation);
    if (cancellation.cancelled()) return StreamCancelled();
    if (tail.ok() && tail->response.status == 206 && tail->response.content_range &&
        tail->response.content_range->first == first) {
      facts.content_bytes = XzContentBytes(tail->bytes, facts.fetch_bytes);
    }
    return absl::OkStatus();
  }

  static absl::Status UseHead(ImageFormat format, std::span<const uint8_t> head,
                              ImageFacts& facts) {
    TRIDENT_ASSIGN_OR_RETURN(const ImageHead inspected, InspectHead(format, head, facts.fetch_bytes > 0 ? std::optional(facts.fetch_bytes) : std::nullopt));
    facts.decoder_window_bytes = inspected.window_bytes;
    facts.content_bytes = inspected.first_content_bytes;
    return absl::OkStatus();
  }

  // At most kHeadBytes of the body. OK also with status 416; other errors of the server are
  // repeated or returned.
  absl::StatusOr<Part> Fetch(HttpClient& client, const ImageUrl& url, const HttpRequest& request,
                             const Cancellation& cancellation) const {
    std::chrono::milliseconds wait = options_.first_backoff;
    for (int attempt = 1;; ++attempt) {
      Part part;
      HttpHandlers handlers;
      handlers.response = [](const HttpResponse& response) {
        return response.status == 200 || response.status == 206;
      };
      handlers.body = [&part](std::span<const uint8_t> data) {
        const size_t bytes = std::min(data.size(), kHeadBytes - part.bytes.size());
        part.bytes.insert(part.bytes.end(), data.begin(), data.begin() + bytes);
        return part.bytes.size() < kHeadBytes;
      };
      handlers.stopped = [&cancellation] { return cancellation.cancelled(); };
      const HttpOutcome outcome = client.Get(request, handlers);
      if (cancellation.cancelled()) return StreamCancelled();
      absl::Status error = outcome.error;
      bool retryable = outcome.retryable;
      if (outcome.end != HttpOutcome::End::kBroken) {
        const long status = outcome.response.status;
        if (status == 200 || status == 206 || status == 416) {
          part.response = outcome.response;
          return part;
        }
        error = HttpStatusError(url, status, &retryable);
      }
      if (!retryable || attempt >= options_.probe_attempts) return error;
      if (cancellation.WaitFor(wait)) return StreamCancelled();
      wait = std::min(wait * 2, options_.longest_backoff);
    }
  }

  FetchOptions options_;
};

}  // namespace

std::unique_ptr<ImageProber> MakeImageProber(FetchOptions options) {
  return std::make_unique<RangedProber>(std::move(options));
}

}  // namespace trident
