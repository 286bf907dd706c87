// Steps that write an image and read it back. Contracts: Servicer::RunStep.
#ifndef TRIDENT_AGENT_SERVICING_IMAGE_STEPS_H_
#define TRIDENT_AGENT_SERVICING_IMAGE_STEPS_H_

#include <map>
#include <string>

#include "absl/status/status.h"
#include "agent/host/host.h"
#include "agent/imaging/image_probe.h"
#include "agent/imaging/image_streamer.h"
#include "agent/servicing/servicer.h"

namespace trident {

// Writes images and remembers, for the read-back that follows, what was written. A process that was
// restarted in between remembers nothing: it writes the image once more before it reads back.
class ImageSteps {
 public:
  // All must outlive this.
  ImageSteps(Host host, ImageProber& prober, ImageStreamer& streamer)
      : host_(host), prober_(prober), streamer_(streamer) {}

  absl::Status Write(const StepRun& run);
  absl::Status Verify(const StepRun& run);

 private:
  // What systemd-sysupdate wrote is compared with the image, block by block.
  absl::Status Compare(const StepRun& run, const Image& image);

  struct Written {
    std::string job_id;
    uint64_t length = 0;
    std::string checksum;
  };

  Host host_;
  ImageProber& prober_;
  ImageStreamer& streamer_;
  std::map<BlockDeviceId, Written> written_;
};

}  // namespace trident

#endif  // TRIDENT_AGENT_SERVICING_IMAGE_STEPS_H_
