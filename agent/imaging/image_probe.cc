#include "agent/imaging/image_probe.h"

#include <algorithm>
#include <span>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "agent/imaging/file_source.h"
#include "agent/imaging/http_client.h"
#include "agent/imaging/http_fetch.h"
#include "agent/imaging/image_errors.h"
#include "agent/imaging/image_head.h"
#include "agent/imaging/image_locator.h"
#include "agent/imaging/image_url.h"
#include "common/base/error.h"

namespace trident {
namespace {

constexpr size_t kTailBytes = kHeadBytes;

class RangedProber : public ImageProber {
 public:
  RangedProber(FetchOptions options, Files& files, CommandRunner& commands)
      : options_(options), locator_(std::move(options), files, commands) {}

  absl::StatusOr<ImageFacts> Probe(const Image& image, const Cancellation& cancellation) override {
    TRIDENT_ASSIGN_OR_RETURN(const ImageUrl url, ParseImageUrl(image.url));
    absl::StatusOr<ImageFacts> facts = LookAt(url, image, InterruptionOf(cancellation));
    if (!facts.ok() && !absl::StrContains(facts.status().message(), url.printable)) {
      return Annotate(facts.status(), absl::StrCat("looking at image ", url.printable));
    }
    return facts;
  }

 private:
  absl::StatusOr<ImageFacts> LookAt(const ImageUrl& url, const Image& image,
                                    const Interruption& interruption) const {
    TRIDENT_ASSIGN_OR_RETURN(const ImageLocation location,
                             locator_.Locate(url, image.sha256, interruption));
    absl::StatusOr<ImageFacts> facts = location.url.scheme == ImageUrl::Scheme::kFile
                                           ? ProbeFile(location.url, image.format)
                                           : ProbeHttp(location, image.format, interruption);
    if (facts.ok()) facts->sha256 = location.sha256.value_or("");
    return facts;
  }

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

  absl::StatusOr<ImageFacts> ProbeHttp(const ImageLocation& location, ImageFormat format,
                                       const Interruption& interruption) const {
    HttpClient client(location.url, options_);
    HttpRequest request;
    request.range = absl::StrCat("bytes=0-", kHeadBytes - 1);
    TRIDENT_ASSIGN_OR_RETURN(FetchedBody head, Fetch(client, location, request, interruption));
    if (head.response.status == 416) {  // an empty file has no range at all
      TRIDENT_ASSIGN_OR_RETURN(head, Fetch(client, location, HttpRequest{}, interruption));
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
      return HttpStatusError(location.url, head.response.status, &retryable);
    }
    if (facts.fetch_bytes == 0) facts.fetch_bytes = location.file_bytes.value_or(0);
    facts.validator = head.response.StrongValidator();
    if (facts.validator.empty()) facts.validator = head.response.last_modified;
    TRIDENT_RETURN_IF_ERROR(UseHead(format, head.bytes, facts));
    if (format == ImageFormat::kRawLzma) {
      TRIDENT_RETURN_IF_ERROR(UseXzTail(client, location, ranges, head, interruption, facts));
    }
    return facts;
  }

  // A tail that cannot be had only means that the size stays unknown.
  absl::Status UseXzTail(HttpClient& client, const ImageLocation& location, bool ranges,
                         const FetchedBody& head, const Interruption& interruption,
                         ImageFacts& facts) const {
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
    const absl::StatusOr<FetchedBody> tail = Fetch(client, location, request, interruption);
    if (interruption.stopped()) return StreamCancelled();
    if (tail.ok() && tail->response.status == 206 && tail->response.content_range &&
        tail->response.content_range->first == first) {
      facts.content_bytes = XzContentBytes(tail->bytes, facts.fetch_bytes);
    }
    return absl::OkStatus();
  }

  static absl::Status UseHead(ImageFormat format, std::span<const uint8_t> head,
                              ImageFacts& facts) {
    TRIDENT_ASSIGN_OR_RETURN(
        const ImageHead inspected,
        InspectHead(format, head,
                    facts.fetch_bytes > 0 ? std::optional(facts.fetch_bytes) : std::nullopt));
    facts.decoder_window_bytes = inspected.window_bytes;
    facts.content_bytes = inspected.first_content_bytes;
    return absl::OkStatus();
  }

  absl::StatusOr<FetchedBody> Fetch(HttpClient& client, const ImageLocation& location,
                                    const HttpRequest& request,
                                    const Interruption& interruption) const {
    return FetchBody(client, request, kHeadBytes, options_, location.authorizer.get(),
                     interruption);
  }

  FetchOptions options_;
  ImageLocator locator_;
};

}  // namespace

std::unique_ptr<ImageProber> MakeImageProber(FetchOptions options, Files& files,
                                             CommandRunner& commands) {
  return std::make_unique<RangedProber>(std::move(options), files, commands);
}

}  // namespace trident
