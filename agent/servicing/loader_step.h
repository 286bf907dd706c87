// The step that fills a volume's part of an EFI system partition which both volumes share.
#ifndef TRIDENT_AGENT_SERVICING_LOADER_STEP_H_
#define TRIDENT_AGENT_SERVICING_LOADER_STEP_H_

#include "absl/status/status.h"
#include "agent/host/host.h"
#include "agent/imaging/image_streamer.h"
#include "agent/servicing/root_steps.h"
#include "agent/servicing/servicer.h"

namespace trident {

// Unpacks the ESP image to a temporary file in the new root, at most 1 GiB, looks into it, copies
// the boot loader, and removes the file. Contract: Servicer::RunStep.
absl::Status InstallLoaderStep(const Host& host, ImageStreamer& streamer, RootSteps& root,
                               const StepRun& run);

}  // namespace trident

#endif  // TRIDENT_AGENT_SERVICING_LOADER_STEP_H_
