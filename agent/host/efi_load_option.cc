#include "agent/host/efi_load_option.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_format.h"
#include "common/base/error.h"

// Its headers do not say that they are C.
extern "C" {
#include <efivar/efiboot.h>
#include <efivar/efivar.h>
}

namespace trident {
namespace {

constexpr uint32_t kLoadOptionActive = 0x1;
constexpr size_t kNodeHeaderSize = 4;  // type, subtype, 16 bits of length

uint16_t Read16(std::string_view bytes, size_t at) {
  return static_cast<uint16_t>(static_cast<uint8_t>(bytes[at]) | static_cast<uint8_t>(bytes[at + 1])
                                                                     << 8);
}

uint32_t Read32(std::string_view bytes, size_t at) {
  return Read16(bytes, at) | static_cast<uint32_t>(Read16(bytes, at + 2)) << 16;
}

void AppendUtf8(uint32_t code, std::string& text) {
  if (code < 0x80) {
    text += static_cast<char>(code);
  } else if (code < 0x800) {
    text += static_cast<char>(0xC0 | code >> 6);
    text += static_cast<char>(0x80 | (code & 0x3F));
  } else {
    text += static_cast<char>(0xE0 | code >> 12);
    text += static_cast<char>(0x80 | (code >> 6 & 0x3F));
    text += static_cast<char>(0x80 | (code & 0x3F));
  }
}

// UCS-2 from `at` up to a NUL or to the end. `at` moves behind the NUL. Surrogates, which UCS-2
// does not have, become U+FFFD so that the result is valid UTF-8.
std::string ReadUcs2(std::string_view bytes, size_t& at, bool& terminated) {
  std::string text;
  terminated = false;
  while (at + 1 < bytes.size()) {
    const uint16_t unit = Read16(bytes, at);
    at += 2;
    if (unit == 0) {
      terminated = true;
      break;
    }
    AppendUtf8(unit >= 0xD800 && unit <= 0xDFFF ? 0xFFFD : unit, text);
  }
  return text;
}

std::optional<std::string> GptSignature(std::string_view node) {
  if (node.size() < sizeof(efidp_hd)) return std::nullopt;
  efidp_hd drive;
  std::memcpy(&drive, node.data(), sizeof(drive));
  if (drive.format != EFIDP_HD_FORMAT_GPT || drive.signature_type != EFIDP_HD_SIGNATURE_GUID) {
    return std::nullopt;
  }
  efi_guid_t guid;
  std::memcpy(&guid, drive.signature, sizeof(guid));
  char* text = nullptr;
  if (efi_guid_to_str(&guid, &text) < 0 || text == nullptr) return std::nullopt;
  std::string uuid = absl::AsciiStrToLower(text);
  std::free(text);
  return uuid;
}

// Partition and file that a device path names; both stay empty when it names something else.
void DecodeDevicePath(std::string_view path, BootEntry& entry) {
  std::optional<std::string> uuid;
  std::string file;
  size_t at = 0;
  while (at + kNodeHeaderSize <= path.size()) {
    const uint8_t type = static_cast<uint8_t>(path[at]);
    const uint8_t subtype = static_cast<uint8_t>(path[at + 1]);
    const size_t length = Read16(path, at + 2);
    if (length < kNodeHeaderSize || at + length > path.size() || type == EFIDP_END_TYPE) break;
    const std::string_view node = path.substr(at, length);
    if (type == EFIDP_MEDIA_TYPE && subtype == EFIDP_MEDIA_HD) {
      uuid = GptSignature(node);
    } else if (type == EFIDP_MEDIA_TYPE && subtype == EFIDP_MEDIA_FILE) {
      // One path may be spread over several nodes.
      size_t name = kNodeHeaderSize;
      bool terminated = false;
      file += ReadUcs2(node, name, terminated);
    }
    at += length;
  }
  if (uuid.has_value() && !file.empty()) {
    entry.partition_uuid = *uuid;
    entry.loader = file;
  }
}

// Runs one of libefivar's makers twice: for the size, and for the bytes.
template <typename Maker>
absl::Status Append(std::vector<uint8_t>& bytes, std::string_view what, Maker maker) {
  const ssize_t size = maker(nullptr, 0);
  if (size < 0) return ErrnoError(errno, "boot", "load-option", what);
  const size_t old_size = bytes.size();
  bytes.resize(old_size + static_cast<size_t>(size));
  if (maker(bytes.data() + old_size, size) < 0) {
    return ErrnoError(errno, "boot", "load-option", what);
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::string> EncodeLoadOption(const std::string& label, const BootTarget& target) {
  efi_guid_t guid;
  if (target.partition_uuid.size() != 36 ||
      efi_str_to_guid(target.partition_uuid.c_str(), &guid) < 0) {
    return MakeError(
        absl::StatusCode::kInvalidArgument, "boot", "partition-uuid",
        absl::StrFormat("The boot entry '%s' cannot be made: '%s' is not the UUID of a partition.",
                        label, target.partition_uuid));
  }
  if (label.empty() || target.loader.empty()) {
    return MakeError(absl::StatusCode::kInvalidArgument, "boot", "load-option",
                     absl::StrFormat("The boot entry '%s' cannot be made: it needs a label and a "
                                     "loader, and the loader is '%s'.",
                                     label, target.loader));
  }

  std::vector<uint8_t> path;
  const std::string what = absl::StrFormat("Making the device path of boot entry '%s'", label);
  TRIDENT_RETURN_IF_ERROR(Append(path, what, [&](uint8_t* buffer, ssize_t size) {
    return efidp_make_hd(buffer, size, target.partition_number, target.partition_start,
                         target.partition_size, reinterpret_cast<uint8_t*>(&guid),
                         EFIDP_HD_FORMAT_GPT, EFIDP_HD_SIGNATURE_GUID);
  }));
  std::string loader = target.loader;
  TRIDENT_RETURN_IF_ERROR(Append(path, what, [&](uint8_t* buffer, ssize_t size) {
    return efidp_make_file(buffer, size, loader.data());
  }));
  TRIDENT_RETURN_IF_ERROR(Append(path, what, [](uint8_t* buffer, ssize_t size) {
    return efidp_make_generic(buffer, size, EFIDP_END_TYPE, EFIDP_END_ENTIRE, sizeof(efidp_header));
  }));

  std::vector<uint8_t> option;
  std::string description = label;
  TRIDENT_RETURN_IF_ERROR(Append(
      option, absl::StrFormat("Making the boot entry '%s'", label),
      [&](uint8_t* buffer, ssize_t size) {
        return efi_loadopt_create(buffer, size, kLoadOptionActive,
                                  reinterpret_cast<efidp>(path.data()),
                                  static_cast<ssize_t>(path.size()),
                                  reinterpret_cast<unsigned char*>(description.data()), nullptr, 0);
      }));
  std::string bytes(option.begin(), option.end());
  // libefivar garbles characters beyond U+07FF.
  TRIDENT_ASSIGN_OR_RETURN(const BootEntry entry, DecodeLoadOption(0, bytes));
  if (entry.label != label || entry.loader != target.loader) {
    return MakeError(absl::StatusCode::kInvalidArgument, "boot", "load-option",
                     absl::StrFormat("The boot entry '%s' cannot be made: its label or its loader "
                                     "'%s' has characters that cannot be written.",
                                     label, target.loader),
                     "Use plain letters for the names on the ESP.");
  }
  return bytes;
}

absl::StatusOr<BootEntry> DecodeLoadOption(uint16_t number, std::string_view bytes) {
  constexpr size_t kAttributesSize = 4;
  constexpr size_t kHeaderSize = kAttributesSize + 2;
  const auto broken = [number](std::string_view reason) {
    return MakeError(absl::StatusCode::kDataLoss, "boot", "load-option",
                     absl::StrFormat("The firmware's variable Boot%04X is not a boot entry: %s.",
                                     number, reason),
                     absl::StrFormat("Delete it: efibootmgr -b %04X -B", number));
  };
  if (bytes.size() < kHeaderSize) return broken("it is too short");
  BootEntry entry;
  entry.number = number;
  entry.active = (Read32(bytes, 0) & kLoadOptionActive) != 0;
  const size_t path_size = Read16(bytes, kAttributesSize);
  size_t at = kHeaderSize;
  bool terminated = false;
  entry.label = ReadUcs2(bytes, at, terminated);
  if (!terminated) return broken("its label has no end");
  if (path_size > bytes.size() - at) return broken("its device path is longer than the variable");
  DecodeDevicePath(bytes.substr(at, path_size), entry);
  return entry;
}

}  // namespace trident
