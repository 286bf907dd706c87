#include "agent/imaging/image_streamer.h"

#include <malloc.h>

#include <new>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "agent/imaging/image_errors.h"
#include "agent/imaging/image_locator.h"
#include "agent/imaging/image_source.h"
#include "agent/imaging/image_url.h"
#include "agent/imaging/stream_pipeline.h"
#include "common/base/error.h"

namespace trident {
namespace {

class PipelineStreamer : public ImageStreamer {
 public:
  PipelineStreamer(FetchOptions options, Files& files, CommandRunner& commands)
      : options_(options), locator_(std::move(options), files, commands) {}

  absl::StatusOr<StreamResult> Stream(const StreamRequest& request) override {
    TRIDENT_ASSIGN_OR_RETURN(const ImageUrl url, ParseImageUrl(request.url));
    absl::StatusOr<StreamResult> result = StreamFrom(url, request);
    // Decoders free tens of MiB that the allocator would keep; an idle agent has to be small.
    malloc_trim(0);
    if (!result.ok() && !absl::StrContains(result.status().message(), url.printable)) {
      return Annotate(result.status(), absl::StrCat("writing image ", url.printable));
    }
    return result;
  }

 private:
  absl::StatusOr<StreamResult> StreamFrom(const ImageUrl& url, const StreamRequest& request) const {
    TRIDENT_ASSIGN_OR_RETURN(
        const ImageLocation location,
        locator_.Locate(url, request.sha256, InterruptionOf(*request.cancellation)));
    StreamResult result;
    try {
      StreamPipeline pipeline(request, MakeImageSource(location, options_));
      TRIDENT_ASSIGN_OR_RETURN(result, pipeline.Run());
    } catch (const std::bad_alloc&) {
      return MakeError(absl::StatusCode::kResourceExhausted, "environment", "memory",
                       "there is not enough memory to stream an image");
    }
    result.hash_compared = location.sha256.has_value();
    if (location.sha256 && *location.sha256 != result.sha256) {
      return MakeError(
          absl::StatusCode::kDataLoss, "image", "hash-mismatch",
          absl::StrCat("the image's SHA-256 is not the expected one: expected ", *location.sha256,
                       ", got ", result.sha256),
          "Check that the document names the image that is published, and fetch it again.");
    }
    if (request.cancellation->cancelled()) return StreamCancelled();
    TRIDENT_RETURN_IF_ERROR(request.target->Flush());
    return result;
  }

  FetchOptions options_;
  ImageLocator locator_;
};

}  // namespace

std::unique_ptr<ImageStreamer> MakeImageStreamer(FetchOptions options, Files& files,
                                                 CommandRunner& commands) {
  return std::make_unique<PipelineStreamer>(std::move(options), files, commands);
}

}  // namespace trident
