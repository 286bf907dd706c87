// The texts of the enums of the documents. Private to common/.
#ifndef TRIDENT_COMMON_CONFIG_ENUM_NAMES_H_
#define TRIDENT_COMMON_CONFIG_ENUM_NAMES_H_

#include <array>
#include <string_view>
#include <utility>

#include "common/config/field.h"
#include "common/config/host_configuration.h"

namespace trident {

template <typename T, size_t kCount>
using NameTable = std::array<std::pair<T, std::string_view>, kCount>;

template <>
struct EnumNames<PartitionTableType> {
  static constexpr NameTable<PartitionTableType, 1> kNames = {{{PartitionTableType::kGpt, "gpt"}}};
};

template <>
struct EnumNames<PartitionType> {
  static constexpr NameTable<PartitionType, 11> kNames = {{
      {PartitionType::kEsp, "esp"},
      {PartitionType::kRoot, "root"},
      {PartitionType::kSwap, "swap"},
      {PartitionType::kRootVerity, "root-verity"},
      {PartitionType::kHome, "home"},
      {PartitionType::kVar, "var"},
      {PartitionType::kUsr, "usr"},
      {PartitionType::kUsrVerity, "usr-verity"},
      {PartitionType::kTmp, "tmp"},
      {PartitionType::kLinuxGeneric, "linux-generic"},
      {PartitionType::kSrv, "srv"},
  }};
};

template <>
struct EnumNames<Tpm2Use> {
  static constexpr NameTable<Tpm2Use, 3> kNames = {{
      {Tpm2Use::kRequired, "required"},
      {Tpm2Use::kPreferred, "preferred"},
      {Tpm2Use::kNever, "never"},
  }};
};

template <>
struct EnumNames<Transition> {
  static constexpr NameTable<Transition, 2> kNames = {{
      {Transition::kFirmware, "firmware"},
      {Transition::kKexec, "kexec"},
  }};
};

template <>
struct EnumNames<UpdateEngine> {
  static constexpr NameTable<UpdateEngine, 2> kNames = {{
      {UpdateEngine::kNative, "native"},
      {UpdateEngine::kSystemdSysupdate, "systemd-sysupdate"},
  }};
};

template <>
struct EnumNames<RaidLevel> {
  static constexpr NameTable<RaidLevel, 5> kNames = {{
      {RaidLevel::kRaid0, "raid0"},
      {RaidLevel::kRaid1, "raid1"},
      {RaidLevel::kRaid5, "raid5"},
      {RaidLevel::kRaid6, "raid6"},
      {RaidLevel::kRaid10, "raid10"},
  }};
};

template <>
struct EnumNames<CorruptionOption> {
  static constexpr NameTable<CorruptionOption, 4> kNames = {{
      {CorruptionOption::kIoError, "io-error"},
      {CorruptionOption::kIgnore, "ignore"},
      {CorruptionOption::kPanic, "panic"},
      {CorruptionOption::kRestart, "restart"},
  }};
};

template <>
struct EnumNames<ImageFormat> {
  static constexpr NameTable<ImageFormat, 4> kNames = {{
      {ImageFormat::kRaw, "raw"},
      {ImageFormat::kRawGzip, "raw-gzip"},
      {ImageFormat::kRawZstd, "raw-zstd"},
      {ImageFormat::kRawLzma, "raw-lzma"},
  }};
};

template <>
struct EnumNames<ScriptServicing> {
  static constexpr NameTable<ScriptServicing, 5> kNames = {{
      {ScriptServicing::kCleanInstall, "clean-install"},
      {ScriptServicing::kNormalUpdate, "normal-update"},
      {ScriptServicing::kAbUpdate, "ab-update"},
      {ScriptServicing::kUpdateAndReboot, "update-and-reboot"},
      {ScriptServicing::kAll, "all"},
  }};
};

template <>
struct EnumNames<SelinuxMode> {
  static constexpr NameTable<SelinuxMode, 3> kNames = {{
      {SelinuxMode::kDisabled, "disabled"},
      {SelinuxMode::kPermissive, "permissive"},
      {SelinuxMode::kEnforcing, "enforcing"},
  }};
};

template <>
struct EnumNames<SshMode> {
  static constexpr NameTable<SshMode, 3> kNames = {{
      {SshMode::kBlock, "block"},
      {SshMode::kKeyOnly, "key-only"},
      {SshMode::kDangerousAllowPassword, "dangerous-allow-password"},
  }};
};

template <>
struct EnumNames<PasswordMode> {
  static constexpr NameTable<PasswordMode, 3> kNames = {{
      {PasswordMode::kLocked, "locked"},
      {PasswordMode::kDangerousPlainText, "dangerous-plain-text"},
      {PasswordMode::kDangerousHashed, "dangerous-hashed"},
  }};
};

}  // namespace trident

#endif  // TRIDENT_COMMON_CONFIG_ENUM_NAMES_H_
