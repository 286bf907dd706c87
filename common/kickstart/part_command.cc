#include <optional>
#include <string>
#include <string_view>

#include "common/base/strings.h"
#include "common/base/yaml_document.h"
#include "common/config/format.h"
#include "common/kickstart/commands.h"

namespace trident::kickstart {
namespace {

constexpr OptionSpec kOptions[] = {
    {"--fstype"},
    {"--size"},
    {"--grow", OptionKind::kFlag},
    {"--ondisk", OptionKind::kValue, "--ondrive"},
    {"--label"},
    {"--fsoptions", OptionKind::kList},
    {"--image"},
};
constexpr CommandSpec kPart = {
    .name = "part", .options = kOptions, .word = "mount point", .word_is_required = true};

constexpr char kSwap[] = "swap";
constexpr char kEspMount[] = "/boot/efi";
constexpr char kDefaultDisk[] = "/dev/sda";
constexpr std::string_view kDeviceFolder = "/dev/";
constexpr uint64_t kMebibyte = 1 << 20;
constexpr uint64_t kMostMebibytes = UINT64_MAX / kMebibyte;

// Places for which a Host Configuration has other means, and what kickstart calls them.
std::string_view OtherUseOf(std::string_view mount) {
  if (mount == "biosboot") return "a BIOS boot partition: hosts boot with UEFI";
  if (mount == "prepboot") return "a PReP boot partition: hosts boot with UEFI";
  if (mount.starts_with("raid."))
    return "a member of an array: describe arrays in storage.raid of a Host Configuration";
  if (mount.starts_with("pv.")) return "a physical volume: there are no logical volumes";
  if (mount.starts_with("btrfs."))
    return "a btrfs volume: write part with the mount point and --fstype=btrfs";
  return {};
}

// "/var/" is "/var".
std::string WithoutFinalSlash(std::string_view path) {
  while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  return std::string(path);
}

void ReadMount(Arguments& arguments, Part& part) {
  const std::string& mount = arguments.word();
  if (mount == kSwap) {
    part.mount = mount;
    return;
  }
  if (const std::string_view use = OtherUseOf(mount); !use.empty()) {
    arguments.Fail(ProblemKind::kTranslationError, StrCat(Shorten(mount), " is ", use));
    return;
  }
  if (const auto fault = CheckFormat(Format::kAbsolutePath, mount)) {
    arguments.Fail(StrCat("\"", Shorten(mount), "\" is no mount point: ", fault->reason,
                          ". Write an absolute path, or swap."));
    return;
  }
  part.mount = WithoutFinalSlash(mount);
}

void ReadFilesystem(Arguments& arguments, Part& part) {
  const bool is_swap = part.mount == kSwap;
  if (!arguments.Has("--fstype")) {
    part.filesystem = is_swap ? kSwap : part.mount == kEspMount ? "vfat" : "ext4";
    return;
  }
  constexpr std::string_view kFilesystems[] = {"ext4", "xfs", "btrfs", "vfat", kSwap, "vfat"};
  const auto choice = arguments.Choice("--fstype", {"ext4", "xfs", "btrfs", "vfat", kSwap, "efi"});
  if (!choice) return;
  part.filesystem = kFilesystems[*choice];
  if (part.mount.empty() || is_swap == (part.filesystem == kSwap)) return;
  arguments.Fail(ProblemKind::kSemanticError,
                 is_swap ? StrCat("swap cannot have the file system ", part.filesystem)
                         : StrCat(part.mount,
                                  " cannot have the file system swap; write part swap "
                                  "--fstype=swap"));
}

void ReadSize(Arguments& arguments, Part& part) {
  if (!arguments.AtMostOne({"--size", "--grow"})) return;
  if (!arguments.Has("--size") && !arguments.Has("--grow")) {
    arguments.Fail("one of --size=MEBIBYTES and --grow is needed");
    return;
  }
  const auto mebibytes = arguments.Unsigned("--size", kMostMebibytes);
  if (!mebibytes) return;
  if (*mebibytes == 0) {
    arguments.Fail(ProblemKind::kSemanticError, "a partition of size 0 cannot be made");
  }
  part.size = *mebibytes * kMebibyte;
}

void ReadDisk(Arguments& arguments, Part& part) {
  part.disk = kDefaultDisk;
  if (!arguments.Has("--ondisk")) return;
  std::string device = arguments.Text("--ondisk");
  if (!device.starts_with('/')) device = StrCat(kDeviceFolder, device);
  const auto fault = CheckFormat(Format::kAbsolutePath, device);
  if (fault || !device.starts_with(kDeviceFolder) || device.ends_with('/')) {
    arguments.Fail(ProblemKind::kSemanticError,
                   StrCat("--ondisk=", Shorten(arguments.Text("--ondisk")),
                          " names no device; write a name below /dev, such as sda or "
                          "disk/by-path/pci-0000:00:04.0"));
    return;
  }
  part.disk = device;
}

// A place in the tree has one file system. Of swap there may be any number.
void AddPart(Part part, const CommandSink& sink) {
  auto& parts = sink.kickstart.parts;
  if (part.mount != kSwap) {
    for (auto it = parts.begin(); it != parts.end(); ++it) {
      if (it->mount != part.mount) continue;
      WarnOfReplaced(part.line, it->line, StrCat("the partition for ", Shorten(part.mount)),
                     sink.problems);
      parts.erase(it);
      break;
    }
  }
  parts.push_back(std::move(part));
}

}  // namespace

void ReadPart(const Line& line, std::span<const std::string> words, const CommandSink& sink) {
  auto arguments = Arguments::Parse(kPart, line, words, sink.problems);
  if (!arguments) return;
  Part part;
  part.line = line;
  ReadMount(*arguments, part);
  ReadFilesystem(*arguments, part);
  ReadSize(*arguments, part);
  ReadDisk(*arguments, part);
  part.options = arguments->ListOf("--fsoptions", Format::kLine);
  part.image = arguments->OfFormat("--image", Format::kImageUrl);
  if (part.image && part.mount == kSwap) {
    arguments->Fail(ProblemKind::kSemanticError, "swap has no image");
  }
  if (arguments->Has("--label")) {
    arguments->Fail(ProblemKind::kSemanticWarning,
                    "--label has no effect: the label of a partition is its id");
  }
  if (arguments->ok()) AddPart(std::move(part), sink);
}

}  // namespace trident::kickstart
