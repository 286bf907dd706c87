// The smaller settings of an operating system: each a file or two.
#ifndef TRIDENT_AGENT_OSCONFIG_SETTINGS_H_
#define TRIDENT_AGENT_OSCONFIG_SETTINGS_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "agent/osconfig/target_system.h"
#include "common/config/host_configuration.h"

namespace trident {

inline constexpr char kModulesFile[] = "/etc/modules-load.d/trident.conf";
inline constexpr char kSelinuxConfig[] = "/etc/selinux/config";

// /etc/hostname, the system's own line in /etc/hosts, and the name of the running kernel.
absl::Status SetHostname(TargetSystem& system, const std::string& name);

// `hosts` with 127.0.1.1 meaning `name`, and its first label when it has several. Pure.
std::string SetOwnHostLine(std::string_view hosts, const std::string& name);

// /etc/localtime, and /etc/timezone where the system has it. FAILED_PRECONDITION when the system
// does not know the time zone.
absl::Status SetTimezone(TargetSystem& system, const std::string& timezone);

// The modules that the boot loads; none: no file. The running system loads them at once.
absl::Status SetModules(TargetSystem& system, const std::vector<std::string>& modules);

// SELINUX= of /etc/selinux/config. FAILED_PRECONDITION when there is no such file.
absl::Status SetSelinuxMode(TargetSystem& system, SelinuxMode mode);

// Labels everything that was written into a new root by the policy of the image. A warning where
// the image has no setfiles.
absl::Status LabelFiles(TargetSystem& system);

// Writes the files; a source is a file of the running system.
absl::Status WriteAdditionalFiles(TargetSystem& system, const std::vector<AdditionalFile>& files);

// Whether the source of a file can be read here, for the plan: OK when it has none.
absl::Status CheckSourceFile(const Files& files, const AdditionalFile& file);

}  // namespace trident

#endif  // TRIDENT_AGENT_OSCONFIG_SETTINGS_H_
