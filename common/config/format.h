// What the text of a string field must look like. Private to common/.
#ifndef TRIDENT_COMMON_CONFIG_FORMAT_H_
#define TRIDENT_COMMON_CONFIG_FORMAT_H_

#include <optional>
#include <string>
#include <string_view>

namespace trident {

enum class Format {
  kText,             // anything, several lines, too
  kLine,             // one line, not empty, no control characters
  kSecretLine,       // one line, may be empty; never repeated in messages
  kId,               // of a block device
  kDeviceName,       // one component of a path
  kMetadataVersion,  // of mdadm
  kAbsolutePath,
  kFilesystem,
  kHttpUrl,
  kImageUrl,  // file, http, https, oci
  kFileUrl,
  kUuid,
  kUserName,  // also of a group
  kSshKey,    // a line of authorized_keys
  kHostname,
  kTimezone,
  kUnitName,  // of systemd
  kModuleName,
  kKernelOption,
  kPermissions,  // octal
};

// A text that does not have its format.
struct FormatFault {
  std::string reason;  // what was expected, "must be ..."
  std::string remedy;
};

std::optional<FormatFault> CheckFormat(Format format, std::string_view text);

// For the documentation: "absolute path".
std::string_view FormatName(Format format);

// For the JSON Schema: an ECMA 262 regular expression, not stricter than CheckFormat; empty: none.
std::string_view FormatPattern(Format format);

}  // namespace trident

#endif  // TRIDENT_COMMON_CONFIG_FORMAT_H_
