#include "agent/servicing/encryption_steps.h"

#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "agent/host/secret.h"
#include "agent/servicing/storage_steps.h"
#include "agent/storage/crypttab.h"
#include "agent/storage/recovery_key.h"
#include "agent/storage/uuid.h"
#include "common/base/error.h"
#include "common/config/lookup.h"

namespace trident {
namespace {

// As long as the volume key, so that trying it is no shorter way.
constexpr size_t kTemporaryKeySize = 64;

// Formats the device and lets what the document names open it. Gives the key that does so now.
absl::StatusOr<Secret> MakeVolume(const Host& host, const StepRun& run,
                                  const EncryptionSettings& settings, const std::string& device,
                                  const std::string& uuid) {
  Secret key;
  if (settings.recovery_key_url) {
    TRIDENT_ASSIGN_OR_RETURN(key, ReadRecoveryKey(host.files, *settings.recovery_key_url));
  } else {
    TRIDENT_ASSIGN_OR_RETURN(key, Secret::Random(kTemporaryKeySize));
  }
  TRIDENT_RETURN_IF_ERROR(host.encryption.Format(device, uuid, run.step.subject, key));
  const bool with_tpm2 = settings.tpm2 == Tpm2Use::kRequired ||
                         (settings.tpm2 == Tpm2Use::kPreferred && host.encryption.HasTpm2());
  if (with_tpm2) {
    TRIDENT_RETURN_IF_ERROR(
        host.encryption.EnrolTpm2(device, PcrsOf(settings), key, &run.cancellation));
  } else if (settings.tpm2 == Tpm2Use::kPreferred) {
    run.reporter.Warning(absl::StrCat("this machine has no TPM 2.0: '", run.step.subject,
                                      "' opens with its recovery key only, so that somebody has "
                                      "to type it at every boot"));
  }
  return key;
}

}  // namespace

absl::Status EncryptVolumeStep(const Host& host, const StepRun& run) {
  const EncryptedVolume* volume = FindEncryptedVolume(run.configuration, run.step.subject);
  if (volume == nullptr) {
    return MakeError(absl::StatusCode::kInternal, "internal", "volume-not-in-document",
                     absl::StrCat("the document has no encrypted volume '", run.step.subject, "'"));
  }
  TRIDENT_ASSIGN_OR_RETURN(const RecordedDevice target, DeviceOf(run.status, volume->target_id));
  EncryptedVolumeStatus& status = run.status.storage.encrypted_volumes[volume->id];
  status = {.device_name = volume->device_name,
            .target_path = target.path,
            .size = target.size,
            .contents = {}};
  TRIDENT_RETURN_IF_ERROR(run.save_status());
  if (HoldsOnlySwap(run.configuration.storage, volume->id)) return absl::OkStatus();
  // What an interruption left open: the plan saw that nobody else has the name.
  TRIDENT_RETURN_IF_ERROR(host.encryption.Deactivate(volume->device_name));
  TRIDENT_RETURN_IF_ERROR(host.devices.OpenForWriting(target.path).status());
  const EncryptionSettings& settings = *run.configuration.storage.encryption;
  TRIDENT_ASSIGN_OR_RETURN(const Secret key,
                           MakeVolume(host, run, settings, target.path,
                                      DeriveUuid(run.job_id, "encryption/" + volume->id)));
  TRIDENT_RETURN_IF_ERROR(host.encryption.Activate(target.path, volume->device_name, key));
  const std::string opened = absl::StrCat("/dev/mapper/", volume->device_name);
  TRIDENT_RETURN_IF_ERROR(host.devices.WaitForPath(opened));
  if (!settings.recovery_key_url) {
    // Only the TPM opens it from now on: nobody knows the key that it was made with.
    TRIDENT_ASSIGN_OR_RETURN(const int slot, host.encryption.CheckKey(target.path, key));
    TRIDENT_RETURN_IF_ERROR(host.encryption.RemoveKeySlot(target.path, slot));
  }
  TRIDENT_ASSIGN_OR_RETURN(status.size, host.devices.Size(opened));
  status.contents.kind = Contents::Kind::kInitialized;
  return absl::OkStatus();
}

absl::StatusOr<std::string> MakeCrypttab(const Host& host, const HostConfiguration& configuration,
                                         const HostStatus& status) {
  std::set<BlockDeviceId> with_tpm2;
  for (const auto& [id, volume] : status.storage.encrypted_volumes) {
    if (HoldsOnlySwap(configuration.storage, id)) continue;
    TRIDENT_ASSIGN_OR_RETURN(const LuksHeader header, host.encryption.Inspect(volume.target_path));
    if (HasTpm2Token(header)) with_tpm2.insert(id);
  }
  TRIDENT_ASSIGN_OR_RETURN(const std::vector<CrypttabEntry> entries,
                           CrypttabEntries(configuration, status, with_tpm2));
  return FormatCrypttab(entries);
}

absl::Status CloseVolumes(const Host& host, const HostStatus& status) {
  // One that cannot be closed keeps the others from nothing.
  absl::Status first;
  for (const auto& [id, volume] : status.storage.encrypted_volumes) {
    const absl::Status closed = Annotate(host.encryption.Deactivate(volume.device_name),
                                         absl::StrCat("close the encrypted volume '", id, "'"));
    if (first.ok()) first = closed;
  }
  return first;
}

}  // namespace trident
