#include "agent/servicing/image_steps.h"

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "agent/imaging/read_back.h"
#include "agent/servicing/storage_steps.h"
#include "common/base/error.h"
#include "common/config/lookup.h"

namespace trident {
namespace {

const Image* ImageFor(const StepRun& run) {
  const Volume target = run.plan.target.value_or(Volume::kA);
  for (const Image& image : run.configuration.storage.images) {
    if (DeviceOn(run.configuration, image.target_id, target) == run.step.subject) return &image;
  }
  return nullptr;
}

}  // namespace

absl::Status ImageSteps::Write(const StepRun& run) {
  const Image* image = ImageFor(run);
  if (image == nullptr) {
    return MakeError(absl::StatusCode::kInternal, "internal", "image-not-in-document",
                     absl::StrCat("the document has no image for '", run.step.subject, "'"));
  }
  TRIDENT_ASSIGN_OR_RETURN(const RecordedDevice target, DeviceOf(run.status, run.step.subject));
  Contents& contents = *FindContents(run.status, target.id);
  written_.erase(target.id);
  // Unknown in the store before the first byte, so that no crash leaves a half-written volume that
  // looks like the old one.
  contents = Contents{};
  TRIDENT_RETURN_IF_ERROR(run.save_status());

  TRIDENT_ASSIGN_OR_RETURN(const std::unique_ptr<BlockWriter> device,
                           host_.devices.OpenForWriting(target.path));
  const StreamRequest request{
      .url = image->url,
      .format = image->format,
      .sha256 = image->sha256,
      .target = device.get(),
      .cancellation = &run.cancellation,
      // How much is written is the truer measure; how much that will be is known from the plan.
      .progress =
          [&](const StreamProgress& progress) {
            run.reporter.Progress(progress.written, run.step.bytes);
          },
      .note = [&](const std::string& note) { run.reporter.Warning(note); }};
  absl::StatusOr<StreamResult> result = streamer_.Stream(request);
  TRIDENT_RETURN_IF_ERROR(
      Annotate(result.status(), absl::StrCat("write ", image->url, " to '", target.id, "'")));
  contents = {.kind = Contents::Kind::kImage,
              .sha256 = result->sha256,
              .length = result->written,
              .url = image->url,
              .image_filesystem_uuid = ""};
  written_[target.id] = {run.job_id, result->written, result->content_checksum};
  if (!result->hash_compared) {
    run.reporter.Warning(absl::StrCat(image->url,
                                      " was written unchecked (sha256: ignored); its "
                                      "hash is ",
                                      result->sha256));
  }
  return absl::OkStatus();
}

absl::Status ImageSteps::Verify(const StepRun& run) {
  const auto known = written_.find(run.step.subject);
  if (known == written_.end() || known->second.job_id != run.job_id) {
    TRIDENT_RETURN_IF_ERROR(Write(run));
  }
  const Written& written = written_.at(run.step.subject);
  TRIDENT_ASSIGN_OR_RETURN(const RecordedDevice target, DeviceOf(run.status, run.step.subject));
  TRIDENT_ASSIGN_OR_RETURN(const std::unique_ptr<BlockReader> device,
                           host_.devices.OpenForReading(target.path));
  const absl::Status verified =
      VerifyWritten(*device, written.length, written.checksum, run.cancellation,
                    [&](uint64_t done) { run.reporter.Progress(done, written.length); });
  if (!verified.ok()) {
    *FindContents(run.status, target.id) = Contents{};
    written_.erase(run.step.subject);
  }
  return Annotate(verified, absl::StrCat("read '", run.step.subject, "' back"));
}

}  // namespace trident
