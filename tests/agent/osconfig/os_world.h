// A system in memory that is configured: as a new root, or as the one that runs.
#ifndef TRIDENT_TESTS_AGENT_OSCONFIG_OS_WORLD_H_
#define TRIDENT_TESTS_AGENT_OSCONFIG_OS_WORLD_H_

#include <set>
#include <string>
#include <vector>

#include "agent/host/fake/fake_command_runner.h"
#include "agent/host/fake/fake_files.h"
#include "agent/osconfig/target_system.h"
#include "common/config/host_configuration.h"

namespace trident::test {

// A user with nothing but a name.
inline User UserNamed(const std::string& name) {
  User user;
  user.name = name;
  return user;
}

// The tools for accounts and systemctl work on the files and on `enabled` and `active` of this
// world, so that what they did shows.
class OsWorld {
 public:
  // `root`: "/new", or empty for the running system.
  explicit OsWorld(std::string root);

  TargetSystem& system() { return system_; }
  UndoJournal& undo() { return undo_; }
  std::string Path(const std::string& path) const { return root_ + path; }
  // Content of a file of the system; "(none)" when there is none.
  std::string Get(const std::string& path) const;
  void Set(const std::string& path, const std::string& content, uint32_t mode = 0644);
  // Command lines that begin so.
  std::vector<std::string> Ran(const std::string& program) const;

  FakeFiles files;
  FakeCommandRunner commands;
  std::set<std::string> enabled;
  std::set<std::string> active;
  std::vector<std::string> infos;
  std::vector<std::string> warnings;
  // What chpasswd was given, and on which command line.
  std::vector<std::string> passwords;

 private:
  absl::StatusOr<CommandResult> UserAdd(const Command& command);
  absl::StatusOr<CommandResult> GroupAdd(const Command& command);
  absl::StatusOr<CommandResult> UserMod(const Command& command);
  absl::StatusOr<CommandResult> GroupPasswd(const Command& command);
  absl::StatusOr<CommandResult> ChangePassword(const Command& command);
  absl::StatusOr<CommandResult> Systemctl(const Command& command);
  void SetShadow(const std::string& name, const std::string& password);

  const std::string root_;
  const Cancellation cancellation_;
  UndoJournal undo_;
  TargetSystem system_;
};

}  // namespace trident::test

#endif  // TRIDENT_TESTS_AGENT_OSCONFIG_OS_WORLD_H_
