#include "agent/storage/uuid.h"

#include <openssl/evp.h>

#include <array>
#include <cctype>
#include <cstdint>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace trident {
namespace {

// Of this project: makes namespaces of texts.
constexpr char kTridentNamespace[] = "6f1c4f0e-52a5-4d0b-9c4e-7d2f0a7e3b91";

std::string BytesOf(const std::string& uuid) {
  std::string digits;
  for (const char letter : uuid) {
    if (letter != '-') digits += letter;
  }
  return absl::HexStringToBytes(digits);
}

std::string Version5(const std::string& space_bytes, const std::string& name) {
  const std::string text = space_bytes + name;
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  // SHA-1 of a buffer cannot fail; and this is a name, no security rests on it.
  EVP_Digest(text.data(), text.size(), digest.data(), nullptr, EVP_sha1(), nullptr);
  digest[6] = static_cast<unsigned char>((digest[6] & 0x0f) | 0x50);
  digest[8] = static_cast<unsigned char>((digest[8] & 0x3f) | 0x80);
  const std::string hex =
      absl::BytesToHexString(std::string(reinterpret_cast<const char*>(digest.data()), 16));
  return absl::StrCat(hex.substr(0, 8), "-", hex.substr(8, 4), "-", hex.substr(12, 4), "-",
                      hex.substr(16, 4), "-", hex.substr(20));
}

}  // namespace

bool IsUuid(const std::string& text) {
  if (text.size() != 36) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? text[i] != '-' : std::isxdigit(static_cast<unsigned char>(text[i])) == 0) {
      return false;
    }
  }
  return true;
}

std::string DeriveUuid(const std::string& space, const std::string& name) {
  return Version5(BytesOf(IsUuid(space) ? space : Version5(BytesOf(kTridentNamespace), space)),
                  name);
}

std::string FatSerialOf(const std::string& uuid) {
  return absl::AsciiStrToUpper(uuid.substr(0, 8));
}

std::string FatSerialAsShown(const std::string& serial) {
  return absl::StrCat(serial.substr(0, 4), "-", serial.substr(4));
}

}  // namespace trident
