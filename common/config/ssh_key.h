// Public keys as lines of authorized_keys (sshd(8), AUTHORIZED_KEYS FILE FORMAT). Private to
// common/config.
#ifndef TRIDENT_COMMON_CONFIG_SSH_KEY_H_
#define TRIDENT_COMMON_CONFIG_SSH_KEY_H_

#include <optional>
#include <string_view>

#include "common/config/format.h"

namespace trident {

// Whether sshd would take the line: options if any, a known type of key, and a whole key of this
// type in base64. A key that was cut off in copying locks its user out, so it is found here.
std::optional<FormatFault> CheckSshKeyLine(std::string_view line);

}  // namespace trident

#endif  // TRIDENT_COMMON_CONFIG_SSH_KEY_H_
