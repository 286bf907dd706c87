#include "agent/host/fake/fake_raid_tools.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

namespace trident {
namespace {

CommandResult Failed(std::string message) {
  CommandResult result;
  result.exit_status = 1;
  result.error_output = std::move(message);
  return result;
}

// The value of "--name=value", or empty.
std::string OptionOf(const std::vector<std::string>& argv, const std::string& option) {
  for (const std::string& word : argv) {
    if (word.starts_with(option + "=")) return word.substr(option.size() + 1);
  }
  return "";
}

uint64_t SizeOf(const std::string& level, uint64_t member, uint64_t count) {
  if (level == "0") return member * count;
  if (level == "5") return member * (count - 1);
  if (level == "6") return member * (count - 2);
  if (level == "10") return member * count / 2;
  return member;
}

}  // namespace

void AddRaidTools(FakeCommandRunner& commands, FakeBlockDevices& devices, FakeFiles& files) {
  commands.On({"mdadm", "--create"}, [&devices, &files](const Command& command) {
    std::vector<std::string> members;
    for (size_t i = 3; i < command.argv.size(); ++i) {
      if (!command.argv[i].starts_with("--")) members.push_back(command.argv[i]);
    }
    // The superblock takes its room: 1 MiB here.
    uint64_t smallest = UINT64_MAX;
    for (const std::string& member : members) {
      const auto size = devices.Size(member);
      if (!size.ok()) return Failed("mdadm: cannot open " + member);
      smallest = std::min(smallest, *size - (1 << 20));
    }
    const std::string name =
        absl::StrCat("md", 127 - devices.Arrays().value_or(std::vector<ObservedArray>()).size());
    devices.AddArray("/dev/" + name, members,
                     SizeOf(OptionOf(command.argv, "--level"), smallest, members.size()));
    const std::string by_id = "/dev/disk/by-id/md-uuid-" + OptionOf(command.argv, "--uuid");
    for (const std::string& link : {by_id, command.argv[2]}) {
      devices.AddLink(link, "/dev/" + name);
      files.SetLink(link, "/dev/" + name);
    }
    files.SetFile("/dev/" + name, "");
    const std::string folder = absl::StrCat("/sys/block/", name, "/md");
    files.SetFile(folder + "/array_state", "clean\n");
    files.SetFile(folder + "/degraded", "0\n");
    files.SetFile(folder + "/sync_action", "idle\n");
    files.SetFile(folder + "/sync_completed", "none\n");
    return CommandResult();
  });
  commands.On({"mdadm", "--stop"}, [&devices](const Command& command) {
    devices.RemoveArray(command.argv[2]);
    return CommandResult();
  });
  // The rebuild takes no time.
  commands.On({"mdadm", "--manage"}, [&devices, &files](const Command& command) {
    if (command.argv.size() != 5 || command.argv[3] != "--add") return Failed("mdadm: usage");
    devices.JoinMember(command.argv[2], command.argv[4]);
    files.SetFile(absl::StrCat("/sys/block/", command.argv[2].substr(5), "/md/degraded"), "0\n");
    return CommandResult();
  });
  commands.On({"mdadm", "--zero-superblock"}, CommandResult());
}

}  // namespace trident
