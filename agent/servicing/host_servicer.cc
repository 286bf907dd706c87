#include "agent/servicing/host_servicer.h"

#include "absl/strings/str_cat.h"
#include "agent/boot/boot_entries.h"
#include "agent/boot/booted_volume.h"
#include "agent/boot/shared_esp.h"
#include "agent/servicing/boot_steps.h"
#include "agent/servicing/encryption_steps.h"
#include "agent/servicing/health.h"
#include "agent/servicing/image_steps.h"
#include "agent/servicing/loader_step.h"
#include "agent/servicing/network_steps.h"
#include "agent/servicing/observer.h"
#include "agent/servicing/os_steps.h"
#include "agent/servicing/planner.h"
#include "agent/servicing/raid_steps.h"
#include "agent/servicing/root_steps.h"
#include "agent/servicing/storage_steps.h"
#include "agent/servicing/store_move.h"
#include "agent/servicing/verity_steps.h"
#include "common/base/error.h"
#include "common/config/lookup.h"

namespace trident {
namespace {

class HostServicer : public Servicer {
 public:
  HostServicer(Host host, ImageProber& prober, ImageStreamer& streamer,
               const HostServicerOptions& options)
      : host_(host),
        prober_(prober),
        streamer_(streamer),
        images_(host, prober, streamer),
        root_(host, options.new_root, options.program, options.handed_on),
        network_(host, options.new_root, options.live_network),
        os_(host, options.new_root, options.undo_folder),
        dangerous_options_(options.handed_on.dangerous_options),
        boot_limit_(options.boot_limit) {}

  absl::StatusOr<Plan> MakePlan(const HostConfiguration& desired, const Recorded& recorded,
                                bool force, const Cancellation& cancellation) override {
    TRIDENT_ASSIGN_OR_RETURN(Observation observed,
                             ObserveMachine(host_, prober_, desired, recorded, cancellation));
    observed.dangerous_options = dangerous_options_;
    return trident::MakePlan(desired, recorded, observed, force);
  }

  absl::Status Refresh(const Recorded& recorded, HostStatus& status) override {
    const absl::StatusOr<std::string> root = host_.machine.RootDevice();
    if (root.ok()) {
      status.storage.root_device_path = *root;
    } else {
      status.storage.root_device_path.reset();
    }
    RefreshArrays(host_, status);
    if (!recorded.configuration || !status.storage.ab_update) return absl::OkStatus();
    TRIDENT_ASSIGN_OR_RETURN(
        const BootedVolume booted,
        FindBootedVolume(host_.files, host_.machine, *recorded.configuration, status));
    switch (booted) {
      case BootedVolume::kA:
        status.storage.ab_update->active_volume = Volume::kA;
        break;
      case BootedVolume::kB:
        status.storage.ab_update->active_volume = Volume::kB;
        break;
      case BootedVolume::kNeither:
        status.storage.ab_update->active_volume.reset();
        break;
    }
    return absl::OkStatus();
  }

  std::vector<std::string> Watch(HostStatus& status) override {
    return RefreshArrays(host_, status);
  }

  absl::Status RunStep(const StepRun& run) override {
    switch (run.step.kind) {
      case StepKind::kRemoveArray:
        return RemoveArrayStep(host_, run);
      case StepKind::kCreateArray:
        return CreateArrayStep(host_, run);
      case StepKind::kRestoreDisk:
        return RestoreDiskStep(host_, run);
      case StepKind::kRestoreArray:
        return RestoreArrayStep(host_, run);
      case StepKind::kRestoreBootEntries:
        return RestoreBootEntriesStep(host_, run);
      case StepKind::kWaitForArrays:
        return WaitForArraysStep(host_, run);
      case StepKind::kEncryptVolume:
        return EncryptVolumeStep(host_, run);
      case StepKind::kConfigureEncryption:
        return root_.ConfigureEncryption(run);
      case StepKind::kConfigureRaid:
        return root_.ConfigureRaid(run);
      case StepKind::kWritePartitionTable:
        return WritePartitionTable(host_, run);
      case StepKind::kMakeFilesystem:
        return MakeFilesystemStep(host_, run);
      case StepKind::kWriteImage:
        return images_.Write(run);
      case StepKind::kVerifyImage:
        return images_.Verify(run);
      case StepKind::kSetIdentity:
        return SetIdentityStep(host_, run);
      case StepKind::kGrowFilesystem:
        return GrowFilesystemStep(host_, run);
      case StepKind::kInstallLoader:
        return InstallLoaderStep(host_, streamer_, root_, run);
      case StepKind::kCheckVerity:
        return CheckVerityStep(host_, run);
      case StepKind::kPrepareOverlays:
        return root_.PrepareOverlays(run);
      case StepKind::kMountNewRoot:
        return root_.Mount(run);
      case StepKind::kConfigureBoot:
        return root_.ConfigureBoot(run);
      case StepKind::kWriteFstab:
        return root_.WriteFstab(run);
      case StepKind::kConfigureNetwork:
        TRIDENT_RETURN_IF_ERROR(root_.Mount(run));
        return network_.Configure(run);
      case StepKind::kApplyNetwork:
        return network_.Apply(run);
      case StepKind::kConfirmNetwork:
        return network_.Confirm(run);
      case StepKind::kRunScript:
        return OnNewRoot(run, &OsSteps::RunScript);
      case StepKind::kPreserveState:
        return OnNewRoot(run, &OsSteps::PreserveState);
      case StepKind::kConfigureOs:
        return OnNewRoot(run, &OsSteps::ConfigureNewRoot);
      case StepKind::kLabelFiles:
        return OnNewRoot(run, &OsSteps::LabelNewRoot);
      case StepKind::kApplyOs:
        return os_.Apply(run);
      case StepKind::kTryKernelOptions:
        return os_.TryKernelOptions(run);
      case StepKind::kKeepKernelOptions:
        return os_.KeepKernelOptions(run);
      case StepKind::kLinkStore:
        if (IsLive(run.plan.kind)) {
          TRIDENT_RETURN_IF_ERROR(
              os_.SaveFile(run, FirstMissing(host_.files, DatastorePathOf(run.configuration))));
        }
        return LinkStoreStep(host_, run);
      case StepKind::kMoveStore:
        return MoveStoreStep(run);
      case StepKind::kCommitOs:
        return os_.Commit(run);
      case StepKind::kConfigureManagement:
        return root_.ConfigureManagement(run);
      case StepKind::kUnmountNewRoot:
        return root_.Unmount();
      case StepKind::kCheckTarget:
        return CheckTargetStep(host_, run);
      case StepKind::kApplyManagement:
        TRIDENT_RETURN_IF_ERROR(os_.SaveFile(run, kDefaultAgentConfigurationPath));
        return root_.ApplyManagement(run);
      case StepKind::kPointFirmware:
        return PointFirmwareStep(host_, root_, run);
      case StepKind::kLeave:
        // An update's store is on a volume that both systems use; an installation's is in the
        // ramdisk and would be lost.
        if (run.plan.kind == ServicingKind::kCleanInstall && !run.plan.unattended_target) {
          TRIDENT_RETURN_IF_ERROR(root_.CarryStore(run));
        }
        // A volume that is booted again gets its new options from its boot loader.
        return run.configuration.management.transition == Transition::kKexec &&
                       !IsLive(run.plan.kind)
                   ? host_.machine.RebootIntoKernel()
                   : Reboot();
      case StepKind::kCommitBoot:
        OsSteps::NoteDrift(run);
        return CommitBootStep(host_, run);
    }
    return MakeError(absl::StatusCode::kInternal, "internal", "unknown-step",
                     absl::StrCat("no subsystem runs the step '", run.step.id, "'"));
  }

