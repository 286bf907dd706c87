// /etc/crypttab of a volume. crypttab(5) of systemd.
#ifndef TRIDENT_AGENT_STORAGE_CRYPTTAB_H_
#define TRIDENT_AGENT_STORAGE_CRYPTTAB_H_

#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/config/host_configuration.h"
#include "common/status/host_status.h"

namespace trident {

// What opens a volume at the boot.
enum class Unlocking {
  kAsk,       // a person who types the recovery key
  kTpm2,      // the TPM; the recovery key when it does not
  kFreshKey,  // a new random key each time: swap without a header
};

struct CrypttabEntry {
  std::string name;    // below /dev/mapper
  std::string device;  // PARTUUID=<uuid>, UUID=<uuid> of the LUKS2 header, or a path
  Unlocking unlocking = Unlocking::kAsk;
  bool may_fail = false;  // the boot goes on without it

  bool operator==(const CrypttabEntry&) const = default;
};

// One line for each, with a final newline. Pure. INVALID_ARGUMENT, kind "encryption", subkind
// "crypttab", for a name or device that cannot be written: crypttab has no escapes, so none may be
// empty or contain blanks, control characters or a "#" in the first place; and for swap with a
// fresh key that is referred to by UUID, which only a header would have.
absl::StatusOr<std::string> FormatCrypttab(const std::vector<CrypttabEntry>& entries);

// The encrypted volumes of the document, in its order: the same on volume A and B, since both
// halves of a pair are opened at every boot. Partitions by PARTUUID, arrays by their recorded path.
// `with_tpm2` are the ids of the volumes that have a token of the TPM. Pure. NOT_FOUND when the
// status does not know a device: it has not been made yet. Where everything that is mounted from a
// volume has the option nofail, the boot does not wait for the volume either.
absl::StatusOr<std::vector<CrypttabEntry>> CrypttabEntries(
    const HostConfiguration& configuration, const HostStatus& status,
    const std::set<BlockDeviceId>& with_tpm2);

}  // namespace trident

#endif  // TRIDENT_AGENT_STORAGE_CRYPTTAB_H_
