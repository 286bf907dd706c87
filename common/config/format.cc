#include "common/config/format.h"

#include <algorithm>
#include <initializer_list>

#include "common/base/strings.h"
#include "common/config/oci_reference.h"
#include "common/config/ssh_key.h"
#include "common/config/url.h"

namespace trident {
namespace {

using Fault = std::optional<FormatFault>;

template <typename Predicate>
bool AllOf(std::string_view text, Predicate predicate) {
  return std::all_of(text.begin(), text.end(),
                     [&](char c) { return predicate(static_cast<unsigned char>(c)); });
}

Fault CheckLine(std::string_view text) {
  // Such texts end up in fstab, in arguments and in the input of tools, line by line.
  if (!AllOf(text, [](unsigned char c) { return c >= 0x20 && c != 0x7F; })) {
    return FormatFault{"must be one line without control characters",
                       "Remove line breaks and tabs."};
  }
  return std::nullopt;
}

Fault CheckNonEmptyLine(std::string_view text) {
  if (text.empty()) return FormatFault{"must not be empty", "Write a text, or leave the key out."};
  return CheckLine(text);
}

Fault CheckComponent(std::string_view text, std::string_view what) {
  if (Fault fault = CheckNonEmptyLine(text)) return fault;
  if ((text.find('/') != std::string_view::npos)) {
    return FormatFault{StrCat(what, " must not contain \"/\""), "Remove the slash."};
  }
  return std::nullopt;
}

Fault CheckDeviceName(std::string_view text) {
  if (Fault fault = CheckComponent(text, "a device name")) return fault;
  if (text == "." || text == ".." || text[0] == '-' || (text.find(' ') != std::string_view::npos)) {
    return FormatFault{
        "a device name must not be \".\" or \"..\", begin with \"-\" or contain "
        "blanks",
        "Use letters, digits, \"-\", \"_\" and \".\"."};
  }
  return std::nullopt;
}

Fault CheckMetadataVersion(std::string_view text) {
  const bool good = !text.empty() && IsAsciiAlnum(text[0]) &&
                    AllOf(text, [](unsigned char c) { return IsAsciiAlnum(c) || c == '.'; });
  if (good) return std::nullopt;
  return FormatFault{"must be a version of mdadm's metadata", "Write a version such as 1.0."};
}

Fault CheckAbsolutePath(std::string_view text) {
  if (Fault fault = CheckNonEmptyLine(text)) return fault;
  if (text[0] != '/') {
    return FormatFault{"must be an absolute path", "Begin the path with \"/\"."};
  }
  for (const std::string_view component : StrSplit(text, '/')) {
    if (component == "." || component == "..") {
      return FormatFault{"a path must not have \".\" or \"..\" in it",
                         "Write the path without them."};
    }
  }
  return std::nullopt;
}

Fault CheckFilesystem(std::string_view text) {
  const bool good = !text.empty() && IsAsciiAlnum(text[0]) && AllOf(text, [](unsigned char c) {
    return IsAsciiAlnum(c) || c == '.' || c == '_' || c == '-';
  });
  if (good) return std::nullopt;
  return FormatFault{"must be the name of a filesystem",
                     "Write a name such as ext4, xfs, vfat or swap."};
}

Fault CheckUrl(std::string_view text, std::initializer_list<std::string_view> schemes) {
  const std::string allowed = StrJoin(schemes, ", ");
  const auto url = ParseUrl(text);
  if (!url.ok()) {
    return FormatFault{StrCat("is not a URL: ", std::string(url.status().message())),
                       StrCat("Write a URL with one of the schemes ", allowed, ".")};
  }
  if (std::find(schemes.begin(), schemes.end(), url->scheme) == schemes.end()) {
    return FormatFault{StrCat("the URL's scheme \"", url->scheme, "\" is none of: ", allowed),
                       StrCat("Use one of the schemes ", allowed, ".")};
  }
  if (url->scheme == "file") {
    if (!url->host.empty() && url->host != "localhost") {
      return FormatFault{"a file URL must name a file of this host by its absolute path",
                         "Write file:///absolute/path, with three slashes."};
    }
    if (url->path.size() < 2 || url->path[0] != '/') {
      return FormatFault{"a file URL must have an absolute path",
                         "Write file:///absolute/path, with three slashes."};
    }
  } else if (url->host.empty()) {
    return FormatFault{"the URL has no host", StrCat("Write ", url->scheme, "://host/path.")};
  }
  return std::nullopt;
}

Fault CheckImageUrl(std::string_view text) {
  if (Fault fault = CheckUrl(text, {"file", "http", "https", "oci"})) return fault;
  if (AsciiToLower(text.substr(0, text.find(':'))) != "oci") return std::nullopt;
  const auto reference = ParseOciReference(text);
  if (reference.ok()) return std::nullopt;
  return FormatFault{
      StrCat("is not a reference to an OCI registry: ", std::string(reference.status().message())),
      "Write oci://registry[:port]/repository[:tag|@sha256:digest][#title]."};
}

Fault CheckUuid(std::string_view text) {
  bool good = text.size() == 36;
  for (size_t index = 0; good && index < text.size(); ++index) {
    const bool is_dash = index == 8 || index == 13 || index == 18 || index == 23;
    good = is_dash ? text[index] == '-' : IsAsciiHexDigit(text[index]);
  }
  if (good) return std::nullopt;
  return FormatFault{"must be a UUID", "Write it as 01234567-89ab-cdef-0123-456789abcdef."};
}

Fault CheckUserName(std::string_view text) {
  // The rule of useradd (shadow, libmisc/chkname.c), without its trailing "$".
  const bool good = !text.empty() && text.size() <= 32 &&
                    (IsAsciiLower(text[0]) || text[0] == '_') && AllOf(text, [](unsigned char c) {
                      return IsAsciiLower(c) || IsAsciiDigit(c) || c == '_' || c == '-';
                    });
  if (good) return std::nullopt;
  return FormatFault{
      "must be a name of at most 32 characters: a lower-case letter or \"_\", then "
      "lower-case letters, digits, \"_\" and \"-\"",
      "Choose a name that useradd takes."};
}

Fault CheckHostname(std::string_view text) {
  // RFC 1123, 2.1, and the 64 bytes that Linux keeps.
  bool good = text.size() <= 64;
  for (const std::string_view label : StrSplit(text, '.')) {
    good = good && !label.empty() && label.size() <= 63 && label.front() != '-' &&
           label.back() != '-' &&
           AllOf(label, [](unsigned char c) { return IsAsciiAlnum(c) || c == '-'; });
  }
  if (good) return std::nullopt;
  return FormatFault{
      "must be a host name of at most 64 characters: labels of letters, digits and \"-\", which do "
      "not begin or end with \"-\", joined by dots",
      "Write a name such as node-1 or node-1.example.org."};
}

Fault CheckTimezone(std::string_view text) {
  bool good = text.size() <= 128;
  for (const std::string_view part : StrSplit(text, '/')) {
    good = good && !part.empty() && IsAsciiAlpha(part[0]) && AllOf(part, [](unsigned char c) {
             return IsAsciiAlnum(c) || c == '_' || c == '+' || c == '-';
           });
  }
  if (good) return std::nullopt;
  return FormatFault{"must be the name of a time zone",
                     "Write a name below /usr/share/zoneinfo, such as Europe/Oslo or Etc/UTC."};
}

Fault CheckUnitName(std::string_view text) {
  // systemd.unit(5): at most 255 characters.
  const bool good = !text.empty() && text.size() <= 255 && text[0] != '-' && text[0] != '.' &&
                    AllOf(text, [](unsigned char c) {
                      return IsAsciiAlnum(c) || std::string_view(":-_.\\@").find(
                                                    static_cast<char>(c)) != std::string_view::npos;
                    });
  if (good) return std::nullopt;
  return FormatFault{"must be the name of a unit of systemd",
                     "Write a name such as ssh or fstrim.timer."};
}

Fault CheckModuleName(std::string_view text) {
  const bool good =
      !text.empty() && text.size() <= 64 && text[0] != '-' &&
      AllOf(text, [](unsigned char c) { return IsAsciiAlnum(c) || c == '_' || c == '-'; });
  if (good) return std::nullopt;
  return FormatFault{"must be the name of a kernel module",
                     "Write the name alone, such as br_netfilter, without a path and options."};
}

Fault CheckKernelOption(std::string_view text) {
  // What GRUB's scripts, boot loader entries and the kernel all take without quotes.
  const bool good =
      !text.empty() && text.size() <= 256 && IsAsciiAlnum(text[0]) &&
      AllOf(text, [](unsigned char c) {
        return IsAsciiAlnum(c) || std::string_view("_.,:=/+@%~^!-").find(static_cast<char>(c)) !=
                                      std::string_view::npos;
      });
  if (!good) {
    return FormatFault{
        "must be one option of the kernel, without blanks, quotes and signs that boot loaders "
        "take for their own",
        "Write each option as an item of its own, such as console=ttyS0."};
  }
  for (const std::string_view owned : {"root", "initrd"}) {
    if (text.substr(0, text.find('=')) == owned) {
      return FormatFault{StrCat("the option \"", owned, "\" is set by the agent"), "Remove it."};
    }
  }
  return std::nullopt;
}

Fault CheckPermissions(std::string_view text) {
  const bool good = !text.empty() && text.size() <= 4 && (text.size() < 4 || text[0] == '0') &&
                    AllOf(text, [](unsigned char c) { return c >= '0' && c <= '7'; });
  if (good) return std::nullopt;
  return FormatFault{"must be octal permissions from 0 to 0777", "Write them such as '0644'."};
}

}  // namespace

std::optional<FormatFault> CheckFormat(Format format, std::string_view text) {
  switch (format) {
    case Format::kText:
      return std::nullopt;
    case Format::kLine:
      return CheckNonEmptyLine(text);
    case Format::kSecretLine:
      return CheckLine(text);
    case Format::kId:
      return CheckComponent(text, "an id");
    case Format::kDeviceName:
      return CheckDeviceName(text);
    case Format::kMetadataVersion:
      return CheckMetadataVersion(text);
    case Format::kAbsolutePath:
      return CheckAbsolutePath(text);
    case Format::kFilesystem:
      return CheckFilesystem(text);
    case Format::kHttpUrl:
      return CheckUrl(text, {"http", "https"});
    case Format::kImageUrl:
      return CheckImageUrl(text);
    case Format::kFileUrl:
      return CheckUrl(text, {"file"});
    case Format::kUuid:
      return CheckUuid(text);
    case Format::kUserName:
      return CheckUserName(text);
    case Format::kSshKey:
      return CheckSshKeyLine(text);
    case Format::kHostname:
      return CheckHostname(text);
    case Format::kTimezone:
      return CheckTimezone(text);
    case Format::kUnitName:
      return CheckUnitName(text);
    case Format::kModuleName:
      return CheckModuleName(text);
    case Format::kKernelOption:
      return CheckKernelOption(text);
    case Format::kPermissions:
      return CheckPermissions(text);
  }
  return std::nullopt;
}

std::string_view FormatName(Format format) {
  switch (format) {
    case Format::kText:
      return "string";
    case Format::kLine:
    case Format::kSecretLine:
      return "string of one line";
    case Format::kId:
      return "id";
    case Format::kDeviceName:
      return "device name";
    case Format::kMetadataVersion:
      return "metadata version";
    case Format::kAbsolutePath:
      return "absolute path";
    case Format::kFilesystem:
      return "filesystem name";
    case Format::kHttpUrl:
      return "URL (http, https)";
    case Format::kImageUrl:
      return "URL (file, http, https, oci)";
    case Format::kFileUrl:
      return "URL (file)";
    case Format::kUuid:
      return "UUID";
    case Format::kUserName:
      return "user or group name";
    case Format::kSshKey:
      return "line of `authorized_keys`";
    case Format::kHostname:
      return "host name";
    case Format::kTimezone:
      return "time zone";
    case Format::kUnitName:
      return "unit name";
    case Format::kModuleName:
      return "module name";
    case Format::kKernelOption:
      return "kernel option";
    case Format::kPermissions:
      return "octal permissions";
  }
  return "string";
}

std::string_view FormatPattern(Format format) {
  switch (format) {
    case Format::kText:
      return "";
    case Format::kLine:
      return "^[^\\u0000-\\u001f\\u007f]+$";
    case Format::kSecretLine:
      return "^[^\\u0000-\\u001f\\u007f]*$";
    case Format::kId:
    case Format::kDeviceName:
      return "^[^\\u0000-\\u001f\\u007f/]+$";
    case Format::kMetadataVersion:
      return "^[A-Za-z0-9][A-Za-z0-9.]*$";
    case Format::kAbsolutePath:
      return "^/[^\\u0000-\\u001f\\u007f]*$";
    case Format::kFilesystem:
      return "^[A-Za-z0-9][A-Za-z0-9._-]*$";
    case Format::kHttpUrl:
      return "^[Hh][Tt][Tt][Pp][Ss]?://.+$";
    case Format::kImageUrl:
      return "^([Ff][Ii][Ll][Ee]|[Hh][Tt][Tt][Pp][Ss]?|[Oo][Cc][Ii])://.+$";
    case Format::kFileUrl:
      return "^[Ff][Ii][Ll][Ee]://.+$";
    case Format::kUuid:
      return "^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$";
    case Format::kUserName:
      return "^[a-z_][a-z0-9_-]{0,31}$";
    case Format::kSshKey:
      return "^[^\\u0000-\\u001f\\u007f]+$";
    case Format::kHostname:
      return "^[A-Za-z0-9]([A-Za-z0-9.-]{0,62}[A-Za-z0-9])?$";
    case Format::kTimezone:
      return "^[A-Za-z][A-Za-z0-9_+/-]*$";
    case Format::kUnitName:
      return "^[A-Za-z0-9:_.@\\\\][A-Za-z0-9:_.@\\\\-]{0,254}$";
    case Format::kModuleName:
      return "^[A-Za-z0-9_][A-Za-z0-9_-]{0,63}$";
    case Format::kKernelOption:
      return "^[A-Za-z0-9][A-Za-z0-9_.,:=/+@%~^!-]*$";
    case Format::kPermissions:
      return "^0?[0-7]{1,3}$";
  }
  return "";
}

}  // namespace trident
