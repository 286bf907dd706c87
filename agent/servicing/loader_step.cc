#include "agent/servicing/loader_step.h"

#include <algorithm>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "agent/boot/shared_esp.h"
#include "agent/servicing/image_stream.h"
#include "common/base/error.h"
#include "common/config/lookup.h"

namespace trident {
namespace {

constexpr uint64_t kImageLimit = uint64_t{1} << 30;  // bytes
// Within the new root, so that it goes with it whatever happens.
constexpr char kImageMount[] = "/run/trident-esp-image";

absl::Status Unpack(const Host& host, ImageStreamer& streamer, const StepRun& run,
                    const Image& image, const std::string& file) {
  TRIDENT_ASSIGN_OR_RETURN(const std::unique_ptr<BlockWriter> writer,
                           host.devices.CreateImageFile(file, kImageLimit));
  return Annotate(StreamImage(streamer, run, image, *writer).status(),
                  absl::StrCat("unpack ", image.url, " to ", file));
}

absl::Status CopyLoader(const Host& host, const RootSteps& root, const StepRun& run,
                        const std::string& file, const std::string& image) {
  TRIDENT_RETURN_IF_ERROR(host.files.MakeDirectories(image, 0700));
  TRIDENT_RETURN_IF_ERROR(host.mounts.Mount(file, image, "vfat", {"loop", "ro"}));
  TRIDENT_ASSIGN_OR_RETURN(const std::string esp, root.EspFolder(run));
  return InstallVolumeLoader(host.files, image, esp, run.plan.target.value_or(Volume::kA));
}

}  // namespace

absl::Status InstallLoaderStep(const Host& host, ImageStreamer& streamer, RootSteps& root,
                               const StepRun& run) {
  const auto& images = run.configuration.storage.images;
  const auto image = std::find_if(images.begin(), images.end(), [&](const Image& candidate) {
    return IsForSharedEsp(run.configuration, candidate);
  });
  if (image == images.end()) {
    return MakeError(absl::StatusCode::kInternal, "internal", "image-not-in-document",
                     absl::StrCat("the document has no image for '", run.step.subject, "'"));
  }
  TRIDENT_RETURN_IF_ERROR(root.Mount(run));
  TRIDENT_ASSIGN_OR_RETURN(const std::string folder,
                           ResolveBelow(host.files, root.path(), "/var/tmp"));
  TRIDENT_RETURN_IF_ERROR(host.files.MakeDirectories(folder, 01777));
  const std::string file = absl::StrCat(folder, "/trident-esp.img");
  const std::string mounted = root.path() + kImageMount;
  absl::Status done = Unpack(host, streamer, run, *image, file);
  if (done.ok()) done = CopyLoader(host, root, run, file, mounted);
  const absl::Status unmounted = host.mounts.Unmount(mounted);
  const absl::Status removed = host.files.Remove(file);
  TRIDENT_RETURN_IF_ERROR(done);
  TRIDENT_RETURN_IF_ERROR(unmounted);
  return removed;
}

}  // namespace trident
