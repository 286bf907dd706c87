#include "agent/servicing/verity_steps.h"

#include <memory>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "agent/imaging/read_back.h"
#include "agent/servicing/storage_steps.h"
#include "agent/storage/mount_target.h"
#include "common/base/error.h"
#include "common/config/lookup.h"

namespace trident {
namespace {

// Seconds until a kernel that panics resets the machine.
constexpr char kPanicSeconds[] = "10";

struct Parts {
  RecordedDevice data;
  RecordedDevice hash;
};

absl::StatusOr<Parts> PartsOf(const HostConfiguration& configuration, const HostStatus& status,
                              const VerityDevice& verity, Volume volume) {
  TRIDENT_ASSIGN_OR_RETURN(
      RecordedDevice data,
      DeviceOf(status, DeviceOn(configuration, verity.data_device_id, volume)));
  TRIDENT_ASSIGN_OR_RETURN(
      RecordedDevice hash,
      DeviceOf(status, DeviceOn(configuration, verity.hash_device_id, volume)));
  return Parts{std::move(data), std::move(hash)};
}

// The validation has seen that it is there.
std::string RootHashOf(const HostConfiguration& configuration, const VerityDevice& verity) {
  const Image* image = FindImage(configuration, verity.data_device_id);
  return image == nullptr ? "" : absl::AsciiStrToLower(image->verity_root_hash.value_or(""));
}

absl::Status OpenOne(const Host& host, const StepRun& run, const VerityDevice& verity,
                     const Parts& parts) {
  const std::string name = StagedVerityName(verity.name);
  TRIDENT_RETURN_IF_ERROR(host.verity.Open(
      {parts.data.path, parts.hash.path, RootHashOf(run.configuration, verity)}, name));
  return host.devices.WaitForPath("/dev/mapper/" + name);
}

Volume TargetOf(const StepRun& run) { return run.plan.target.value_or(Volume::kA); }

// systemd-veritysetup-generator(8).
std::string DeviceParameter(const RecordedDevice& device) {
  return device.partition_uuid.empty() ? device.path
                                       : absl::StrCat("PARTUUID=", device.partition_uuid);
}

}  // namespace

absl::Status CheckVerityStep(const Host& host, const StepRun& run) {
  const VerityDevice* verity = FindVerity(run.configuration, run.step.subject);
  if (verity == nullptr) {
    return MakeError(absl::StatusCode::kInternal, "internal", "verity-not-in-document",
                     absl::StrCat("the document has no verity device '", run.step.subject, "'"));
  }
  TRIDENT_ASSIGN_OR_RETURN(const Parts parts,
                           PartsOf(run.configuration, run.status, *verity, TargetOf(run)));
  VerityDeviceStatus& status = run.status.storage.verity_devices[verity->id];
  status.device_name = verity->name;
  status.data_device_id = verity->data_device_id;
  status.hash_device_id = verity->hash_device_id;
  status.root_hashes[parts.data.id] = RootHashOf(run.configuration, *verity);
  const std::string name = StagedVerityName(verity->name);
  // What an interruption left open may be an older one.
  TRIDENT_RETURN_IF_ERROR(host.verity.Close(name));
  TRIDENT_RETURN_IF_ERROR(OpenOne(host, run, *verity, parts));
  TRIDENT_ASSIGN_OR_RETURN(const std::unique_ptr<BlockReader> device,
                           host.devices.OpenForReading("/dev/mapper/" + name));
  const absl::Status read = ReadThrough(*device, run.cancellation, [&](uint64_t done) {
    run.reporter.Progress(done, device->size());
  });
  if (read.ok() || absl::IsCancelled(read)) return read;
  ErrorDetail detail;
  detail.kind = "verity";
  detail.subkind = "does-not-match";
  detail.message = absl::StrCat("'", parts.data.id, "' does not match its root hash ",
                                RootHashOf(run.configuration, *verity), " with the hashes on '",
                                parts.hash.id, "'");
  detail.remedy =
      "Give the image of the data, the image of the hashes and the root hash that one run of "
      "veritysetup format made.";
  detail.causes.emplace_back(read.message());
  return MakeError(absl::StatusCode::kDataLoss, std::move(detail));
}

absl::Status OpenStagedVerity(const Host& host, const StepRun& run) {
  for (const VerityDevice& verity : run.configuration.storage.verity) {
    if (host.verity.IsOpen(StagedVerityName(verity.name))) continue;
    TRIDENT_ASSIGN_OR_RETURN(const Parts parts,
                             PartsOf(run.configuration, run.status, verity, TargetOf(run)));
    TRIDENT_RETURN_IF_ERROR(OpenOne(host, run, verity, parts));
  }
  return absl::OkStatus();
}

absl::Status CloseStagedVerity(const Host& host) {
  // One that cannot be closed keeps the other from nothing.
  absl::Status first;
  for (const char* name : {"root", "usr"}) {
    const absl::Status closed = host.verity.Close(StagedVerityName(name));
    if (first.ok()) first = closed;
  }
  return first;
}

absl::StatusOr<KernelParameters> VerityParameters(const HostConfiguration& configuration,
                                                  const HostStatus& status, Volume volume) {
  KernelParameters parameters;
  for (const VerityDevice& verity : configuration.storage.verity) {
    TRIDENT_ASSIGN_OR_RETURN(const Parts parts, PartsOf(configuration, status, verity, volume));
    const std::string prefix = absl::StrCat("systemd.verity_", verity.name, "_");
    parameters.set.emplace_back(verity.name == "root" ? "roothash" : "usrhash",
                                RootHashOf(configuration, verity));
    parameters.set.emplace_back(prefix + "data", DeviceParameter(parts.data));
    parameters.set.emplace_back(prefix + "hash", DeviceParameter(parts.hash));
    switch (verity.corruption_option) {
      case CorruptionOption::kIoError:
        parameters.removed.push_back(prefix + "options");
        break;
      case CorruptionOption::kIgnore:
        parameters.set.emplace_back(prefix + "options", "ignore-corruption");
        break;
      case CorruptionOption::kPanic:
        parameters.set.emplace_back(prefix + "options", "panic-on-corruption");
        break;
      case CorruptionOption::kRestart:
        parameters.set.emplace_back(prefix + "options", "restart-on-corruption");
        break;
    }
    if (verity.name == "usr") {
      // An image whose /usr was an ordinary file system may say where that is, which would count
      // for more than usrhash=. systemd-fstab-generator(8).
      parameters.set.emplace_back("mount.usr", "/dev/mapper/" + verity.name);
      parameters.set.emplace_back("mount.usrflags", "ro");
      parameters.removed.emplace_back("mount.usrfstype");
    }
  }
  if (parameters.set.empty()) return parameters;
  parameters.set.emplace_back("systemd.verity", "1");
  // An initrd that cannot find its root shall not wait for somebody who types: the firmware goes
  // back to the other volume when the machine starts anew. dracut.cmdline(7).
  parameters.set.emplace_back("rd.shell", "0");
  parameters.set.emplace_back("rd.emergency", "reboot");
  parameters.defaults.emplace_back("panic", kPanicSeconds);
  return parameters;
}

}  // namespace trident
