// The key that opens encrypted volumes when the TPM does not.
#ifndef TRIDENT_AGENT_STORAGE_RECOVERY_KEY_H_
#define TRIDENT_AGENT_STORAGE_RECOVERY_KEY_H_

#include <string>

#include "absl/status/statusor.h"
#include "agent/host/files.h"
#include "agent/host/secret.h"

namespace trident {

// The whole contents of the file that `url` (file://) names, byte for byte, as cryptsetup(8) takes
// --key-file. Refused unless it is a regular file, no link, of 1 byte to 8 MiB, that belongs to
// root and that group and others may neither read nor write. Kind "encryption", subkind
// "recovery-key": NOT_FOUND when there is no such file, INVALID_ARGUMENT for another URL,
// FAILED_PRECONDITION otherwise; all name the file and what to do, none its contents.
absl::StatusOr<Secret> ReadRecoveryKey(const Files& files, const std::string& url);

}  // namespace trident

#endif  // TRIDENT_AGENT_STORAGE_RECOVERY_KEY_H_
