// What the bytes of an image are compared with.
#ifndef TRIDENT_COMMON_CONFIG_IMAGE_HASH_H_
#define TRIDENT_COMMON_CONFIG_IMAGE_HASH_H_

#include <string>
#include <utility>

namespace trident {

struct ImageHash {
  enum class Kind {
    kIgnored,   // nothing: whatever comes is taken
    kManifest,  // with what the file SHA256SUMS beside the image says
    kHex,       // with `hex`
  };

  static ImageHash Ignored() { return {}; }
  static ImageHash Manifest() { return {Kind::kManifest, ""}; }
  static ImageHash Of(std::string hex) { return {Kind::kHex, std::move(hex)}; }

  bool operator==(const ImageHash&) const = default;

  Kind kind = Kind::kIgnored;
  std::string hex;  // kHex: SHA-256 of the file as fetched, 64 lower-case hex digits; else empty
};

}  // namespace trident

#endif  // TRIDENT_COMMON_CONFIG_IMAGE_HASH_H_
