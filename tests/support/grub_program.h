// What looks like a GRUB program to whoever reads what grub-mkimage built in.
#ifndef TRIDENT_TESTS_SUPPORT_GRUB_PROGRAM_H_
#define TRIDENT_TESTS_SUPPORT_GRUB_PROGRAM_H_

#include <string>

namespace trident::test {

// With this prefix and, when it is not empty, this built-in configuration.
std::string GrubProgram(const std::string& prefix, const std::string& configuration = "");

}  // namespace trident::test

#endif  // TRIDENT_TESTS_SUPPORT_GRUB_PROGRAM_H_
