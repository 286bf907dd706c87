// The operating system that is configured: a mounted new root, or the one that runs.
#ifndef TRIDENT_AGENT_OSCONFIG_TARGET_SYSTEM_H_
#define TRIDENT_AGENT_OSCONFIG_TARGET_SYSTEM_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "agent/host/cancellation.h"
#include "agent/host/command_runner.h"
#include "agent/host/files.h"
#include "agent/undo/undo_journal.h"

namespace trident {

struct FileOwner {
  uint32_t user = 0;
  uint32_t group = 0;

  bool operator==(const FileOwner&) const = default;
};

// One way to configure both: paths are those of the target system, programs run inside of it, and
// what is changed of the running system is saved for undoing first.
class TargetSystem {
 public:
  using Tell = std::function<void(std::string_view)>;

  // What happens is told to these two.
  struct Voices {
    Tell info;
    Tell warning;
  };

  // The new root that is mounted at `root`.
  static TargetSystem NewRoot(Files& files, CommandRunner& commands, std::string root,
                              Voices voices, const Cancellation& cancellation);
  // The running system; `undo` has begun.
  static TargetSystem Running(Files& files, CommandRunner& commands, UndoJournal& undo,
                              Voices voices, const Cancellation& cancellation);

  bool is_running() const { return undo_ != nullptr; }

  // Where `path` of the system is, seen from here; no link on the way leaves the system.
  absl::StatusOr<std::string> Locate(const std::string& path) const;
  bool Exists(const std::string& path) const;
  // No value when there is no such file.
  absl::StatusOr<std::optional<std::string>> Read(const std::string& path) const;

  // Makes the file have this content, mode and owner, with its folders, which belong to root;
  // `mode` 0 keeps the mode and the owner of a file that is there. False when it was so before, so
  // that nothing was done.
  absl::StatusOr<bool> Write(const std::string& path, std::string_view content, uint32_t mode,
                             FileOwner owner = {});
  // A symbolic link; replaces a link or a file.
  absl::StatusOr<bool> Link(const std::string& target, const std::string& path);
  absl::StatusOr<bool> Remove(const std::string& path);

  // Of the running system: saved for undoing. Nothing otherwise.
  absl::Status SaveFile(const std::string& path);
  absl::Status SaveCommand(const std::vector<std::string>& undo);

  // Runs a program of the system. Errors as of CommandRunner::RunChecked; a program that is missing
  // is told with its remedy.
  absl::Status Run(const std::vector<std::string>& argv);
  absl::Status RunWithSecret(const std::vector<std::string>& argv, const Secret& input);
  // Whatever its exit status is.
  absl::StatusOr<CommandResult> Try(const std::vector<std::string>& argv);
  // systemctl of this system, told to work on the files of a new root.
  std::vector<std::string> Systemctl(std::vector<std::string> arguments) const;
  // Runs it outside of a new root.
  absl::StatusOr<CommandResult> TrySystemctl(const std::vector<std::string>& arguments);

  void Info(std::string_view message) const { voices_.info(message); }
  void Warn(std::string_view message) const { voices_.warning(message); }

  const Files& files() const { return files_; }
  // To do what the functions above do not; they save for undoing, this does not.
  Files& mutable_files() const { return files_; }

 private:
  TargetSystem(Files& files, CommandRunner& commands, std::string root, UndoJournal* undo,
               Voices voices, const Cancellation& cancellation);

  Command MakeCommand(const std::vector<std::string>& argv) const;
  absl::Status MakeFolderOf(const std::string& located);

  Files& files_;
  CommandRunner& commands_;
  std::string root_;  // empty: the running system
  UndoJournal* undo_;
  Voices voices_;
  const Cancellation& cancellation_;
};

}  // namespace trident

#endif  // TRIDENT_AGENT_OSCONFIG_TARGET_SYSTEM_H_
