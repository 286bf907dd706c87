#include "agent/host/fake/fake_files.h"

#include <algorithm>
#include <cerrno>
#include <deque>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/base/error.h"
#include "common/base/sha256.h"

namespace trident {
namespace {

constexpr int kMostLinks = 40;

absl::Status FileError(int error_number, const char* attempt, const std::string& path) {
  return ErrnoError(error_number, "environment", "file", absl::StrCat(attempt, " ", path));
}

bool IsBelow(const std::string& path, const std::string& folder) {
  if (folder == "/") return true;
  return path.starts_with(folder) && (path.size() == folder.size() || path[folder.size()] == '/');
}

std::string Join(const std::string& folder, const std::string& name) {
  return folder == "/" ? "/" + name : folder + "/" + name;
}

std::string ParentOf(const std::string& canonical) {
  const size_t slash = canonical.rfind('/');
  return slash == 0 || slash == std::string::npos ? "/" : canonical.substr(0, slash);
}

std::deque<std::string> Components(const std::string& path) {
  std::deque<std::string> components;
  for (const auto part : absl::StrSplit(path, '/', absl::SkipEmpty())) {
    if (part != ".") components.emplace_back(part);
  }
  return components;
}

FileFacts FactsOf(const FakeFiles::Node& node) {
  using Kind = FakeFiles::Node::Kind;
  FileFacts facts;
  facts.type = node.kind == Kind::kFile        ? FileFacts::Type::kRegular
               : node.kind == Kind::kDirectory ? FileFacts::Type::kDirectory
                                               : FileFacts::Type::kLink;
  facts.mode = node.mode;
  facts.owner = node.owner;
  facts.size = node.content.size();
  facts.group = node.group;
  return facts;
}

}  // namespace

FakeFiles::FakeFiles() { mounted_.push_back({"/", std::make_shared<Tree>(), "/"}); }

FakeFiles::Place FakeFiles::PlaceOf(const std::string& canonical) const {
  // The newest mount wins: one at a folder hides older ones below it.
  for (auto mount = mounted_.rbegin(); mount != mounted_.rend(); ++mount) {
    if (!IsBelow(canonical, mount->target)) continue;
    const std::string rest =
        mount->target == "/"
            ? canonical.substr(1)
            : canonical.substr(std::min(canonical.size(), mount->target.size() + 1));
    return {mount->tree.get(), rest.empty() ? mount->inner : Join(mount->inner, rest)};
  }
  return {};
}

FakeFiles::Node* FakeFiles::Find(const std::string& canonical) const {
  const Place place = PlaceOf(canonical);
  if (place.tree == nullptr) return nullptr;
  const auto found = place.tree->nodes.find(place.inner);
  return found == place.tree->nodes.end() ? nullptr : &found->second;
}

std::optional<std::string> FakeFiles::Resolve(const std::string& path, bool follow_last,
                                              bool last_may_miss, int& error) const {
  error = 0;
  if (path.empty() || path[0] != '/') {
    error = path.empty() ? ENOENT : EINVAL;
    return std::nullopt;
  }
  std::deque<std::string> todo = Components(path);
  std::string current = "/";
  int links = 0;
  while (!todo.empty()) {
    const std::string component = todo.front();
    todo.pop_front();
    if (component == "..") {
      current = ParentOf(current);
      continue;
    }
    const std::string next = Join(current, component);
    const Node* node = Find(next);
    if (node == nullptr) {
      if (todo.empty() && last_may_miss) return next;
      error = ENOENT;
      return std::nullopt;
    }
    if (node->kind == Node::Kind::kLink && (follow_last || !todo.empty())) {
      if (++links > kMostLinks) {
        error = ELOOP;
        return std::nullopt;
      }
      auto target = Components(node->content);
      todo.insert(todo.begin(), target.begin(), target.end());
      if (node->content.starts_with("/")) current.assign(1, '/');
      continue;
    }
    if (node->kind == Node::Kind::kFile && !todo.empty()) {
      error = ENOTDIR;
      return std::nullopt;
    }
    current = next;
  }
  return current;
}

absl::Status FakeFiles::BeginChange(uint64_t bytes) {
  ++changes_;
  if (failures_from_ && changes_ >= failures_from_->first) return failures_from_->second;
  if (const auto found = failures_.find(changes_); found != failures_.end()) return found->second;
  if (space_left_) {
    if (bytes > *space_left_) return FileError(ENOSPC, "write", absl::StrCat(bytes, " bytes"));
    *space_left_ -= bytes;
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> FakeFiles::Read(const std::string& path, uint64_t limit) const {
  const std::lock_guard lock(mutex_);
  int error = 0;
  const auto resolved = Resolve(path, true, false, error);
  if (!resolved) return FileError(error, "cannot read", path);
  const Node* node = Find(*resolved);
  if (node->kind != Node::Kind::kFile) return FileError(EISDIR, "cannot read", path);
  if (node->content.size() > limit) {
    return MakeError(absl::StatusCode::kResourceExhausted, "environment", "file-too-large",
                     absl::StrCat("cannot read ", path, ": larger than ", limit, " bytes"));
  }
  return node->content;
}

absl::StatusOr<std::string> FakeFiles::DigestOnMedium(const std::string& path) const {
  TRIDENT_ASSIGN_OR_RETURN(const std::string content, Read(path, UINT64_MAX));
  return Sha256Hex(content);
}

absl::StatusOr<SecretFile> FakeFiles::ReadSecret(const std::string& path, uint64_t limit) const {
  const std::lock_guard lock(mutex_);
  int error = 0;
  const auto resolved = Resolve(path, false, false, error);
  if (!resolved) return FileError(error, "cannot read", path);
  const Node* node = Find(*resolved);
  SecretFile file;
  file.facts = FactsOf(*node);
  if (node->kind != Node::Kind::kFile) return file;
  if (node->content.size() > limit) {
    return MakeError(absl::StatusCode::kResourceExhausted, "environment", "file-too-large",
                     absl::StrCat("cannot read ", path, ": larger than ", limit, " bytes"));
  }
  TRIDENT_ASSIGN_OR_RETURN(file.content, Secret::CopyOf(node->content));
  return file;
}

absl::Status FakeFiles::WriteLocked(const std::string& path, std::string_view content,
                                    uint32_t mode) {
  int error = 0;
  const auto resolved = Resolve(path, false, true, error);
  if (!resolved) return FileError(error, "cannot write", path);
  Node node = {Node::Kind::kFile, std::string(content), mode};
  const Node* const there = Find(*resolved);
  const bool replaces = there != nullptr && there->kind == Node::Kind::kFile;
  if (mode == 0) {
    node.mode = replaces ? there->mode : 0644;
    node.owner = replaces ? there->owner : 0;
    node.group = replaces ? there->group : 0;
  }
  return PutLocked(path, node);
}

absl::Status FakeFiles::Write(const std::string& path, std::string_view content, uint32_t mode) {
  const std::lock_guard lock(mutex_);
  TRIDENT_RETURN_IF_ERROR(BeginChange(content.size()));
  return WriteLocked(path, content, mode);
}

absl::Status FakeFiles::Copy(const std::string& from, const std::string& to, uint32_t mode) {
  const std::lock_guard lock(mutex_);
  int error = 0;
  const auto resolved = Resolve(from, true, false, error);
  if (!resolved) return FileError(error, "cannot read", from);
  const Node* node = Find(*resolved);
  if (node->kind != Node::Kind::kFile) return FileError(EISDIR, "cannot read", from);
  const std::string content = node->content;
  TRIDENT_RETURN_IF_ERROR(BeginChange(content.size()));
  return WriteLocked(to, content, mode);
}

absl::Status FakeFiles::PutLocked(const std::string& path, const Node& node) {
  int error = 0;
  const auto resolved = Resolve(path, false, true, error);
  if (!resolved) return FileError(error, "cannot write", path);
  const Node* const there = Find(*resolved);
  if (there != nullptr && there->kind == Node::Kind::kDirectory) {
    return FileError(EISDIR, "cannot write", path);
  }
  const Place place = PlaceOf(*resolved);
  if (place.tree->read_only) return FileError(EROFS, "cannot write", path);
  place.tree->nodes[place.inner] = node;
  return absl::OkStatus();
}

absl::Status FakeFiles::CopyWhole(const std::string& from, const std::string& to) {
  const std::lock_guard lock(mutex_);
  int error = 0;
  const auto resolved = Resolve(from, false, false, error);
  if (!resolved) return FileError(error, "cannot copy", from);
  const Node node = *Find(*resolved);
  TRIDENT_RETURN_IF_ERROR(BeginChange(node.content.size()));
  if (node.kind != Node::Kind::kDirectory) return PutLocked(to, node);
  const auto place = Resolve(to, false, true, error);
  if (!place) return FileError(error, "cannot make folder", to);
  const Node* const there = Find(*place);
  if (there != nullptr && there->kind != Node::Kind::kDirectory) {
    return FileError(ENOTDIR, "cannot make folder", to);
  }
  const Place made = PlaceOf(*place);
  if (made.tree->read_only) return FileError(EROFS, "cannot make folder", to);
  made.tree->nodes[made.inner] = node;
  return absl::OkStatus();
}

absl::Status FakeFiles::Append(const std::string& path, std::string_view content, uint32_t mode) {
  const std::lock_guard lock(mutex_);
  TRIDENT_RETURN_IF_ERROR(BeginChange(content.size()));
  int error = 0;
  const auto resolved = Resolve(path, false, true, error);
  if (!resolved) return FileError(error, "cannot write", path);
  Node* const there = Find(*resolved);
  if (there == nullptr) return WriteLocked(path, content, mode);
  if (there->kind == Node::Kind::kLink) return FileError(ELOOP, "cannot write", path);
  if (there->kind == Node::Kind::kDirectory) return FileError(EISDIR, "cannot write", path);
  if (PlaceOf(*resolved).tree->read_only) return FileError(EROFS, "cannot write", path);
  there->content.append(content);
  return absl::OkStatus();
}

absl::Status FakeFiles::MakeLink(const std::string& target, const std::string& path) {
  const std::lock_guard lock(mutex_);
  TRIDENT_RETURN_IF_ERROR(BeginChange(0));
  return PutLocked(path, {Node::Kind::kLink, target, 0777});
}

absl::Status FakeFiles::ChangeOwner(const std::string& path, uint32_t owner, uint32_t group) {
  const std::lock_guard lock(mutex_);
  TRIDENT_RETURN_IF_ERROR(BeginChange(0));
  int error = 0;
  const auto resolved = Resolve(path, false, false, error);
  if (!resolved) return FileError(error, "cannot set the owner of", path);
  Node* const node = Find(*resolved);
  node->owner = owner;
  node->group = group;
  return absl::OkStatus();
}

absl::StatusOr<FileFacts> FakeFiles::Facts(const std::string& path) const {
  const std::lock_guard lock(mutex_);
  int error = 0;
  const auto resolved = Resolve(path, false, false, error);
  if (!resolved) return FileError(error, "cannot look at", path);
  return FactsOf(*Find(*resolved));
}

bool FakeFiles::Exists(const std::string& path) const {
  const std::lock_guard lock(mutex_);
  int error = 0;
  return Resolve(path, true, false, error).has_value();
}

bool FakeFiles::IsDirectory(const std::string& path) const {
  const std::lock_guard lock(mutex_);
  int error = 0;
  const auto resolved = Resolve(path, true, false, error);
  return resolved && Find(*resolved)->kind == Node::Kind::kDirectory;
}

absl::StatusOr<std::vector<std::string>> FakeFiles::List(const std::string& path) const {
  const std::lock_guard lock(mutex_);
  int error = 0;
  const auto resolved = Resolve(path, true, false, error);
  if (!resolved) return FileError(error, "cannot list", path);
  if (Find(*resolved)->kind != Node::Kind::kDirectory) {
    return FileError(ENOTDIR, "cannot list", path);
  }
  const Place place = PlaceOf(*resolved);
  std::vector<std::string> names;
  for (const auto& [inner, node] : place.tree->nodes) {
    if (inner != "/" && ParentOf(inner) == place.inner) {
      names.push_back(inner.substr(inner.rfind('/') + 1));
    }
  }
  return names;
}

absl::Status FakeFiles::MakeDirectories(const std::string& path, uint32_t mode) {
  const std::lock_guard lock(mutex_);
  TRIDENT_RETURN_IF_ERROR(BeginChange(0));
  if (path.empty() || path[0] != '/') return FileError(EINVAL, "cannot make folder", path);
  std::string current = "/";
  for (const std::string& component : Components(path)) {
    int error = 0;
    const auto resolved = Resolve(Join(current, component), true, true, error);
    if (!resolved) return FileError(error, "cannot make folder", path);
    current = *resolved;
    if (const Node* node = Find(current); node != nullptr) {
      if (node->kind == Node::Kind::kDirectory) continue;
      // A file, or a link that points nowhere.
      return FileError(node->kind == Node::Kind::kFile ? ENOTDIR : EEXIST, "cannot make folder",
                       path);
    }
    const Place place = PlaceOf(current);
    if (place.tree->read_only) return FileError(EROFS, "cannot make folder", path);
    place.tree->nodes[place.inner] = {Node::Kind::kDirectory, "", mode};
  }
  return absl::OkStatus();
}

absl::Status FakeFiles::Remove(const std::string& path) {
  const std::lock_guard lock(mutex_);
  TRIDENT_RETURN_IF_ERROR(BeginChange(0));
  int error = 0;
  const auto resolved = Resolve(path, false, false, error);
  if (!resolved) {
    return error == ENOENT ? absl::OkStatus() : FileError(error, "cannot remove", path);
  }
  for (const Mounted& mount : mounted_) {
    if (mount.target == *resolved) return FileError(EBUSY, "cannot remove", path);
  }
  const Place place = PlaceOf(*resolved);
  if (place.tree->read_only) return FileError(EROFS, "cannot remove", path);
  const auto next = std::next(place.tree->nodes.find(place.inner));
  for (auto node = next; node != place.tree->nodes.end(); ++node) {
    if (ParentOf(node->first) == place.inner) return FileError(ENOTEMPTY, "cannot remove", path);
  }
  place.tree->nodes.erase(place.inner);
  return absl::OkStatus();
}

absl::StatusOr<std::string> FakeFiles::Canonical(const std::string& path) const {
  const std::lock_guard lock(mutex_);
  int error = 0;
  const auto resolved = Resolve(path, true, false, error);
  if (!resolved) return FileError(error, "cannot resolve", path);
  return *resolved;
}

absl::StatusOr<std::string> FakeFiles::ReadLink(const std::string& path) const {
  const std::lock_guard lock(mutex_);
  int error = 0;
  const auto resolved = Resolve(path, false, false, error);
  if (!resolved) return FileError(error, "cannot read the link", path);
  const Node* node = Find(*resolved);
  if (node->kind != Node::Kind::kLink) return FileError(EINVAL, "cannot read the link", path);
  return node->content;
}

absl::StatusOr<FileSystemRoom> FakeFiles::Room(const std::string& path) const {
  const std::lock_guard lock(mutex_);
  int error = 0;
  if (!Resolve(path, true, false, error)) return FileError(error, "cannot measure", path);
  if (room_) return *room_;
  constexpr uint64_t kSize = uint64_t{8} << 30;
  return FileSystemRoom{kSize, space_left_.value_or(kSize / 2)};
}

absl::Status FakeFiles::SyncFileSystem(const std::string& path) {
  const std::lock_guard lock(mutex_);
  int error = 0;
  if (!Resolve(path, true, false, error)) return FileError(error, "cannot sync", path);
  ++syncs_;
  return absl::OkStatus();
}

void FakeFiles::MakeParents(const std::string& path) {
  const std::deque<std::string> components = Components(path);
  std::string current = "/";
  for (size_t i = 0; i + 1 < components.size(); ++i) {
    int error = 0;
    current = Resolve(Join(current, components[i]), true, true, error).value_or(current);
    if (Find(current) == nullptr) {
      const Place place = PlaceOf(current);
      place.tree->nodes[place.inner] = Node();
    }
  }
}

void FakeFiles::SetFile(const std::string& path, std::string_view content, uint32_t mode) {
  const std::lock_guard lock(mutex_);
  MakeParents(path);
  int error = 0;
  const Place place = PlaceOf(Resolve(path, true, true, error).value_or(path));
  place.tree->nodes[place.inner] = {Node::Kind::kFile, std::string(content), mode};
}

void FakeFiles::SetDirectory(const std::string& path, uint32_t mode) {
  const std::lock_guard lock(mutex_);
  MakeParents(path);
  int error = 0;
  const Place place = PlaceOf(Resolve(path, true, true, error).value_or(path));
  place.tree->nodes[place.inner] = {Node::Kind::kDirectory, "", mode};
}

void FakeFiles::SetLink(const std::string& path, const std::string& target) {
  const std::lock_guard lock(mutex_);
  MakeParents(path);
  int error = 0;
  const Place place = PlaceOf(Resolve(path, false, true, error).value_or(path));
  place.tree->nodes[place.inner] = {Node::Kind::kLink, target, 0777};
}

void FakeFiles::SetOwner(const std::string& path, uint32_t owner) {
  const std::lock_guard lock(mutex_);
  int error = 0;
  if (const auto resolved = Resolve(path, false, false, error)) Find(*resolved)->owner = owner;
}

void FakeFiles::SetRoom(const FileSystemRoom& room) {
  const std::lock_guard lock(mutex_);
  room_ = room;
}

std::optional<std::string> FakeFiles::Get(const std::string& path) const {
  const auto content = Read(path, UINT64_MAX);
  if (!content.ok()) return std::nullopt;
  return *content;
}

uint32_t FakeFiles::ModeOf(const std::string& path) const {
  const std::lock_guard lock(mutex_);
  int error = 0;
  const auto resolved = Resolve(path, true, false, error);
  return resolved ? Find(*resolved)->mode : 0;
}

std::vector<std::string> FakeFiles::AllFiles() const {
  std::vector<std::string> files;
  std::deque<std::string> folders = {"/"};
  while (!folders.empty()) {
    const std::string folder = folders.front();
    folders.pop_front();
    const auto names = List(folder);
    if (!names.ok()) continue;
    for (const std::string& name : *names) {
      const std::string path = Join(folder, name);
      if (ReadLink(path).ok()) continue;
      if (IsDirectory(path)) {
        folders.push_back(path);
      } else {
        files.push_back(path);
      }
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

int FakeFiles::changes() const {
  const std::lock_guard lock(mutex_);
  return changes_;
}

int FakeFiles::syncs() const {
  const std::lock_guard lock(mutex_);
  return syncs_;
}

void FakeFiles::FailChange(int nth, absl::Status status) {
  const std::lock_guard lock(mutex_);
  failures_.insert_or_assign(changes_ + nth, std::move(status));
}

void FakeFiles::FailChangesFrom(int nth, absl::Status status) {
  const std::lock_guard lock(mutex_);
  failures_from_.emplace(changes_ + nth, std::move(status));
}

void FakeFiles::SetSpaceLeft(uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  space_left_ = bytes;
}

absl::Status FakeFiles::Graft(const std::string& target, std::shared_ptr<Tree> tree,
                              const std::string& inner) {
  const std::lock_guard lock(mutex_);
  int error = 0;
  const auto resolved = Resolve(target, true, false, error);
  if (!resolved) return FileError(error, "cannot mount at", target);
  if (Find(*resolved)->kind != Node::Kind::kDirectory) {
    return FileError(ENOTDIR, "cannot mount at", target);
  }
  mounted_.push_back({*resolved, std::move(tree), inner});
  return absl::OkStatus();
}

bool FakeFiles::Ungraft(const std::string& target) {
  const std::lock_guard lock(mutex_);
  for (size_t i = mounted_.size(); i > 1; --i) {
    if (mounted_[i - 1].target != target) continue;
    mounted_.erase(mounted_.begin() + static_cast<ptrdiff_t>(i - 1));
    return true;
  }
  return false;
}

absl::StatusOr<std::pair<std::shared_ptr<FakeFiles::Tree>, std::string>> FakeFiles::Locate(
    const std::string& path) const {
  const std::lock_guard lock(mutex_);
  int error = 0;
  const auto resolved = Resolve(path, true, false, error);
  if (!resolved) return FileError(error, "cannot find", path);
  const Place place = PlaceOf(*resolved);
  for (const Mounted& mount : mounted_) {
    if (mount.tree.get() == place.tree) return std::make_pair(mount.tree, place.inner);
  }
  return FileError(ENOENT, "cannot find", path);
}

}  // namespace trident
