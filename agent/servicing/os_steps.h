// Steps that configure the operating system, run scripts and carry state over; and the way back
// from a live change. Contracts: Servicer::RunStep. Those of the new root need it mounted.
#ifndef TRIDENT_AGENT_SERVICING_OS_STEPS_H_
#define TRIDENT_AGENT_SERVICING_OS_STEPS_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "agent/host/host.h"
#include "agent/osconfig/target_system.h"
#include "agent/servicing/servicer.h"
#include "agent/undo/undo_journal.h"

namespace trident {

// The kinds that change the running system instead of writing another one.
bool IsLive(ServicingKind kind);

class OsSteps {
 public:
  // `new_root`: where it is mounted. `undo_folder`: of the undo journal, beside the store.
  OsSteps(Host host, std::string new_root, const std::string& undo_folder);

  // Whether the step runs in the new root or on its files.
  static bool NeedsNewRoot(const StepRun& run);

  absl::Status RunScript(const StepRun& run);
  absl::Status PreserveState(const StepRun& run);
  absl::Status ConfigureNewRoot(const StepRun& run);
  absl::Status LabelNewRoot(const StepRun& run);

  // Live.
  absl::Status Apply(const StepRun& run);
  // The next start tries the new options of the kernel; after it they are kept.
  absl::Status TryKernelOptions(const StepRun& run);
  absl::Status KeepKernelOptions(const StepRun& run);
  // Before another step changes a file of the running system.
  absl::Status SaveFile(const StepRun& run, const std::string& path);
  absl::Status Commit(const StepRun& run);
  // The running kernel was started with the options that `configuration` wants.
  absl::StatusOr<bool> RunsWithKernelOptions(const HostConfiguration& configuration) const;
  // Undoes what a live job has done so far. `needs_reboot` is set when the host was booted with it.
  absl::Status Undo(const HostConfiguration& configuration, const Plan& plan, bool& needs_reboot);

  // Notes in the status what of earlier documents is left in the system that was accepted.
  static void NoteDrift(const StepRun& run);

 private:
  TargetSystem NewRootOf(const StepRun& run);
  TargetSystem RunningSystem(const StepRun& run);
  absl::Status BeginUndo(const StepRun& run);
  // There was a boot since the change began, and something of it counts from a boot on.
  absl::StatusOr<bool> IsBootedWithChange(const HostConfiguration& configuration,
                                          const Plan& plan) const;
  // Empty in a ramdisk.
  std::string RootDevice() const;

  Host host_;
  const std::string new_root_;
  UndoJournal undo_;
};

}  // namespace trident

#endif  // TRIDENT_AGENT_SERVICING_OS_STEPS_H_
