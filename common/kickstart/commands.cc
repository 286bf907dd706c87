#include "common/kickstart/commands.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "common/base/strings.h"
#include "common/base/yaml_document.h"

namespace trident::kickstart {
namespace {

using Reader = void (*)(const Line&, std::span<const std::string>, const CommandSink&);

struct Known {
  std::string_view name;
  Reader read;
};

constexpr Known kKnown[] = {
    {"part", ReadPart},
    {"partition", ReadPart},
    {"network", ReadNetwork},
    {"rootpw", ReadRootPassword},
    {"user", ReadUser},
    {"sshkey", ReadSshKey},
    {"bootloader", ReadBootloader},
    {"liveimg", ReadLiveImage},
    {"services", ReadServices},
    {"timezone", ReadTimezone},
    {"selinux", ReadSelinux},
};

constexpr std::string_view kByImages =
    "The software of the host comes with the images that part --image names.";
constexpr std::string_view kByHostConfiguration =
    "Print the Host Configuration with tridentctl kickstart, and describe it there.";
constexpr std::string_view kLeaveOutUnattended =
    "Leave it out: the agent never asks and shows nothing.";
constexpr std::string_view kDisksAreEmptied =
    "Leave it out: every disk that a part names is partitioned from scratch, others are not "
    "touched.";
constexpr std::string_view kInPost = "Do it in a %post script, or in the image.";
constexpr std::string_view kLeaveOut = "Leave it out.";

struct Unsupported {
  std::string_view name;
  std::string_view remedy;
};

constexpr Unsupported kUnsupported[] = {
    {"auth", kInPost},
    {"authconfig", kInPost},
    {"authselect", kInPost},
    {"autopart", "Write a part for every partition."},
    {"autostep", kLeaveOutUnattended},
    {"btrfs", "Write a part with --fstype=btrfs."},
    {"cdrom", kByImages},
    {"clearpart", kDisksAreEmptied},
    {"graphical", kLeaveOutUnattended},
    {"text", kLeaveOutUnattended},
    {"cmdline", kLeaveOutUnattended},
    {"device", kLeaveOut},
    {"deviceprobe", kLeaveOut},
    {"dmraid", kLeaveOut},
    {"driverdisk", kByImages},
    {"eula", kLeaveOut},
    {"fcoe", kLeaveOut},
    {"firewall",
     "The agent changes no firewall: let the image bring its rules, enable its service with the "
     "command services, or set it up in a %post script."},
    {"firstboot", kLeaveOut},
    {"group", kInPost},
    {"reboot", "Leave it out: the host reboots when the installation is complete."},
    {"poweroff", "Leave it out: the host reboots when the installation is complete."},
    {"shutdown", "Leave it out: the host reboots when the installation is complete."},
    {"halt", "Leave it out: the host reboots when the installation is complete."},
    {"harddrive", kByImages},
    {"hmc", kByImages},
    {"ignoredisk", kDisksAreEmptied},
    {"install", kLeaveOut},
    {"interactive", kLeaveOutUnattended},
    {"iscsi", kLeaveOut},
    {"iscsiname", kLeaveOut},
    {"keyboard", kInPost},
    {"lang", kInPost},
    {"langsupport", kInPost},
    {"lilo", "Write bootloader --append for options of the kernel."},
    {"lilocheck", kLeaveOut},
    {"logging", kLeaveOut},
    {"logvol", "Write a part for every file system: there are no logical volumes."},
    {"mediacheck", kLeaveOut},
    {"method", kByImages},
    {"module", kByImages},
    {"monitor", kLeaveOutUnattended},
    {"mount", "Write a part for every file system that is made."},
    {"mouse", kLeaveOutUnattended},
    {"multipath", kLeaveOut},
    {"nfs", kByImages},
    {"nvdimm", kLeaveOut},
    {"ostreecontainer", kByImages},
    {"ostreesetup", kByImages},
    {"raid", kByHostConfiguration},
    {"realm", kInPost},
    {"repo", kByImages},
    {"reqpart", "Write part /boot/efi for the EFI system partition."},
    {"rescue", kLeaveOut},
    {"skipx", kLeaveOutUnattended},
    {"snapshot", kLeaveOut},
    {"sshpw", kLeaveOut},
    {"timesource", kInPost},
    {"updates", kByImages},
    {"upgrade", "An update is a Host Configuration with other images: see tridentctl update."},
    {"url", kByImages},
    {"vnc", kLeaveOutUnattended},
    {"volgroup", "Write a part for every file system: there are no logical volumes."},
    {"xconfig", kLeaveOutUnattended},
    {"zerombr", kDisksAreEmptied},
    {"zfcp", kLeaveOut},
    {"zipl", kLeaveOut},
};

template <typename Table>
const auto* FindByName(const Table& table, std::string_view name) {
  const auto* const found = std::find_if(std::begin(table), std::end(table),
                                         [&](const auto& entry) { return entry.name == name; });
  return found == std::end(table) ? nullptr : found;
}

}  // namespace

void ReadCommand(const Line& line, std::span<const std::string> words, const CommandSink& sink) {
  const std::string& name = words.front();
  if (const Known* known = FindByName(kKnown, name)) {
    known->read(line, words, sink);
  } else if (const Unsupported* unsupported = FindByName(kUnsupported, name)) {
    sink.problems.Add(ProblemKind::kUnsupportedCommand, line,
                      StrCat("the command ", name, " has no equal in a Host Configuration. ",
                             unsupported->remedy));
  } else {
    sink.problems.Add(ProblemKind::kUnknownCommand, line,
                      StrCat("\"", Shorten(name), "\" is no command of a kickstart"));
  }
}

void WarnOfReplaced(const Line& later, const Line& earlier, const std::string& what,
                    ProblemList& problems) {
  problems.Add(ProblemKind::kSemanticWarning, later,
               StrCat(what, " replaces that of ", DescribePlace(earlier)));
}

}  // namespace trident::kickstart
