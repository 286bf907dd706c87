#include "agent/servicing/plan.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "common/base/error.h"

namespace trident {
namespace {

using nlohmann::json;

constexpr std::array<std::pair<Phase, std::string_view>, 4> kPhases{{
    {Phase::kStage, "stage"},
    {Phase::kFinalize, "finalize"},
    {Phase::kLeave, "leave"},
    {Phase::kCommit, "commit"},
}};

constexpr std::array<std::pair<StepKind, std::string_view>, 41> kStepKinds{{
    {StepKind::kRunScript, "run-script"},
    {StepKind::kRemoveArray, "remove-array"},
    {StepKind::kWritePartitionTable, "write-partition-table"},
    {StepKind::kCreateArray, "create-array"},
    {StepKind::kEncryptVolume, "encrypt-volume"},
    {StepKind::kMakeFilesystem, "make-filesystem"},
    {StepKind::kWriteImage, "write-image"},
    {StepKind::kVerifyImage, "verify-image"},
    {StepKind::kSetIdentity, "set-identity"},
    {StepKind::kGrowFilesystem, "grow-filesystem"},
    {StepKind::kRestoreDisk, "restore-disk"},
    {StepKind::kRestoreArray, "restore-array"},
    {StepKind::kRestoreBootEntries, "restore-boot-entries"},
    {StepKind::kWaitForArrays, "wait-for-arrays"},
    {StepKind::kCheckVerity, "check-verity"},
    {StepKind::kPrepareOverlays, "prepare-overlays"},
    {StepKind::kMountNewRoot, "mount-new-root"},
    {StepKind::kInstallLoader, "install-loader"},
    {StepKind::kConfigureBoot, "configure-boot"},
    {StepKind::kWriteFstab, "write-fstab"},
    {StepKind::kConfigureRaid, "configure-raid"},
    {StepKind::kConfigureEncryption, "configure-encryption"},
    {StepKind::kConfigureNetwork, "configure-network"},
    {StepKind::kPreserveState, "preserve-state"},
    {StepKind::kConfigureOs, "configure-os"},
    {StepKind::kConfigureManagement, "configure-management"},
    {StepKind::kLabelFiles, "label-files"},
    {StepKind::kUnmountNewRoot, "unmount-new-root"},
    {StepKind::kLinkStore, "link-store"},
    {StepKind::kMoveStore, "move-store"},
    {StepKind::kCheckTarget, "check-target"},
    {StepKind::kApplyNetwork, "apply-network"},
    {StepKind::kApplyOs, "apply-os"},
    {StepKind::kTryKernelOptions, "try-kernel-options"},
    {StepKind::kPointFirmware, "point-firmware"},
    {StepKind::kLeave, "leave"},
    {StepKind::kConfirmNetwork, "confirm-network"},
    {StepKind::kApplyManagement, "apply-management"},
    {StepKind::kKeepKernelOptions, "keep-kernel-options"},
    {StepKind::kCommitBoot, "commit-boot"},
    {StepKind::kCommitOs, "commit-os"},
}};

template <typename Table, typename Value>
std::string_view NameIn(const Table& table, Value value) {
  for (const auto& [known, name] : table) {
    if (known == value) return name;
  }
  return "unknown";
}

template <typename Value, typename Table>
std::optional<Value> ValueIn(const Table& table, std::string_view text) {
  for (const auto& [value, name] : table) {
    if (name == text) return value;
  }
  return std::nullopt;
}

absl::Status Broken(std::string_view what) {
  return MakeError(absl::StatusCode::kDataLoss, "datastore", "plan-unreadable",
                   "a stored plan cannot be read: " + std::string(what),
                   "Cancel the job and submit the Host Configuration again.");
}

}  // namespace

std::string_view PhaseName(Phase phase) { return NameIn(kPhases, phase); }

std::string_view StepKindName(StepKind kind) { return NameIn(kStepKinds, kind); }

bool HasStep(const Plan& plan, StepKind kind) {
  return std::any_of(plan.steps.begin(), plan.steps.end(),
                     [kind](const Step& step) { return step.kind == kind; });
}

std::string PlanToJson(const Plan& plan) {
  json steps = json::array();
  for (const Step& step : plan.steps) {
    steps.push_back({{"id", step.id},
                     {"kind", StepKindName(step.kind)},
                     {"phase", PhaseName(step.phase)},
                     {"subject", step.subject},
                     {"description", step.description},
                     {"bytes", step.bytes}});
    if (step.fetch_bytes != 0) steps.back()["fetchBytes"] = step.fetch_bytes;
  }
  json destroyed = json::array();
  for (const Destroyed& item : plan.destroyed) {
    destroyed.push_back({{"device", item.device}, {"what", item.what}});
  }
  json document = {{"kind", ServicingKindName(plan.kind)},
                   {"steps", std::move(steps)},
                   {"bytesToFetch", plan.bytes_to_fetch},
                   {"bytesToWrite", plan.bytes_to_write},
                   {"destroyed", std::move(destroyed)},
                   {"reboots", plan.reboots},
                   {"warnings", plan.warnings},
                   {"unattendedTarget", plan.unattended_target},
                   {"digest", plan.digest}};
  if (plan.target) document["target"] = VolumeName(*plan.target);
  return document.dump(-1, ' ', false, json::error_handler_t::replace);
}

absl::StatusOr<Plan> PlanFromJson(std::string_view text) {
  const json document = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!document.is_object()) return Broken("it is not a JSON object");
  // value() throws only on a type that does not fit; the text is our own, but a disk can lie.
  try {
    Plan plan;
    const auto kind = ServicingKindFromName(document.value("kind", ""));
    if (!kind) return Broken("unknown servicing kind");
    plan.kind = *kind;
    if (document.contains("target")) {
      plan.target = VolumeFromName(document.value("target", ""));
      if (!plan.target) return Broken("unknown volume");
    }
    for (const json& item : document.value("steps", json::array())) {
      Step step;
      const auto step_kind = ValueIn<StepKind>(kStepKinds, item.value("kind", ""));
      const auto phase = ValueIn<Phase>(kPhases, item.value("phase", ""));
      // A step of a newer agent cannot be run by this one, and skipping it would be worse.
      if (!step_kind || !phase) return Broken("step '" + item.value("kind", "") + "' is unknown");
      step.id = item.value("id", "");
      step.kind = *step_kind;
      step.phase = *phase;
      step.subject = item.value("subject", "");
      step.description = item.value("description", "");
      step.bytes = item.value("bytes", uint64_t{0});
      step.fetch_bytes = item.value("fetchBytes", uint64_t{0});
      plan.steps.push_back(std::move(step));
    }
    plan.bytes_to_fetch = document.value("bytesToFetch", uint64_t{0});
    plan.bytes_to_write = document.value("bytesToWrite", uint64_t{0});
    for (const json& item : document.value("destroyed", json::array())) {
      plan.destroyed.push_back({item.value("device", ""), item.value("what", "")});
    }
    plan.reboots = document.value("reboots", false);
    plan.warnings = document.value("warnings", std::vector<std::string>{});
    plan.unattended_target = document.value("unattendedTarget", false);
    plan.digest = document.value("digest", "");
    return plan;
  } catch (const json::exception& error) {
    return Broken(error.what());
  }
}

}  // namespace trident
