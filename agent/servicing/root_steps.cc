#include "agent/servicing/root_steps.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "agent/boot/boot_entries.h"
#include "agent/boot/identity.h"
#include "agent/boot/initrd_archive.h"
#include "agent/boot/kernel_options.h"
#include "agent/boot/loader.h"
#include "agent/boot/shared_esp.h"
#include "agent/management/target_agent.h"
#include "agent/servicing/encryption_steps.h"
#include "agent/servicing/storage_steps.h"
#include "agent/servicing/verity_steps.h"
#include "agent/storage/fstab.h"
#include "agent/storage/initrd_units.h"
#include "agent/storage/mount_target.h"
#include "agent/storage/new_root.h"
#include "agent/storage/overlay.h"
#include "agent/storage/raid.h"
#include "agent/storage/tool.h"
#include "agent/storage/uuid.h"
#include "common/base/error.h"
#include "common/config/document.h"
#include "common/config/lookup.h"
#include "common/config/path.h"

namespace trident {
namespace {

// Units of the administrator, in a system and in an initrd.
constexpr char kUnitFolder[] = "/etc/systemd/system";

// The initrd that mounts overlays, on the ESP: beside the loader of the volume when both share it.
std::string OverlayInitrd(const StepRun& run, Volume volume) {
  return SharesEsp(run.configuration)
             ? absl::StrCat("/EFI/", BootEntryLabel(volume), "/overlays.img")
             : "/trident/overlays.img";
}

Volume TargetOf(const StepRun& run) { return run.plan.target.value_or(Volume::kA); }

absl::StatusOr<RootIdentity> IdentityOf(const StepRun& run) {
  const MountPoint* root = FindMount(run.configuration, "/");
  if (root == nullptr) {
    return MakeError(absl::StatusCode::kInternal, "internal", "no-root",
                     "the document mounts nothing at /");
  }
  const BlockDeviceId id = DeviceOn(run.configuration, root->target_id, TargetOf(run));
  TRIDENT_ASSIGN_OR_RETURN(const RecordedDevice device, DeviceOf(run.status, id));
  RootIdentity identity;
  if (FindVerity(run.configuration, root->target_id) != nullptr) {
    // Its UUID, which both volumes share, cannot be changed, and need not be.
    identity.device = device.path;
  } else {
    identity.old_filesystem_uuid = device.contents.image_filesystem_uuid;
    identity.new_filesystem_uuid = FilesystemUuidOf(run.job_id, id);
    identity.partition_uuid = device.partition_uuid;
  }
  for (const Step& step : run.plan.steps) {
    if (step.kind != StepKind::kSetIdentity || step.subject == id) continue;
    TRIDENT_ASSIGN_OR_RETURN(const RecordedDevice other, DeviceOf(run.status, step.subject));
    // A vfat volume id is no UUID; nothing in a boot configuration names it.
    if (!IsUuid(other.contents.image_filesystem_uuid)) continue;
    identity.further_filesystem_uuids.emplace_back(other.contents.image_filesystem_uuid,
                                                   FilesystemUuidOf(run.job_id, step.subject));
  }
  return identity;
}

}  // namespace

RootSteps::RootSteps(Host host, std::string path, std::string program, HandedOn handed_on)
    : host_(host),
      path_(std::move(path)),
      program_(std::move(program)),
      handed_on_(std::move(handed_on)) {}

absl::Status RootSteps::Mount(const StepRun& run) {
  TRIDENT_RETURN_IF_ERROR(OpenStagedVerity(host_, run));
  TRIDENT_ASSIGN_OR_RETURN(std::vector<MountTarget> targets,
                           MountTargets(run.configuration, run.status, TargetOf(run)));
  return NewRoot(host_.files, host_.mounts, std::move(targets), path_,
                 OverlayTargets(run.configuration, TargetOf(run)))
      .EnsureMounted();
}

absl::Status RootSteps::Unmount() {
  TRIDENT_RETURN_IF_ERROR(NewRoot(host_.files, host_.mounts, {}, path_).UnmountAll());
  return CloseStagedVerity(host_);
}

absl::Status RootSteps::PrepareOverlays(const StepRun& run) {
  TRIDENT_RETURN_IF_ERROR(OpenStagedVerity(host_, run));
  const std::vector<OverlayTarget> overlays = OverlayTargets(run.configuration, TargetOf(run));
  TRIDENT_ASSIGN_OR_RETURN(std::vector<MountTarget> targets,
                           MountTargets(run.configuration, run.status, TargetOf(run)));
  // What is mounted on an overlay need not have a folder below it.
  std::erase_if(targets, [&](const MountTarget& target) {
    return std::any_of(overlays.begin(), overlays.end(), [&](const OverlayTarget& overlay) {
      return target.path.starts_with("/") && IsAtOrBelow(target.path, overlay.path);
    });
  });
  TRIDENT_RETURN_IF_ERROR(
      NewRoot(host_.files, host_.mounts, std::move(targets), path_).EnsureMounted());
  TRIDENT_RETURN_IF_ERROR(EmptyOverlays(host_.files, overlays, path_));
  for (const OverlayTarget& overlay : overlays) {
    if (!overlay.persistent) continue;
    TRIDENT_ASSIGN_OR_RETURN(const std::string lower,
                             ResolveBelow(host_.files, path_, overlay.path));
    if (!host_.files.IsDirectory(lower)) {
      return MakeError(absl::StatusCode::kFailedPrecondition, "storage", "no-overlay-folder",
                       absl::StrCat("the new system has no folder ", overlay.path,
                                    ", which an overlay is to be mounted on"),
                       "Make the folder in the image, or remove the overlay.");
    }
    // The overlay shows mode and owner of its own folder, not those of what is below it.
    for (const char* program : {"chown", "chmod"}) {
      TRIDENT_RETURN_IF_ERROR(RunOrFail(host_.commands,
                                        {program, absl::StrCat("--reference=", lower),
                                         absl::StrCat(path_, overlay.Upper())},
                                        "coreutils", "overlay-folder",
                                        absl::StrCat("give the overlay ", overlay.path,
                                                     " the mode and owner of what "
                                                     "is below it"),
                                        &run.cancellation)
                                  .status());
    }
  }
  return NewRoot(host_.files, host_.mounts, {}, path_).UnmountAll();
}

absl::StatusOr<RootIdentity> RootSteps::PrepareIdentity(const StepRun& run,
                                                        const std::string& esp) {
  TRIDENT_ASSIGN_OR_RETURN(RootIdentity identity, IdentityOf(run));
  TRIDENT_ASSIGN_OR_RETURN(identity.additions.parameters,
                           VerityParameters(run.configuration, run.status, TargetOf(run)));
  TRIDENT_ASSIGN_OR_RETURN(const std::vector<MountTarget> mounts,
                           MountTargets(run.configuration, run.status, TargetOf(run)));
  TRIDENT_ASSIGN_OR_RETURN(const std::vector<InitrdUnit> units,
                           InitrdUnits(OverlayTargets(run.configuration, TargetOf(run)), mounts));
  if (units.empty()) return identity;
  InitrdArchive archive;
  for (const InitrdUnit& unit : units) {
    archive.AddFile(absl::StrCat(kUnitFolder, "/", unit.name), unit.text);
    archive.AddLink(absl::StrCat(kUnitFolder, "/initrd-root-fs.target.requires/", unit.name),
                    absl::StrCat("../", unit.name));
  }
  identity.additions.first_initrd = OverlayInitrd(run, TargetOf(run));
  const std::string path = esp + identity.additions.first_initrd;
  TRIDENT_RETURN_IF_ERROR(host_.files.MakeDirectories(path.substr(0, path.rfind('/')), 0755));
  TRIDENT_RETURN_IF_ERROR(
      Annotate(host_.files.Write(path, archive.Finish(), 0644),
               "write the initrd that mounts the overlays to the EFI system partition"));
  return identity;
}

absl::StatusOr<std::string> RootSteps::EspFolder(const StepRun& run) const {
  const MountPoint* esp = FindEspMount(run.configuration);
  if (esp == nullptr) {
    return MakeError(absl::StatusCode::kInternal, "internal", "no-esp",
                     "the document mounts no EFI system partition");
  }
  return absl::StrCat(path_, esp->path);
}

absl::Status RootSteps::ConfigureBoot(const StepRun& run) {
  TRIDENT_RETURN_IF_ERROR(Mount(run));
  TRIDENT_ASSIGN_OR_RETURN(const std::string esp, EspFolder(run));
  TRIDENT_ASSIGN_OR_RETURN(const Loader loader, TargetLoader(run));
  TRIDENT_ASSIGN_OR_RETURN(const RootIdentity identity, PrepareIdentity(run, esp));
  TRIDENT_RETURN_IF_ERROR(RewriteRootIdentity(host_.files, loader, esp, path_, identity));
  TRIDENT_RETURN_IF_ERROR(
      SetKernelOptions(host_.files, loader, esp, path_,
                       run.configuration.osconfig.kernel_command_line.extra_command_line,
                       [](const std::string&) { return absl::OkStatus(); }));
  TRIDENT_RETURN_IF_ERROR(CheckBootFiles(host_.files, loader, esp, path_, identity));
  run.reporter.Info(absl::StrCat("the target is started by ",
                                 std::string(LoaderKindName(loader.kind)), ", ", loader.file));
  TRIDENT_ASSIGN_OR_RETURN(const std::vector<std::string> lines,
                           KernelCommandLines(host_.files, loader, esp, path_));
  for (const std::string& line : lines) {
    if (HasPanicTimeout(line) || host_.machine.HasWatchdog()) continue;
    run.reporter.Warning(absl::StrCat(
        "the new system would not fall back by itself if its kernel panicked: its command line '",
        line, "' has no panic= and there is no watchdog"));
  }
  return absl::OkStatus();
}

absl::StatusOr<Loader> RootSteps::TargetLoader(const StepRun& run) {
  TRIDENT_RETURN_IF_ERROR(Mount(run));
  TRIDENT_ASSIGN_OR_RETURN(const std::string esp, EspFolder(run));
  return SharesEsp(run.configuration) ? FindVolumeLoader(host_.files, esp, TargetOf(run))
                                      : FindLoader(host_.files, esp);
}

absl::Status RootSteps::LoadTargetKernel(const StepRun& run) {
  TRIDENT_ASSIGN_OR_RETURN(const Loader loader, TargetLoader(run));
  TRIDENT_ASSIGN_OR_RETURN(const std::string esp, EspFolder(run));
  TRIDENT_ASSIGN_OR_RETURN(const KernelToStart kernel,
                           DefaultKernel(host_.files, loader, esp, path_));
  return host_.machine.LoadKernel(kernel);
}

absl::Status RootSteps::WriteFstab(const StepRun& run) {
  TRIDENT_RETURN_IF_ERROR(Mount(run));
  TRIDENT_ASSIGN_OR_RETURN(const std::string text,
                           MakeFstab(run.configuration, run.status, TargetOf(run)));
  TRIDENT_ASSIGN_OR_RETURN(const std::string path, ResolveBelow(host_.files, path_, "/etc/fstab"));
  TRIDENT_RETURN_IF_ERROR(Annotate(host_.files.Write(path, text, 0644), "write /etc/fstab"));
  const std::string unit = VolatileOverlaysUnit(OverlayTargets(run.configuration, TargetOf(run)));
  if (!unit.empty()) {
    TRIDENT_ASSIGN_OR_RETURN(const std::string folder,
                             ResolveBelow(host_.files, path_, kUnitFolder));
    TRIDENT_RETURN_IF_ERROR(host_.files.MakeDirectories(folder, 0755));
    TRIDENT_RETURN_IF_ERROR(
        host_.files.Write(absl::StrCat(folder, "/", kVolatileOverlaysUnit), unit, 0644));
  }
  run.status.storage.mount_points.clear();
  for (const MountPoint& mount : run.configuration.storage.mount_points) {
    run.status.storage.mount_points[mount.target_id] = {mount.path, mount.filesystem,
                                                        mount.options};
  }
  return absl::OkStatus();
}

absl::Status RootSteps::ConfigureRaid(const StepRun& run) {
  TRIDENT_RETURN_IF_ERROR(Mount(run));
  std::vector<RaidArrayStatus> arrays;
  for (const auto& [id, array] : run.status.storage.raid_arrays) arrays.push_back(array);
  TRIDENT_ASSIGN_OR_RETURN(const std::string folder,
                           ResolveBelow(host_.files, path_, "/etc/mdadm"));
  TRIDENT_RETURN_IF_ERROR(host_.files.MakeDirectories(folder, 0755));
  TRIDENT_ASSIGN_OR_RETURN(const std::string path,
                           ResolveBelow(host_.files, path_, "/etc/mdadm/mdadm.conf"));
  return Annotate(host_.files.Write(path, FormatMdadmConf(arrays), 0644),
                  "write /etc/mdadm/mdadm.conf");
}

absl::Status RootSteps::ConfigureEncryption(const StepRun& run) {
  TRIDENT_RETURN_IF_ERROR(Mount(run));
  TRIDENT_ASSIGN_OR_RETURN(const std::string text,
                           MakeCrypttab(host_, run.configuration, run.status));
  TRIDENT_ASSIGN_OR_RETURN(const std::string path,
                           ResolveBelow(host_.files, path_, "/etc/crypttab"));
  return Annotate(host_.files.Write(path, text, 0644), "write /etc/crypttab");
}

HandedOn RootSteps::HandedOnNow(const StepRun& run) const {
  HandedOn handed_on = handed_on_;
  if (run.recorded == nullptr) return handed_on;
  // Since this agent started a live change may have put an address of its document in the place of
  // the one that was handed on. Whether it did must not depend on when the agent was restarted.
  const auto text = host_.files.Read(kDefaultAgentConfigurationPath);
  if (!text.ok()) return handed_on;
  const auto present = ParseAgentConfiguration(*text);
  if (present.ok()) handed_on.phonehome = HandedOnBy(*present).phonehome;
  return handed_on;
}

absl::Status RootSteps::ConfigureManagement(const StepRun& run) {
  TRIDENT_RETURN_IF_ERROR(Mount(run));
  if (run.configuration.management.self_upgrade) {
    TRIDENT_RETURN_IF_ERROR(UpgradeTargetAgent(host_.files, path_, program_));
    run.reporter.Warning(
        "the agent of the image was replaced by the running one "
        "(management.selfUpgrade)");
  }
  TRIDENT_ASSIGN_OR_RETURN(const StoreRange range,
                           InspectTargetAgent(host_.files, host_.commands, path_));
  TRIDENT_RETURN_IF_ERROR(run.record_target_range(range));
  TRIDENT_RETURN_IF_ERROR(CopyHandedOnFiles(host_.files, path_, handed_on_));
  TRIDENT_RETURN_IF_ERROR(WriteRuntimeConfiguration(
      host_.files, path_, MakeRuntimeConfiguration(run.configuration, HandedOnNow(run))));
  run.status.management.datastore_path = DatastorePathOf(run.configuration);
  return absl::OkStatus();
}

absl::Status RootSteps::ApplyManagement(const StepRun& run) {
  return WriteRuntimeConfiguration(host_.files, "/",
                                   MakeRuntimeConfiguration(run.configuration, HandedOnNow(run)));
}

absl::Status RootSteps::CarryStore(const StepRun& run) {
  TRIDENT_RETURN_IF_ERROR(Mount(run));
  TRIDENT_ASSIGN_OR_RETURN(const std::string path,
                           ResolveBelow(host_.files, path_, DatastorePathOf(run.configuration)));
  const std::string folder = path.substr(0, path.rfind('/'));
  TRIDENT_RETURN_IF_ERROR(host_.files.MakeDirectories(folder, 0700));
  TRIDENT_RETURN_IF_ERROR(
      Annotate(run.copy_store(path), absl::StrCat("carry the store to ", path)));
  TRIDENT_RETURN_IF_ERROR(host_.files.SyncFileSystem(folder));
  return Unmount();
}

}  // namespace trident
