// Lists of key=value, as --bondopts and --bridgeopts have them.
#ifndef TRIDENT_COMMON_KICKSTART_KEY_VALUES_H_
#define TRIDENT_COMMON_KICKSTART_KEY_VALUES_H_

#include <string_view>

#include "absl/status/statusor.h"
#include "common/kickstart/model.h"

namespace trident::kickstart {

// "a=1,b=2". Empty parts are skipped; a key ends at the first "=". INVALID_ARGUMENT, whose message
// quotes the part: a part has no "=" or no key, or a key is there twice.
absl::StatusOr<KeyValues> ParseKeyValues(std::string_view text, char divider);

// What stands between the options of a bond. A comma may also stand inside a value, then the
// options are divided by ";": "mode=802.3ad;arp_ip_target=192.0.2.1,192.0.2.2".
char BondDividerOf(std::string_view text);

}  // namespace trident::kickstart

#endif  // TRIDENT_COMMON_KICKSTART_KEY_VALUES_H_
