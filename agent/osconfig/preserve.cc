#include "agent/osconfig/preserve.h"

#include <algorithm>
#include <array>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/error.h"
#include "common/base/strings.h"
#include "common/config/lookup.h"

namespace trident {
namespace {

constexpr char kMachineId[] = "/etc/machine-id";
constexpr std::array<const char*, 3> kAlways = {kMachineId, "/etc/ssh/ssh_host_*",
                                                "/var/lib/systemd/random-seed"};
// Larger files of equal size are taken for different without reading both.
constexpr uint64_t kMostCompared = 16 << 20;

bool LiesOn(std::string_view path, std::string_view mount) {
  if (mount == "/") return true;
  return path.starts_with(mount) && (path.size() == mount.size() || path[mount.size()] == '/');
}

// The mount that holds the path is one of a pair: each volume has its own.
bool IsPerVolume(const HostConfiguration& configuration, std::string_view path) {
  const MountPoint* holder = nullptr;
  for (const MountPoint& mount : configuration.storage.mount_points) {
    if (!mount.path.starts_with('/') || !LiesOn(path, mount.path)) continue;
    if (holder == nullptr || mount.path.size() > holder->path.size()) holder = &mount;
  }
  return holder != nullptr && FindPair(configuration, holder->target_id) != nullptr;
}

class Preserver {
 public:
  Preserver(Files& files, const std::string& from, const std::string& to,
            const std::function<void(std::string_view)>& warning)
      : files_(files), from_(from), to_(to), warning_(warning) {}

  // `path` without wildcards.
  absl::Status Copy(const std::string& path) {
    TRIDENT_ASSIGN_OR_RETURN(const std::string source, Place(from_, path));
    const absl::StatusOr<FileFacts> facts = files_.Facts(source);
    if (absl::IsNotFound(facts.status())) return absl::OkStatus();
    if (!facts.ok()) return facts.status();
    if (facts->type == FileFacts::Type::kOther) {
      warning_(StrCat(path, " is no file, folder or link and is not carried over"));
      return absl::OkStatus();
    }
    TRIDENT_RETURN_IF_ERROR(CopyFolders(path));
    return CopyBelow(path, source, *facts);
  }

  std::vector<std::string> TakeConflicts() { return std::move(conflicts_); }

 private:
  // Where the path is; the last part is not followed when it is a link.
  absl::StatusOr<std::string> Place(const std::string& root, const std::string& path) const {
    TRIDENT_ASSIGN_OR_RETURN(
        const std::string folder,
        ResolveBelow(files_, root, path.substr(0, std::max<size_t>(path.rfind('/'), 1))));
    return StrCat(folder == "/" ? "" : folder, path.substr(path.rfind('/')));
  }

  // The folders above the path that the new system does not have, as they are in the old one.
  absl::Status CopyFolders(const std::string& path) {
    for (size_t end = path.find('/', 1); end != std::string::npos; end = path.find('/', end + 1)) {
      const std::string folder = path.substr(0, end);
      TRIDENT_ASSIGN_OR_RETURN(const std::string made, ResolveBelow(files_, to_, folder));
      if (files_.IsDirectory(made)) continue;
      TRIDENT_ASSIGN_OR_RETURN(const std::string source, ResolveBelow(files_, from_, folder));
      TRIDENT_RETURN_IF_ERROR(files_.CopyWhole(source, made));
    }
    return absl::OkStatus();
  }

  absl::Status CopyBelow(const std::string& path, const std::string& source,
                         const FileFacts& facts) {
    TRIDENT_ASSIGN_OR_RETURN(const std::string target, Place(to_, path));
    TRIDENT_RETURN_IF_ERROR(NoteConflict(path, source, facts, target));
    TRIDENT_RETURN_IF_ERROR(
        Annotate(files_.CopyWhole(source, target), absl::StrCat("carry over ", path)));
    if (facts.type != FileFacts::Type::kDirectory) return absl::OkStatus();
    TRIDENT_ASSIGN_OR_RETURN(const std::vector<std::string> names, files_.List(source));
    for (const std::string& name : names) {
      const std::string inner_path = StrCat(path, "/", name);
      const std::string inner_source = StrCat(source, "/", name);
      TRIDENT_ASSIGN_OR_RETURN(const FileFacts inner, files_.Facts(inner_source));
      if (inner.type == FileFacts::Type::kOther) {
        warning_(StrCat(inner_path, " is no file, folder or link and is not carried over"));
        continue;
      }
      TRIDENT_RETURN_IF_ERROR(CopyBelow(inner_path, inner_source, inner));
    }
    return absl::OkStatus();
  }

