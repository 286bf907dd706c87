#include "agent/osconfig/target_system.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/error.h"

namespace trident {
namespace {

absl::Status Missing(const absl::Status& status, const std::string& program) {
  if (!absl::IsNotFound(status)) return status;
  return MakeError(absl::StatusCode::kFailedPrecondition, "precondition", "program-missing",
                   absl::StrCat("the system has no program ", program, ": ", status.message()),
                   "Install it in the image.");
}

}  // namespace

TargetSystem TargetSystem::NewRoot(Files& files, CommandRunner& commands, std::string root,
                                   Voices voices, const Cancellation& cancellation) {
  return {files, commands, std::move(root), nullptr, std::move(voices), cancellation};
}

TargetSystem TargetSystem::Running(Files& files, CommandRunner& commands, UndoJournal& undo,
                                   Voices voices, const Cancellation& cancellation) {
  return {files, commands, "", &undo, std::move(voices), cancellation};
}

TargetSystem::TargetSystem(Files& files, CommandRunner& commands, std::string root,
                           UndoJournal* undo, Voices voices, const Cancellation& cancellation)
    : files_(files),
      commands_(commands),
      root_(std::move(root)),
      undo_(undo),
      voices_(std::move(voices)),
      cancellation_(cancellation) {}

absl::StatusOr<std::string> TargetSystem::Locate(const std::string& path) const {
  if (root_.empty()) return path;
  // The last component stays as it is: what is written there replaces a link.
  TRIDENT_ASSIGN_OR_RETURN(std::string folder, ResolveBelow(files_, root_, FolderOf(path)));
  return absl::StrCat(folder, path.substr(path.rfind('/')));
}

bool TargetSystem::Exists(const std::string& path) const {
  if (root_.empty()) return files_.Exists(path);
  const absl::StatusOr<std::string> resolved = ResolveBelow(files_, root_, path);
  return resolved.ok() && files_.Exists(*resolved);
}

absl::StatusOr<std::optional<std::string>> TargetSystem::Read(const std::string& path) const {
  std::string resolved = path;
  if (!root_.empty()) {
    TRIDENT_ASSIGN_OR_RETURN(resolved, ResolveBelow(files_, root_, path));
  }
  absl::StatusOr<std::string> content = files_.Read(resolved);
  if (absl::IsNotFound(content.status())) return std::optional<std::string>();
  if (!content.ok()) return content.status();
  return std::optional<std::string>(*std::move(content));
}

absl::Status TargetSystem::MakeFolderOf(const std::string& located) {
  const std::string folder = FolderOf(located);
  if (files_.IsDirectory(folder)) return absl::OkStatus();
  // Of a running system the topmost new folder is what has to go again.
  std::string topmost = folder;
  while (topmost != "/" && !files_.Exists(FolderOf(topmost))) topmost = FolderOf(topmost);
  if (undo_ != nullptr) TRIDENT_RETURN_IF_ERROR(undo_->SaveFile(topmost));
  return files_.MakeDirectories(folder, 0755);
}

absl::StatusOr<bool> TargetSystem::Write(const std::string& path, std::string_view content,
                                         uint32_t mode, FileOwner owner) {
  TRIDENT_ASSIGN_OR_RETURN(const std::string located, Locate(path));
  const absl::StatusOr<FileFacts> facts = files_.Facts(located);
  const bool is_as_wanted =
      facts.ok() && facts->type == FileFacts::Type::kRegular && facts->size == content.size() &&
      (mode == 0 ||
       (facts->mode == mode && facts->owner == owner.user && facts->group == owner.group));
  if (is_as_wanted) {
    const absl::StatusOr<std::string> there = files_.Read(located, content.size());
    if (there.ok() && *there == content) return false;
  }
  TRIDENT_RETURN_IF_ERROR(SaveFile(path));
  TRIDENT_RETURN_IF_ERROR(Annotate(MakeFolderOf(located), absl::StrCat("write ", path)));
  TRIDENT_RETURN_IF_ERROR(Annotate(files_.Write(located, content, mode), "configure the system"));
  if (owner != FileOwner()) {
    TRIDENT_RETURN_IF_ERROR(files_.ChangeOwner(located, owner.user, owner.group));
  }
  return true;
}

absl::StatusOr<bool> TargetSystem::Link(const std::string& target, const std::string& path) {
  TRIDENT_ASSIGN_OR_RETURN(const std::string located, Locate(path));
  const absl::StatusOr<std::string> there = files_.ReadLink(located);
  if (there.ok() && *there == target) return false;
  TRIDENT_RETURN_IF_ERROR(SaveFile(path));
  TRIDENT_RETURN_IF_ERROR(MakeFolderOf(located));
  TRIDENT_RETURN_IF_ERROR(files_.MakeLink(target, located));
  return true;
}

absl::StatusOr<bool> TargetSystem::Remove(const std::string& path) {
  TRIDENT_ASSIGN_OR_RETURN(const std::string located, Locate(path));
  if (!files_.Facts(located).ok()) return false;
  TRIDENT_RETURN_IF_ERROR(SaveFile(path));
  TRIDENT_RETURN_IF_ERROR(files_.Remove(located));
  return true;
}

absl::Status TargetSystem::SaveFile(const std::string& path) {
  return undo_ == nullptr ? absl::OkStatus() : undo_->SaveFile(path);
}

absl::Status TargetSystem::SaveCommand(const std::vector<std::string>& undo) {
  return undo_ == nullptr ? absl::OkStatus() : undo_->SaveCommand(undo);
}

Command TargetSystem::MakeCommand(const std::vector<std::string>& argv) const {
  Command command;
  command.argv = argv;
  command.root = root_;
  command.cancellation = &cancellation_;
  return command;
}

absl::Status TargetSystem::Run(const std::vector<std::string>& argv) {
  return Missing(commands_.RunChecked(MakeCommand(argv)).status(), argv[0]);
}

absl::Status TargetSystem::RunWithSecret(const std::vector<std::string>& argv,
                                         const Secret& input) {
  Command command = MakeCommand(argv);
  command.secret_input = &input;
  return Missing(commands_.RunChecked(command).status(), argv[0]);
}

absl::StatusOr<CommandResult> TargetSystem::Try(const std::vector<std::string>& argv) {
  absl::StatusOr<CommandResult> result = commands_.Run(MakeCommand(argv));
  if (!result.ok()) return Missing(result.status(), argv[0]);
  return result;
}

std::vector<std::string> TargetSystem::Systemctl(std::vector<std::string> arguments) const {
  std::vector<std::string> argv = {"systemctl", "--no-ask-password"};
  if (!root_.empty()) argv.push_back(absl::StrCat("--root=", root_));
  argv.insert(argv.end(), std::make_move_iterator(arguments.begin()),
              std::make_move_iterator(arguments.end()));
  return argv;
}

absl::StatusOr<CommandResult> TargetSystem::TrySystemctl(
    const std::vector<std::string>& arguments) {
  Command command = MakeCommand(Systemctl(arguments));
  command.root.clear();
  absl::StatusOr<CommandResult> result = commands_.Run(command);
  if (!result.ok()) return Missing(result.status(), "systemctl");
  return result;
}

}  // namespace trident
