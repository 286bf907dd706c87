#include "agent/storage/crypttab.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/base/error.h"
#include "common/config/lookup.h"

namespace trident {
namespace {

absl::Status CannotWrite(const CrypttabEntry& entry, const std::string& reason) {
  return MakeError(absl::StatusCode::kInvalidArgument, "encryption", "crypttab",
                   absl::StrCat("the encrypted volume \"", entry.name, "\" over \"", entry.device,
                                "\" cannot be written into /etc/crypttab: ", reason),
                   "use a deviceName of letters, digits and \"+-.:=@_\"");
}

bool IsField(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char letter) {
    const auto byte = static_cast<unsigned char>(letter);
    return byte > 0x20 && byte != 0x7F;
  });
}

// Key and options. Without a cipher and a size of its own swap would get systemd's defaults.
const char* RestOf(Unlocking unlocking) {
  switch (unlocking) {
    case Unlocking::kAsk:
      return "none luks";
    case Unlocking::kTpm2:
      return "none luks,tpm2-device=auto";
    case Unlocking::kFreshKey:
      return "/dev/urandom swap,cipher=aes-xts-plain64,size=512";
  }
  return "none luks";
}

// Nothing that the host needs is mounted from the volume, on A or B.
bool MayFail(const HostConfiguration& configuration, const BlockDeviceId& id) {
  bool mounted = false;
  for (const MountPoint& mount : configuration.storage.mount_points) {
    if (DeviceOn(configuration, mount.target_id, Volume::kA) != id &&
        DeviceOn(configuration, mount.target_id, Volume::kB) != id) {
      continue;
    }
    mounted = true;
    if (std::find(mount.options.begin(), mount.options.end(), "nofail") == mount.options.end()) {
      return false;
    }
  }
  return mounted;
}

}  // namespace

absl::StatusOr<std::string> FormatCrypttab(const std::vector<CrypttabEntry>& entries) {
  std::string text;
  for (const CrypttabEntry& entry : entries) {
    if (!IsField(entry.name) || !IsField(entry.device)) {
      return CannotWrite(entry, "neither may be empty or contain blanks");
    }
    if (entry.name[0] == '#') return CannotWrite(entry, "it would be a comment");
    if (entry.unlocking == Unlocking::kFreshKey && absl::StartsWith(entry.device, "UUID=")) {
      return CannotWrite(entry, "swap with a fresh key has no header with a UUID");
    }
    absl::StrAppend(&text, entry.name, " ", entry.device, " ", RestOf(entry.unlocking),
                    entry.may_fail ? ",nofail" : "", "\n");
  }
  return text;
}

absl::StatusOr<std::vector<CrypttabEntry>> CrypttabEntries(
    const HostConfiguration& configuration, const HostStatus& status,
    const std::set<BlockDeviceId>& with_tpm2) {
  std::vector<CrypttabEntry> entries;
  if (!configuration.storage.encryption) return entries;
  for (const EncryptedVolume& volume : configuration.storage.encryption->volumes) {
    CrypttabEntry entry;
    entry.name = volume.device_name;
    const std::optional<RecordedDevice> device = FindDevice(status, volume.target_id);
    if (!device) {
      return MakeError(
          absl::StatusCode::kNotFound, "encryption", "unknown-device",
          absl::StrCat("the encrypted volume ", volume.id, " needs the block device \"",
                       volume.target_id, "\", which is not on this host yet"));
    }
    entry.device = device->partition_uuid.empty()
                       ? device->path
                       : absl::StrCat("PARTUUID=", device->partition_uuid);
    entry.unlocking = HoldsOnlySwap(configuration.storage, volume.id) ? Unlocking::kFreshKey
                      : with_tpm2.count(volume.id) != 0               ? Unlocking::kTpm2
                                                                      : Unlocking::kAsk;
    entry.may_fail = MayFail(configuration, volume.id);
    entries.push_back(std::move(entry));
  }
  return entries;
}

}  // namespace trident