  absl::Status NoteConflict(const std::string& path, const std::string& source,
                            const FileFacts& facts, const std::string& target) {
    const absl::StatusOr<FileFacts> there = files_.Facts(target);
    if (absl::IsNotFound(there.status())) return absl::OkStatus();
    if (!there.ok()) return there.status();
    if (there->type != facts.type) {
      conflicts_.push_back(path);
      // A folder and a file do not replace each other: whoever made the image has to decide.
      const bool is_folder = facts.type == FileFacts::Type::kDirectory;
      if (is_folder != (there->type == FileFacts::Type::kDirectory)) {
        return MakeError(absl::StatusCode::kFailedPrecondition, "precondition", "preserve-conflict",
                         absl::StrCat(path, " is to be carried over and is ",
                                      is_folder ? "a folder here but not in the new system"
                                                : "no folder here but one in the new system"),
                         "Remove it from osconfig.preserve, or correct the image.");
      }
      return absl::OkStatus();
    }
    if (facts.type == FileFacts::Type::kLink) {
      TRIDENT_ASSIGN_OR_RETURN(const std::string ours, files_.ReadLink(source));
      TRIDENT_ASSIGN_OR_RETURN(const std::string theirs, files_.ReadLink(target));
      if (ours != theirs) conflicts_.push_back(path);
      return absl::OkStatus();
    }
    if (facts.type != FileFacts::Type::kRegular || there->size == 0) return absl::OkStatus();
    // machine-id(5): an image that has no id of its own may say so in words.
    if (path == kMachineId && files_.Read(target).value_or("") == "uninitialized\n") {
      return absl::OkStatus();
    }
    if (facts.size != there->size || facts.size > kMostCompared) {
      conflicts_.push_back(path);
      return absl::OkStatus();
    }
    TRIDENT_ASSIGN_OR_RETURN(const std::string ours, files_.Read(source, kMostCompared));
    TRIDENT_ASSIGN_OR_RETURN(const std::string theirs, files_.Read(target, kMostCompared));
    if (ours != theirs) conflicts_.push_back(path);
    return absl::OkStatus();
  }

  Files& files_;
  const std::string& from_;
  const std::string& to_;
  const std::function<void(std::string_view)>& warning_;
  std::vector<std::string> conflicts_;
};

}  // namespace

std::vector<std::string> PathsToPreserve(const HostConfiguration& configuration) {
  std::vector<std::string> paths;
  const auto add = [&](const std::string& path) {
    const std::string normal = StrCat("/", StrJoin(StrSplitNonEmpty(path, '/'), "/"));
    if (!IsPerVolume(configuration, normal)) return;
    if (std::find(paths.begin(), paths.end(), normal) == paths.end()) paths.push_back(normal);
  };
  for (const char* path : kAlways) {
    // A random seed that is in memory, say, is lost at every boot anyway.
    if (IsWritten(configuration.storage, path)) add(path);
  }
  for (const std::string& path : configuration.osconfig.preserve) add(path);
  return paths;
}

absl::StatusOr<std::vector<std::string>> PreservePath(
    Files& files, const std::string& from, const std::string& to, const std::string& path,
    const std::function<void(std::string_view)>& warning) {
  Preserver preserver(files, from, to, warning);
  if (path.find('*') == std::string::npos) {
    TRIDENT_RETURN_IF_ERROR(preserver.Copy(path));
    return preserver.TakeConflicts();
  }
  const size_t slash = path.rfind('/');
  const std::string folder = path.substr(0, slash);
  TRIDENT_ASSIGN_OR_RETURN(const std::string place, ResolveBelow(files, from, folder));
  if (!files.IsDirectory(place)) return std::vector<std::string>();
  TRIDENT_ASSIGN_OR_RETURN(const std::vector<std::string> names, files.List(place));
  for (const std::string& name : names) {
    if (!MatchesWildcard(path.substr(slash + 1), name)) continue;
    TRIDENT_RETURN_IF_ERROR(preserver.Copy(StrCat(folder, "/", name)));
  }
  return preserver.TakeConflicts();
}

bool MatchesWildcard(std::string_view pattern, std::string_view name) {
  const std::vector<std::string_view> parts = StrSplit(pattern, '*');
  if (parts.size() == 1) return pattern == name;
  if (!name.starts_with(parts.front())) return false;
  name.remove_prefix(parts.front().size());
  for (size_t i = 1; i + 1 < parts.size(); ++i) {
    const size_t found = name.find(parts[i]);
    if (found == std::string_view::npos) return false;
    name.remove_prefix(found + parts[i].size());
  }
  return name.ends_with(parts.back());
}

}  // namespace trident
