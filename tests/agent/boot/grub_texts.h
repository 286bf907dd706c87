// Configurations of GRUB as distributions write them.
#ifndef TRIDENT_TESTS_AGENT_BOOT_GRUB_TEXTS_H_
#define TRIDENT_TESTS_AGENT_BOOT_GRUB_TEXTS_H_

#include <string>

namespace trident::test {

inline constexpr char kOldUuid[] = "0a1b2c3d-1111-4222-8333-444455556666";
inline constexpr char kNewUuid[] = "f0e1d2c3-9999-4888-8777-666655554444";
inline constexpr char kPartitionUuid[] = "11111111-2222-3333-4444-555555555555";

// On the ESP, by grub-install of Debian 12.
std::string DebianStub(const std::string& uuid);
// /boot/grub/grub.cfg, by grub-mkconfig of Debian 12; `root` is the value of root=.
std::string DebianConfig(const std::string& uuid, const std::string& root);
// /boot/grub2/grub.cfg of Azure Linux.
std::string AzureConfig(const std::string& uuid, const std::string& root);

}  // namespace trident::test

#endif  // TRIDENT_TESTS_AGENT_BOOT_GRUB_TEXTS_H_
