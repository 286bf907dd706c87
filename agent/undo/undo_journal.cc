#include "agent/undo/undo_journal.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/error.h"

namespace trident {
namespace {

using nlohmann::json;

absl::Status Broken(const std::string& path) {
  return MakeError(absl::StatusCode::kDataLoss, "environment", "undo-unreadable",
                   absl::StrCat(path,
                                ", which says how to undo a change of this system, cannot be "
                                "read"),
                   "Look at the files beside it: they are the ones from before the change. Remove "
                   "the folder when the system is as it should be.");
}

absl::Status CheckRoot(const std::string& changed, const std::string& running) {
  if (changed == running) return absl::OkStatus();
  return MakeError(absl::StatusCode::kFailedPrecondition, "precondition", "wrong-root",
                   absl::StrCat("the system on ", changed, " is being changed, but the one on ",
                                running, " runs"),
                   "Boot the system that was being changed.");
}

}  // namespace

UndoJournal::UndoJournal(Files& files, CommandRunner& commands, std::string folder)
    : files_(files), commands_(commands), folder_(std::move(folder)) {}

absl::StatusOr<UndoJournal::Content> UndoJournal::Load() const {
  const absl::StatusOr<std::string> text = files_.Read(IndexPath());
  if (absl::IsNotFound(text.status())) return Content{};
  if (!text.ok()) return text.status();
  Content content;
  try {
    const json document = json::parse(*text);
    content.job_id = document.at("job").get<std::string>();
    content.boot_id = document.at("boot").get<std::string>();
    content.root_device = document.at("root").get<std::string>();
    for (const json& one : document.at("entries")) {
      content.entries.push_back({one.value("path", ""), one.value("copy", ""),
                                 one.value("command", std::vector<std::string>())});
    }
  } catch (const json::exception&) {
    return Broken(IndexPath());
  }
  return content;
}

absl::Status UndoJournal::Store() {
  json entries = json::array();
  for (const Entry& entry : content_.entries) {
    if (entry.path.empty()) {
      entries.push_back({{"command", entry.command}});
    } else {
      entries.push_back({{"path", entry.path}, {"copy", entry.copy}});
    }
  }
  const json document = {{"job", content_.job_id},
                         {"boot", content_.boot_id},
                         {"root", content_.root_device},
                         {"entries", entries}};
  // A path may be any bytes.
  const std::string text = document.dump(1, ' ', false, json::error_handler_t::replace);
  return Annotate(files_.Write(IndexPath(), text, 0600), "note how to undo a change");
}

absl::Status UndoJournal::Begin(const std::string& job_id, const std::string& boot_id,
                                const std::string& root_device) {
  TRIDENT_ASSIGN_OR_RETURN(content_, Load());
  if (content_.job_id == job_id) return CheckRoot(content_.root_device, root_device);
  TRIDENT_RETURN_IF_ERROR(Forget());
  TRIDENT_RETURN_IF_ERROR(files_.MakeDirectories(folder_, 0700));
  content_.job_id = job_id;
  content_.boot_id = boot_id;
  content_.root_device = root_device;
  return Store();
}

absl::Status UndoJournal::SaveFile(const std::string& path) {
  const bool is_saved = std::any_of(content_.entries.begin(), content_.entries.end(),
                                    [&](const Entry& entry) { return entry.path == path; });
  if (is_saved) return absl::OkStatus();
  Entry entry{.path = path, .copy = ""};
  const absl::StatusOr<FileFacts> facts = files_.Facts(path);
  if (facts.ok()) {
    entry.copy = absl::StrCat(content_.entries.size());
    const std::string copy = absl::StrCat(folder_, "/", entry.copy);
    // Of a copy that was cut short, the name is not in the index: it is made anew.
    TRIDENT_RETURN_IF_ERROR(RemoveTree(files_, copy));
    TRIDENT_RETURN_IF_ERROR(Annotate(files_.CopyWhole(path, copy),
                                     absl::StrCat("keep ", path, " as it is, to undo its change")));
  } else if (!absl::IsNotFound(facts.status())) {
    return facts.status();
  }
  content_.entries.push_back(std::move(entry));
  return Store();
}

absl::Status UndoJournal::SaveCommand(const std::vector<std::string>& argv) {
  const bool is_saved = std::any_of(content_.entries.begin(), content_.entries.end(),
                                    [&](const Entry& entry) { return entry.command == argv; });
  if (is_saved) return absl::OkStatus();
  content_.entries.push_back({.path = "", .copy = "", .command = argv});
  return Store();
}

absl::StatusOr<std::string> UndoJournal::BootId() const {
  TRIDENT_ASSIGN_OR_RETURN(Content content, Load());
  return std::move(content.boot_id);
}

absl::StatusOr<bool> UndoJournal::HoldsMoreThan(
    const std::function<bool(const std::string& path)>& is_known) const {
  TRIDENT_ASSIGN_OR_RETURN(const Content content, Load());
  return std::any_of(
      content.entries.begin(), content.entries.end(),
      [&is_known](const Entry& entry) { return !entry.command.empty() || !is_known(entry.path); });
}

absl::Status UndoJournal::UndoEntry(const Entry& entry) {
  if (!entry.command.empty()) {
    Command command;
    command.argv = entry.command;
    return commands_.RunChecked(command).status();
  }
  if (entry.copy.empty()) return RemoveTree(files_, entry.path);
  const std::string copy = absl::StrCat(folder_, "/", entry.copy);
  TRIDENT_ASSIGN_OR_RETURN(const FileFacts before, files_.Facts(copy));
  const absl::StatusOr<FileFacts> now = files_.Facts(entry.path);
  // What became of another kind makes way.
  if (now.ok() &&
      (now->type == FileFacts::Type::kDirectory) != (before.type == FileFacts::Type::kDirectory)) {
    TRIDENT_RETURN_IF_ERROR(RemoveTree(files_, entry.path));
  }
  return files_.CopyWhole(copy, entry.path);
}

absl::Status UndoJournal::Undo(const std::string& root_device) {
  TRIDENT_ASSIGN_OR_RETURN(content_, Load());
  if (content_.job_id.empty()) return Forget();
  TRIDENT_RETURN_IF_ERROR(CheckRoot(content_.root_device, root_device));
  std::vector<std::string> failures;
  for (auto entry = content_.entries.rbegin(); entry != content_.entries.rend(); ++entry) {
    const absl::Status undone = UndoEntry(*entry);
    if (undone.ok()) continue;
    failures.push_back(absl::StrCat(
        entry->path.empty() ? RenderCommand(entry->command) : entry->path, ": ", undone.message()));
  }
  if (failures.empty()) return Forget();
  return MakeError(
      absl::StatusCode::kInternal, "environment", "undo-failed",
      absl::StrCat("the change of this system could not be undone in full: ",
                   absl::StrJoin(failures, "; ")),
      absl::StrCat("Set back by hand what is named; the files from before are in ", folder_, "."));
}

absl::Status UndoJournal::Forget() {
  content_ = {};
  // The index first: without it the copies mean nothing, and the next journal removes what is left.
  TRIDENT_RETURN_IF_ERROR(files_.Remove(IndexPath()));
  return RemoveTree(files_, folder_);
}

}  // namespace trident
