#include "agent/boot/grub_image.h"

#include <cstdint>

namespace trident {
namespace {

// The modules of a program begin with a header: magic (4 bytes), padding (4), offset of the first
// module (8), size of everything with the header (8). Each module begins with its type (4) and its
// size with this header (4). All little endian.
constexpr char kMagic[] = "mimg";
constexpr uint64_t kHeaderSize = 24;
constexpr uint64_t kModuleHeaderSize = 8;
constexpr uint32_t kConfigurationModule = 2;
constexpr uint32_t kPrefixModule = 3;

uint64_t ReadNumber(std::string_view bytes, uint64_t at, size_t length) {
  uint64_t number = 0;
  for (size_t i = length; i > 0; --i) {
    number = number << 8 | static_cast<uint8_t>(bytes[at + i - 1]);
  }
  return number;
}

// Up to the NUL that fills a module up.
std::string TextOf(std::string_view module) {
  return std::string(module.substr(0, module.find('\0')));
}

// The magic may also be part of a program's code: then what follows makes no sense.
std::optional<GrubImage> ReadModules(std::string_view bytes) {
  if (bytes.size() < kHeaderSize) return std::nullopt;
  uint64_t at = ReadNumber(bytes, 8, 8);
  const uint64_t size = ReadNumber(bytes, 16, 8);
  if (at < kHeaderSize || size > bytes.size() || at >= size) return std::nullopt;
  GrubImage image;
  bool has_prefix = false;
  while (at < size) {
    if (size - at < kModuleHeaderSize) return std::nullopt;
    const auto type = static_cast<uint32_t>(ReadNumber(bytes, at, 4));
    const uint64_t length = ReadNumber(bytes, at + 4, 4);
    if (length < kModuleHeaderSize || length > size - at) return std::nullopt;
    const std::string_view content =
        bytes.substr(at + kModuleHeaderSize, length - kModuleHeaderSize);
    if (type == kPrefixModule) {
      image.prefix = TextOf(content);
      has_prefix = true;
    } else if (type == kConfigurationModule) {
      image.configuration = TextOf(content);
    }
    at += length;
  }
  return has_prefix ? std::optional<GrubImage>(image) : std::nullopt;
}

}  // namespace

std::optional<GrubImage> ReadGrubImage(std::string_view program) {
  for (size_t at = program.find(kMagic); at != std::string_view::npos;
       at = program.find(kMagic, at + 1)) {
    if (std::optional<GrubImage> image = ReadModules(program.substr(at))) return image;
  }
  return std::nullopt;
}

bool FindsConfigurationBesideItself(const GrubImage& image) {
  return image.prefix.empty() || image.configuration.find("$cmdpath") != std::string::npos ||
         image.configuration.find("${cmdpath}") != std::string::npos;
}

}  // namespace trident
