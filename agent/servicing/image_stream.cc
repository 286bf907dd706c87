#include "agent/servicing/image_stream.h"

#include "absl/strings/str_cat.h"
#include "common/base/error.h"

namespace trident {

absl::StatusOr<StreamResult> StreamImage(ImageStreamer& streamer, const StepRun& run,
                                         const Image& image, BlockWriter& target) {
  const StreamRequest request{
      .url = image.url,
      .format = image.format,
      .sha256 = image.sha256,
      .target = &target,
      .cancellation = &run.cancellation,
      // How much is written is the truer measure; how much that will be is known from the plan.
      .progress =
          [&](const StreamProgress& progress) {
            run.reporter.Progress(progress.written, run.step.bytes);
          },
      .note = [&](const std::string& note) { run.reporter.Warning(note); }};
  TRIDENT_ASSIGN_OR_RETURN(StreamResult result, streamer.Stream(request));
  if (!result.hash_compared) {
    run.reporter.Warning(absl::StrCat(
        image.url, " was taken unchecked (sha256: ignored); its hash is ", result.sha256));
  }
  return result;
}

}  // namespace trident
