// Steps that work in the mounted new root. Contracts: Servicer::RunStep.
#ifndef TRIDENT_AGENT_SERVICING_ROOT_STEPS_H_
#define TRIDENT_AGENT_SERVICING_ROOT_STEPS_H_

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "agent/boot/identity.h"
#include "agent/boot/loader.h"
#include "agent/host/host.h"
#include "agent/management/runtime_configuration.h"
#include "agent/servicing/servicer.h"

namespace trident {

class RootSteps {
 public:
  // `path`: where the new root is mounted. `program`: what management.selfUpgrade copies.
  RootSteps(Host host, std::string path, std::string program, HandedOn handed_on);

  // A step that needs the new root mounts it itself, so that it can be run again after a restart.
  absl::Status Mount(const StepRun& run);
  absl::Status Unmount();

  // Makes the overlays of the target empty, and leaves nothing mounted.
  absl::Status PrepareOverlays(const StepRun& run);
  absl::Status ConfigureBoot(const StepRun& run);
  // And the unit that makes the folders of overlays in memory.
  absl::Status WriteFstab(const StepRun& run);
  // /etc/mdadm/mdadm.conf of the new root.
  absl::Status ConfigureRaid(const StepRun& run);
  // /etc/crypttab of the new root.
  absl::Status ConfigureEncryption(const StepRun& run);
  absl::Status ConfigureManagement(const StepRun& run);
  // Live: writes the runtime configuration of the running system.
  absl::Status ApplyManagement(const StepRun& run);
  // Copies the store into the new root and leaves nothing mounted.
  absl::Status CarryStore(const StepRun& run);

  // The loader of the target, which is mounted for that.
  absl::StatusOr<Loader> TargetLoader(const StepRun& run);
  // Puts the kernel of the target into memory, for kexec.
  absl::Status LoadTargetKernel(const StepRun& run);

  const std::string& path() const { return path_; }
  // Where the ESP of the target is mounted below the new root.
  absl::StatusOr<std::string> EspFolder(const StepRun& run) const;

 private:
  // What the next runtime configuration takes over from the present one.
  HandedOn HandedOnNow(const StepRun& run) const;
  // How the target finds its root and what else its boot entries need. Writes the initrd that
  // mounts overlays to the ESP.
  absl::StatusOr<RootIdentity> PrepareIdentity(const StepRun& run, const std::string& esp);
  Host host_;
  std::string path_;  // where the new root is mounted
  std::string program_;
  HandedOn handed_on_;
};

}  // namespace trident

#endif  // TRIDENT_AGENT_SERVICING_ROOT_STEPS_H_