  absl::Status CleanUp(const Recorded& recorded) override {
    TRIDENT_RETURN_IF_ERROR(root_.Unmount());
    // The volumes of an installed host are in use, or are what the other volume consists of.
    return recorded.configuration ? absl::OkStatus() : CloseVolumes(host_, recorded.status);
  }

  absl::StatusOr<BootFinding> InspectBoot(const HostConfiguration& configuration, const Plan& plan,
                                          const HostStatus& status) override {
    TRIDENT_ASSIGN_OR_RETURN(const BootedVolume booted,
                             FindBootedVolume(host_.files, host_.machine, configuration, status));
    BootFinding finding;
    if (booted == BootedVolume::kNeither) {
      finding.booted = host_.machine.RootDevice().value_or("a ramdisk");
      return finding;
    }
    const Volume volume = booted == BootedVolume::kA ? Volume::kA : Volume::kB;
    finding.booted = std::string(VolumeName(volume));
    finding.target_booted = volume == plan.target.value_or(Volume::kA);
    if (!HasStep(plan, StepKind::kTryKernelOptions)) return finding;
    TRIDENT_ASSIGN_OR_RETURN(const bool has_options, os_.RunsWithKernelOptions(configuration));
    finding.lacks_options = !has_options;
    return finding;
  }

  absl::Status CheckHealth(const HostConfiguration& configuration, const Plan& plan,
                           const HostStatus& status, const Cancellation& cancellation) override {
    // A live change has no target: what is checked is the system that runs.
    if (!plan.target) return absl::OkStatus();
    return CheckSystemHealth(host_, configuration, status, *plan.target, boot_limit_, cancellation);
  }

  absl::Status RollBack(const HostConfiguration& configuration, const Plan& plan,
                        const HostStatus& status, bool& needs_reboot) override {
    needs_reboot = false;
    TRIDENT_RETURN_IF_ERROR(root_.Unmount());
    const absl::Status network = network_.Undo(configuration);
    // One that fails is no reason to leave the other undone.
    const absl::Status os =
        IsLive(plan.kind) ? os_.Undo(configuration, plan, needs_reboot) : absl::OkStatus();
    TRIDENT_RETURN_IF_ERROR(network);
    if (IsLive(plan.kind)) return os;
    if (!plan.target || !status.storage.ab_update) return absl::OkStatus();
    TRIDENT_ASSIGN_OR_RETURN(const BootFinding finding, InspectBoot(configuration, plan, status));
    needs_reboot = finding.target_booted;
    TRIDENT_RETURN_IF_ERROR(UndoFirmware(host_.firmware, OtherVolume(*plan.target)));
    return SharesEsp(configuration) ? DisarmVolumeEntry(host_.firmware) : absl::OkStatus();
  }

  absl::Status Reboot() override { return host_.machine.Reboot(); }

 private:
  // The step mounts the new root itself when it needs it, so that it can be run again.
  absl::Status OnNewRoot(const StepRun& run, absl::Status (OsSteps::*step)(const StepRun&)) {
    if (OsSteps::NeedsNewRoot(run)) TRIDENT_RETURN_IF_ERROR(root_.Mount(run));
    return (os_.*step)(run);
  }

  Host host_;
  ImageProber& prober_;
  ImageStreamer& streamer_;
  ImageSteps images_;
  RootSteps root_;
  NetworkSteps network_;
  OsSteps os_;
  bool dangerous_options_;
  std::chrono::seconds boot_limit_;
};

}  // namespace

std::unique_ptr<Servicer> MakeHostServicer(Host host, ImageProber& prober, ImageStreamer& streamer,
                                           const HostServicerOptions& options) {
  return std::make_unique<HostServicer>(host, prober, streamer, options);
}

}  // namespace trident
