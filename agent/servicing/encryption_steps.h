// Steps that make encrypted volumes. Contracts: Servicer::RunStep.
#ifndef TRIDENT_AGENT_SERVICING_ENCRYPTION_STEPS_H_
#define TRIDENT_AGENT_SERVICING_ENCRYPTION_STEPS_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "agent/host/host.h"
#include "agent/servicing/servicer.h"

namespace trident {

// Makes the step's encrypted volume, lets the recovery key and the TPM open it as the document
// says, opens it and records it in the status. A volume that is only swap is just recorded: it has
// no header and gets a fresh key at every boot.
absl::Status EncryptVolumeStep(const Host& host, const StepRun& run);

// /etc/crypttab of the host: which volumes there are and what opens them.
absl::StatusOr<std::string> MakeCrypttab(const Host& host, const HostConfiguration& configuration,
                                         const HostStatus& status);

// Closes the volumes of an installation that is given up, so that its disks are free again.
absl::Status CloseVolumes(const Host& host, const HostStatus& status);

}  // namespace trident

#endif  // TRIDENT_AGENT_SERVICING_ENCRYPTION_STEPS_H_
