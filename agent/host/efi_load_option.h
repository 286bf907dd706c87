// The bytes of a Boot#### variable. UEFI Specification 2.10, section 3.1.3 (EFI_LOAD_OPTION) and
// chapter 10 (device paths).
#ifndef TRIDENT_AGENT_HOST_EFI_LOAD_OPTION_H_
#define TRIDENT_AGENT_HOST_EFI_LOAD_OPTION_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "agent/host/firmware.h"

namespace trident {

// An active load option that starts `target.loader` of the GPT partition of `target`, by the short
// device path HD(...)/File(...). INVALID_ARGUMENT when the partition UUID is none, or the label or
// the loader are empty or cannot be written.
absl::StatusOr<std::string> EncodeLoadOption(const std::string& label, const BootTarget& target);

// What the load option of Boot<number> says. An option of another kind than a file of a GPT
// partition has an empty partition_uuid. DATA_LOSS when the bytes are no load option.
absl::StatusOr<BootEntry> DecodeLoadOption(uint16_t number, std::string_view bytes);

}  // namespace trident

#endif  // TRIDENT_AGENT_HOST_EFI_LOAD_OPTION_H_
