#include "tests/support/grub_program.h"

#include <cstdint>

namespace trident::test {
namespace {

std::string Number(uint64_t number, size_t length) {
  std::string bytes;
  for (size_t i = 0; i < length; ++i) bytes += static_cast<char>(number >> 8 * i & 0xff);
  return bytes;
}

std::string Module(uint32_t type, std::string content) {
  content.resize((content.size() / 8 + 1) * 8, '\0');
  return Number(type, 4) + Number(content.size() + 8, 4) + content;
}

}  // namespace

std::string GrubProgram(const std::string& prefix, const std::string& configuration) {
  constexpr uint32_t kElf = 0;
  constexpr uint32_t kConfiguration = 2;
  constexpr uint32_t kPrefix = 3;
  std::string modules = Module(kElf,
                               "\x7f"
                               "ELF");
  if (!configuration.empty()) modules += Module(kConfiguration, configuration);
  modules += Module(kPrefix, prefix);
  // The magic stands in the code too.
  return "MZ code mimg code " + ("mimg" + Number(0, 4)) + Number(24, 8) +
         Number(24 + modules.size(), 8) + modules + "what follows";
}

}  // namespace trident::test
