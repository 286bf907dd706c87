#include "agent/servicing/os_steps.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "agent/boot/kernel_options.h"
#include "agent/boot/kernel_trial.h"
#include "agent/boot/loader.h"
#include "agent/boot/shared_esp.h"
#include "agent/hooks/script_runner.h"
#include "agent/osconfig/os_configurator.h"
#include "agent/osconfig/preserve.h"
#include "agent/osconfig/settings.h"
#include "common/base/error.h"
#include "common/config/agent_configuration.h"
#include "common/config/lookup.h"

namespace trident {
namespace {

TargetSystem::Voices VoicesOf(const StepRun& run) {
  return {.info = [&run](std::string_view message) { run.reporter.Info(message); },
          .warning = [&run](std::string_view message) { run.reporter.Warning(message); }};
}

OsConfig EarlierConfiguration(const StepRun& run) {
  return run.recorded == nullptr ? OsConfig() : run.recorded->osconfig;
}

struct RunningLoader {
  std::string esp;  // where it is mounted
  Loader loader;
  bool is_mirrored = false;
};

absl::StatusOr<RunningLoader> FindRunningLoader(const Files& files, const StepRun& run) {
  const MountPoint* const esp = FindEspMount(run.configuration);
  if (esp == nullptr) {
    return MakeError(absl::StatusCode::kFailedPrecondition, "precondition", "no-esp",
                     "osconfig.kernelCommandLine: the document mounts no EFI system partition, so "
                     "that the boot loader's configuration cannot be found",
                     "Add its mount point.");
  }
  const Volume volume = run.plan.target.value_or(Volume::kA);
  TRIDENT_ASSIGN_OR_RETURN(Loader loader, SharesEsp(run.configuration)
                                              ? FindVolumeLoader(files, esp->path, volume)
                                              : FindLoader(files, esp->path));
  const BlockDeviceId device = DeviceOn(run.configuration, esp->target_id, volume);
  return RunningLoader{esp->path, std::move(loader),
                       FindArray(run.configuration, device) != nullptr};
}

}  // namespace

bool IsLive(ServicingKind kind) {
  return kind == ServicingKind::kHotPatch || kind == ServicingKind::kNormalUpdate ||
         kind == ServicingKind::kUpdateAndReboot;
}

OsSteps::OsSteps(Host host, std::string new_root, const std::string& undo_folder)
    : host_(host), new_root_(std::move(new_root)), undo_(host.files, host.commands, undo_folder) {}

bool OsSteps::NeedsNewRoot(const StepRun& run) {
  if (IsLive(run.plan.kind)) return false;
  if (run.step.kind != StepKind::kRunScript) return true;
  return FindScript(run.configuration.scripts, run.step.subject).second !=
         ScriptStage::kPreServicing;
}

TargetSystem OsSteps::NewRootOf(const StepRun& run) {
  return TargetSystem::NewRoot(host_.files, host_.commands, new_root_, VoicesOf(run),
                               run.cancellation);
}

TargetSystem OsSteps::RunningSystem(const StepRun& run) {
  return TargetSystem::Running(host_.files, host_.commands, undo_, VoicesOf(run), run.cancellation);
}

absl::Status OsSteps::RunScript(const StepRun& run) {
  const auto [script, stage] = FindScript(run.configuration.scripts, run.step.subject);
  if (script == nullptr) {
    return MakeError(absl::StatusCode::kInternal, "internal", "no-script",
                     absl::StrCat("the document has no script scripts.", run.step.subject));
  }
  const bool is_inside = stage == ScriptStage::kPostConfigure && NeedsNewRoot(run);
  const bool is_beside = stage == ScriptStage::kPostProvision && NeedsNewRoot(run);
  const std::string name = script->name;
  const ScriptRun script_run{.script = *script,
                             .place = absl::StrCat("scripts.", run.step.subject),
                             .kind = run.plan.kind,
                             .root = is_inside ? new_root_ : "",
                             .target_root = is_beside ? new_root_ : "/",
                             .host_root_device = run.status.storage.root_device_path.value_or(""),
                             .log = [&](std::string_view line) {
                               run.reporter.Info(absl::StrCat(name, ": ", std::string(line)));
                             }};
  return trident::RunScript(host_.files, host_.commands, host_.clock, script_run, run.cancellation);
}

absl::Status OsSteps::PreserveState(const StepRun& run) {
  OsStatus& status = run.status.os;
  // A step that runs again finds its own copies: what it noted the first time counts.
  if (status.preserved_by != run.job_id) {
    status.preserve_conflicts.clear();
    status.preserved_by = run.job_id;
  }
  const auto warning = [&run](std::string_view message) { run.reporter.Warning(message); };
  for (const std::string& path : PathsToPreserve(run.configuration)) {
    TRIDENT_ASSIGN_OR_RETURN(const std::vector<std::string> conflicts,
                             PreservePath(host_.files, "/", new_root_, path, warning));
    for (const std::string& conflict : conflicts) {
      run.reporter.Warning(absl::StrCat(
          conflict, " was carried over; the image brings it with another content, which is lost"));
      std::vector<std::string>& known = status.preserve_conflicts;
      if (std::find(known.begin(), known.end(), conflict) == known.end()) {
        known.push_back(conflict);
      }
    }
    // An interruption right after the first copy must not lose what was noted.
    if (!conflicts.empty()) TRIDENT_RETURN_IF_ERROR(run.save_status());
  }
  return absl::OkStatus();
}

absl::Status OsSteps::ConfigureNewRoot(const StepRun& run) {
  EarlierOs earlier;
  if (run.plan.kind == ServicingKind::kAbUpdate) {
    TRIDENT_ASSIGN_OR_RETURN(earlier, ReadRunningAccounts(host_.files));
  }
  earlier.configuration = EarlierConfiguration(run);
  TargetSystem system = NewRootOf(run);
  return ConfigureOs(system, run.configuration.osconfig, earlier);
}

absl::Status OsSteps::LabelNewRoot(const StepRun& run) {
  TargetSystem system = NewRootOf(run);
  return LabelFiles(system);
}

absl::Status OsSteps::Apply(const StepRun& run) {
  TRIDENT_RETURN_IF_ERROR(BeginUndo(run));
  EarlierOs earlier;
  earlier.configuration = EarlierConfiguration(run);
  TargetSystem system = RunningSystem(run);
  return ConfigureOs(system, run.configuration.osconfig, earlier);
}

absl::Status OsSteps::TryKernelOptions(const StepRun& run) {
  TRIDENT_ASSIGN_OR_RETURN(const RunningLoader running, FindRunningLoader(host_.files, run));
  TRIDENT_RETURN_IF_ERROR(BeginUndo(run));
  const std::vector<std::string>& options =
      run.configuration.osconfig.kernel_command_line.extra_command_line;
  const auto save = [this](const std::string& path) { return undo_.SaveFile(path); };
  // GRUB does not write to arrays.
  if (running.loader.kind != LoaderKind::kGrub || !running.is_mirrored) {
    TRIDENT_ASSIGN_OR_RETURN(const bool is_tried,
                             PrepareKernelTrial(host_.files, host_.firmware, running.loader,
                                                running.esp, "/", options, save));
    if (is_tried) return absl::OkStatus();
  }
  run.reporter.Warning(
      "the boot loader's configuration gives no way to try the new options of the kernel in one "
      "start only: should it not come up with them, nothing falls back by itself");
  return SetKernelOptions(host_.files, running.loader, running.esp, "/", options, save);
}

absl::Status OsSteps::KeepKernelOptions(const StepRun& run) {
  TRIDENT_ASSIGN_OR_RETURN(const RunningLoader running, FindRunningLoader(host_.files, run));
  TRIDENT_RETURN_IF_ERROR(BeginUndo(run));
  TRIDENT_RETURN_IF_ERROR(
      SetKernelOptions(host_.files, running.loader, running.esp, "/",
                       run.configuration.osconfig.kernel_command_line.extra_command_line,
                       [this](const std::string& path) { return undo_.SaveFile(path); }));
  // Last: until then there is something with these options that starts.
  return EndKernelTrial(host_.files, running.loader, running.esp, "/");
}

absl::Status OsSteps::SaveFile(const StepRun& run, const std::string& path) {
  TRIDENT_RETURN_IF_ERROR(BeginUndo(run));
  return undo_.SaveFile(path);
}

absl::Status OsSteps::Commit(const StepRun& run) {
  NoteDrift(run);
  // The change is in effect and well; old copies that cannot be removed are no reason to undo it.
  if (const absl::Status forgotten = undo_.Forget(); !forgotten.ok()) {
    run.reporter.Warning(
        absl::StrCat("what would have undone the change is left behind: ", forgotten.message()));
  }
  return absl::OkStatus();
}

absl::Status OsSteps::Undo(const HostConfiguration& configuration, const Plan& plan,
                           bool& needs_reboot) {
  TRIDENT_ASSIGN_OR_RETURN(needs_reboot, IsBootedWithChange(configuration, plan));
  const absl::Status undone = undo_.Undo(RootDevice());
  const absl::Status disarmed = DisarmKernelTrial(host_.firmware);
  return undone.ok() ? disarmed : undone;
}

absl::StatusOr<bool> OsSteps::IsBootedWithChange(const HostConfiguration& configuration,
                                                 const Plan& plan) const {
  TRIDENT_ASSIGN_OR_RETURN(const std::string boot_id, undo_.BootId());
  if (boot_id.empty() || boot_id == host_.clock.BootId()) return false;
  if (!HasStep(plan, StepKind::kTryKernelOptions)) return true;
  // What else was changed, the boot may have read.
  TRIDENT_ASSIGN_OR_RETURN(const bool has_more, undo_.HoldsMoreThan([](const std::string& path) {
    return path == kDefaultAgentConfigurationPath || IsOfKernelTrial(path);
  }));
  if (has_more) return true;
  return RunsWithKernelOptions(configuration);
}

absl::StatusOr<bool> OsSteps::RunsWithKernelOptions(const HostConfiguration& configuration) const {
  TRIDENT_ASSIGN_OR_RETURN(const std::string command_line, host_.machine.KernelCommandLine());
  return RunsWithOptions(command_line,
                         configuration.osconfig.kernel_command_line.extra_command_line);
}

absl::Status OsSteps::BeginUndo(const StepRun& run) {
  return undo_.Begin(run.job_id, host_.clock.BootId(), RootDevice());
}

std::string OsSteps::RootDevice() const { return host_.machine.RootDevice().value_or(""); }

void OsSteps::NoteDrift(const StepRun& run) {
  OsStatus& status = run.status.os;
  Drift drift;
  // A new root has nothing of earlier documents.
  if (IsLive(run.plan.kind)) {
    drift = FindDrift(run.configuration.osconfig, EarlierConfiguration(run),
                      {status.unlisted_users, status.unlisted_files});
  }
  for (const std::string& user : drift.users) {
    run.reporter.Warning(
        absl::StrCat("the user ", user, " is in no document any more and stays in the system"));
  }
  for (const std::string& file : drift.files) {
    run.reporter.Warning(absl::StrCat(file, " is in no document any more and stays in the system"));
  }
  status.unlisted_users = std::move(drift.users);
  status.unlisted_files = std::move(drift.files);
}

}  // namespace trident
