#include "agent/servicing/image_steps.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "agent/imaging/read_back.h"
#include "agent/servicing/image_stream.h"
#include "agent/servicing/storage_steps.h"
#include "agent/servicing/sysupdate_engine.h"
#include "agent/storage/sysupdate.h"
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

Contents ContentsOf(const Image& image, const StreamResult& result) {
  return {.kind = Contents::Kind::kImage,
          .sha256 = result.sha256,
          .length = result.written,
          .url = image.url,
          .image_filesystem_uuid = ""};
}

// Takes what an image holds and compares it with what is on a device.
class ComparingWriter : public BlockWriter {
 public:
  explicit ComparingWriter(BlockReader& device) : device_(device) {}

  uint64_t size() const override { return device_.size(); }

  absl::Status WriteAt(uint64_t offset, std::span<const uint8_t> data) override {
    buffer_.resize(data.size());
    TRIDENT_RETURN_IF_ERROR(device_.ReadAt(offset, buffer_));
    if (std::equal(data.begin(), data.end(), buffer_.begin())) return absl::OkStatus();
    return MakeError(absl::StatusCode::kDataLoss, "image", "read-back",
                     absl::StrCat("what was written differs from the image in the ", data.size(),
                                  " bytes at ", offset),
                     "Check the disk, and whether the image was exchanged meanwhile.");
  }

  absl::Status Flush() override { return absl::OkStatus(); }

 private:
  BlockReader& device_;
  std::vector<uint8_t> buffer_;
};

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

  const bool labelled = IsLabelledBySysupdate(run.configuration, run.step.subject);
  if (labelled) {
    const std::string reason = WhyNotSysupdateHere(host_, prober_, run, *image);
    if (reason.empty()) return WriteWithSysupdate(host_, run, *image);
    run.reporter.Info(absl::StrCat("the agent writes '", target.id,
                                   "' itself, as systemd-sysupdate cannot: ", reason));
    TRIDENT_RETURN_IF_ERROR(LabelTarget(host_, run, kEmptyLabel));
  }
  TRIDENT_ASSIGN_OR_RETURN(const std::unique_ptr<BlockWriter> device,
                           host_.devices.OpenForWriting(target.path));
  const absl::StatusOr<StreamResult> result = StreamImage(streamer_, run, *image, *device);
  TRIDENT_RETURN_IF_ERROR(
      Annotate(result.status(), absl::StrCat("write ", image->url, " to '", target.id, "'")));
  contents = ContentsOf(*image, *result);
  written_[target.id] = {run.job_id, result->written, result->content_checksum};
  return labelled ? LabelTarget(host_, run, SysupdateVersion(*image)) : absl::OkStatus();
}

absl::Status ImageSteps::Compare(const StepRun& run, const Image& image) {
  TRIDENT_ASSIGN_OR_RETURN(const RecordedDevice target, DeviceOf(run.status, run.step.subject));
  TRIDENT_ASSIGN_OR_RETURN(std::unique_ptr<BlockReader> device,
                           host_.devices.OpenForReading(target.path));
  ComparingWriter comparison(*device);
  TRIDENT_ASSIGN_OR_RETURN(const StreamResult result,
                           StreamImage(streamer_, run, image, comparison));
  *FindContents(run.status, target.id) = ContentsOf(image, result);
  return absl::OkStatus();
}

absl::Status ImageSteps::Verify(const StepRun& run) {
  const auto known = written_.find(run.step.subject);
  if (known == written_.end() || known->second.job_id != run.job_id) {
    const Image* image = ImageFor(run);
    if (image != nullptr && IsLabelledBySysupdate(run.configuration, run.step.subject) &&
        WhyNotSysupdateHere(host_, prober_, run, *image).empty()) {
      return Annotate(Compare(run, *image), absl::StrCat("read '", run.step.subject, "' back"));
    }
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
