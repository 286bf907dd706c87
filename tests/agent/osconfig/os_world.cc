#include "tests/agent/osconfig/os_world.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "agent/osconfig/accounts.h"

namespace trident::test {
namespace {

// The word behind an option; empty when it is not given.
std::string After(const std::vector<std::string>& argv, const std::string& option) {
  const auto found = std::find(argv.begin(), argv.end(), option);
  return found == argv.end() || found + 1 == argv.end() ? "" : *(found + 1);
}

CommandResult Fails(const std::string& why) { return {1, "", why}; }

}  // namespace

OsWorld::OsWorld(std::string root)
    : root_(std::move(root)),
      undo_(files, commands, "/var/lib/trident/undo"),
      system_(
          root_.empty()
              ? TargetSystem::Running(files, commands, undo_,
                                      {[this](std::string_view m) { infos.emplace_back(m); },
                                       [this](std::string_view m) { warnings.emplace_back(m); }},
                                      cancellation_)
              : TargetSystem::NewRoot(files, commands, root_,
                                      {[this](std::string_view m) { infos.emplace_back(m); },
                                       [this](std::string_view m) { warnings.emplace_back(m); }},
                                      cancellation_)) {
  files.SetDirectory("/var/lib/trident");
  Set("/etc/passwd", "root:x:0:0:root:/root:/bin/bash\ndaemon:x:1:1::/usr/sbin:/bin/false\n");
  Set("/etc/group", "root:x:0:\ndaemon:x:1:\nsudo:x:27:\n");
  Set("/etc/shadow", "root:!:19000:0:99999:7:::\ndaemon:*:19000:0:99999:7:::\n", 0640);
  Set("/bin/bash", "shell");
  files.SetDirectory(Path("/root"), 0700);
  files.SetDirectory(Path("/home"));
  commands.On({"useradd"}, [this](const Command& command) { return UserAdd(command); });
  commands.On({"groupadd"}, [this](const Command& command) { return GroupAdd(command); });
  commands.On({"usermod"}, [this](const Command& command) { return UserMod(command); });
  commands.On({"gpasswd"}, [this](const Command& command) { return GroupPasswd(command); });
  commands.On({"chpasswd"}, [this](const Command& command) { return ChangePassword(command); });
  commands.On({"systemctl"}, [this](const Command& command) { return Systemctl(command); });
  if (root_.empty()) static_cast<void>(undo_.Begin("job", "boot", "/dev/vda2"));
}

std::string OsWorld::Get(const std::string& path) const {
  return files.Get(Path(path)).value_or("(none)");
}

void OsWorld::Set(const std::string& path, const std::string& content, uint32_t mode) {
  files.SetFile(Path(path), content, mode);
}

std::vector<std::string> OsWorld::Ran(const std::string& program) const {
  std::vector<std::string> lines;
  for (const std::string& line : commands.command_lines()) {
    if (absl::StartsWith(line, program)) lines.push_back(line);
  }
  return lines;
}

absl::StatusOr<CommandResult> OsWorld::GroupAdd(const Command& command) {
  if (command.root != root_) return Fails("wrong root");
  const std::string gid = After(command.argv, "--gid");
  const std::string& name = command.argv.back();
  Set("/etc/group",
      absl::StrCat(Get("/etc/group"), name, ":x:", gid.empty() ? "1001" : gid, ":\n"));
  return CommandResult{};
}

absl::StatusOr<CommandResult> OsWorld::UserAdd(const Command& command) {
  if (command.root != root_) return Fails("wrong root");
  const std::string& name = command.argv.back();
  if (FindAccount(ParsePasswd(Get("/etc/passwd")), name) != nullptr)
    return CommandResult{9, "", ""};
  const std::string uid =
      After(command.argv, "--uid").empty() ? "1000" : After(command.argv, "--uid");
  std::string gid = uid;
  if (const std::string group = After(command.argv, "--gid"); !group.empty()) {
    gid = absl::StrCat(FindGroup(ParseGroups(Get("/etc/group")), group)->gid);
  } else {
    Set("/etc/group", absl::StrCat(Get("/etc/group"), name, ":x:", gid, ":\n"));
  }
  const std::string home = After(command.argv, "--home-dir");
  Set("/etc/passwd", absl::StrCat(Get("/etc/passwd"), name, ":x:", uid, ":", gid, "::", home, ":",
                                  After(command.argv, "--shell"), "\n"));
  Set("/etc/shadow", absl::StrCat(Get("/etc/shadow"), name, ":!:19000:0:99999:7:::\n"), 0640);
  files.SetDirectory(Path(home), 0700);
  return CommandResult{};
}

absl::StatusOr<CommandResult> OsWorld::UserMod(const Command& command) {
  if (command.root != root_) return Fails("wrong root");
  const std::string& name = command.argv.back();
  if (const std::string password = After(command.argv, "--password"); !password.empty()) {
    SetShadow(name, password);
  }
  const std::vector<std::string> joined =
      absl::StrSplit(After(command.argv, "--groups"), ',', absl::SkipEmpty());
  std::vector<std::string> lines;
  for (const Group& group : ParseGroups(Get("/etc/group"))) {
    std::vector<std::string> members = group.members;
    if (std::find(joined.begin(), joined.end(), group.name) != joined.end()) {
      members.push_back(name);
    }
    lines.push_back(absl::StrCat(group.name, ":x:", group.gid, ":", absl::StrJoin(members, ",")));
  }
  Set("/etc/group", absl::StrJoin(lines, "\n") + "\n");
  return CommandResult{};
}

absl::StatusOr<CommandResult> OsWorld::GroupPasswd(const Command& command) {
  const std::string name = After(command.argv, "--delete");
  std::vector<std::string> lines;
  for (const Group& group : ParseGroups(Get("/etc/group"))) {
    std::vector<std::string> members = group.members;
    if (group.name == command.argv.back()) std::erase(members, name);
    lines.push_back(absl::StrCat(group.name, ":x:", group.gid, ":", absl::StrJoin(members, ",")));
  }
  Set("/etc/group", absl::StrJoin(lines, "\n") + "\n");
  return CommandResult{};
}

absl::StatusOr<CommandResult> OsWorld::ChangePassword(const Command& command) {
  if (command.root != root_ || command.secret_input == nullptr) return Fails("no secret input");
  const std::string line(command.secret_input->chars(), command.secret_input->size());
  passwords.push_back(absl::StrCat(RenderCommand(command.argv), " < ", line));
  const std::pair<std::string, std::string> parts =
      absl::StrSplit(line.substr(0, line.size() - 1), absl::MaxSplits(':', 1));
  SetShadow(parts.first, command.argv[1] == "--encrypted" ? parts.second : "$6$of$plain");
  return CommandResult{};
}

void OsWorld::SetShadow(const std::string& name, const std::string& password) {
  std::string text;
  const std::string shadow = Get("/etc/shadow");
  for (const auto line : absl::StrSplit(shadow, '\n', absl::SkipEmpty())) {
    absl::StrAppend(&text,
                    absl::StartsWith(line, name + ":")
                        ? absl::StrCat(name, ":", password, ":19000:0:99999:7:::")
                        : std::string(line),
                    "\n");
  }
  Set("/etc/shadow", text, 0640);
}

absl::StatusOr<CommandResult> OsWorld::Systemctl(const Command& command) {
  const bool is_offline =
      std::find(command.argv.begin(), command.argv.end(), "--root=" + root_) != command.argv.end();
  if (is_offline == root_.empty() || !command.root.empty()) return Fails("wrong root");
  const std::string& unit = command.argv.back();
  const auto verb = std::find_if(command.argv.begin() + 1, command.argv.end(),
                                 [](const std::string& word) { return word[0] != '-'; });
  if (unit == "missing") return Fails("Unit missing.service does not exist.");
  if (*verb == "is-enabled") return CommandResult{enabled.contains(unit) ? 0 : 1, "", ""};
  if (*verb == "is-active") return CommandResult{active.contains(unit) ? 0 : 3, "", ""};
  if (*verb == "enable") enabled.insert(unit);
  if (*verb == "disable") enabled.erase(unit);
  if (*verb == "start") active.insert(unit);
  if (*verb == "stop") active.erase(unit);
  return CommandResult{};
}

}  // namespace trident::test
