// Steps that check and open verity devices. Contracts: Servicer::RunStep.
#ifndef TRIDENT_AGENT_SERVICING_VERITY_STEPS_H_
#define TRIDENT_AGENT_SERVICING_VERITY_STEPS_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "agent/boot/boot_additions.h"
#include "agent/host/host.h"
#include "agent/servicing/servicer.h"

namespace trident {

// Reads all of the step's verity device through its tree of hashes, up to the root hash of the
// document, and records it. Afterwards it is open by its staged name.
absl::Status CheckVerityStep(const Host& host, const StepRun& run);

// Opens the verity devices of the target by their staged names, those that are not open yet.
absl::Status OpenStagedVerity(const Host& host, const StepRun& run);

// Closes what OpenStagedVerity may have opened, whatever the document. OK when nothing is open.
absl::Status CloseStagedVerity(const Host& host);

// What the kernel must be told so that the initrd opens the verity devices of `volume`, and that
// the machine starts anew, hence falls back, when that fails. Pure.
absl::StatusOr<KernelParameters> VerityParameters(const HostConfiguration& configuration,
                                                  const HostStatus& status, Volume volume);

}  // namespace trident

#endif  // TRIDENT_AGENT_SERVICING_VERITY_STEPS_H_
