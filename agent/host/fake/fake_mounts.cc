#include "agent/host/fake/fake_mounts.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "common/base/error.h"

namespace trident {
namespace {

absl::Status MountError(int error_number, const std::string& source, const std::string& target) {
  return ErrnoError(error_number, "storage", "mount",
                    absl::StrCat("cannot mount ", source, " at ", target));
}

bool IsVirtual(const std::string& filesystem) {
  static constexpr std::string_view kVirtual[] = {"proc",     "sysfs",  "tmpfs",     "devtmpfs",
                                                  "efivarfs", "devpts", "securityfs"};
  return std::find(std::begin(kVirtual), std::end(kVirtual), filesystem) != std::end(kVirtual);
}

// What is at and below `folder` of a tree, into another one as its root.
void CopyTree(const FakeFiles::Tree& from, const std::string& folder, FakeFiles::Tree& to) {
  const std::string prefix = folder == "/" ? "" : folder;
  for (const auto& [path, node] : from.nodes) {
    if (path == folder) to.nodes["/"] = node;
    if (path.starts_with(prefix + "/") && path != "/") to.nodes[path.substr(prefix.size())] = node;
  }
}

// Every folder on the way to `path`.
void MakeParents(FakeFiles::Tree& tree, const std::string& path) {
  std::string current;
  std::vector<std::string> parts = absl::StrSplit(path, '/', absl::SkipEmpty());
  for (size_t i = 0; i + 1 < parts.size(); ++i) {
    current += "/" + parts[i];
    tree.nodes.try_emplace(current);
  }
}

}  // namespace

FakeMounts::FakeMounts(FakeFiles& files, FakeBlockDevices& devices)
    : files_(files), devices_(devices) {}

std::shared_ptr<FakeFiles::Tree> FakeMounts::TreeOf(const std::string& device) const {
  auto& tree = trees_[device];
  if (!tree) tree = std::make_shared<FakeFiles::Tree>();
  return tree;
}

absl::Status FakeMounts::Mount(const std::string& source, const std::string& target,
                               const std::string& filesystem,
                               const std::vector<std::string>& options) {
  const auto canonical = files_.Canonical(target);
  if (!canonical.ok()) return MountError(ENOENT, source, target);
  const bool bind = std::find(options.begin(), options.end(), "bind") != options.end() ||
                    std::find(options.begin(), options.end(), "rbind") != options.end();
  std::string device;
  std::function<void(const std::string&)> first;
  {
    const std::lock_guard lock(mutex_);
    ++mounts_;
    if (const auto fault = failures_.find(mounts_); fault != failures_.end()) return fault->second;
    if (!bind && filesystem != "overlay" && !IsVirtual(filesystem)) {
      device = devices_.Resolve(source);
      const auto signature = devices_.Probe(device);
      if (!signature.ok()) return MountError(ENOENT, source, target);
      if (signature->type.empty() || (filesystem != "auto" && signature->type != filesystem)) {
        return MountError(EINVAL, source, target);
      }
      if (!seen_[device]) first = on_first_mount_;
      seen_[device] = true;
    }
  }
  // Without the lock: it calls SetFileOn.
  if (first) first(device);
  const std::lock_guard lock(mutex_);
  MountEntry entry{source, *canonical, filesystem, absl::StrJoin(options, ",")};
  if (filesystem == "overlay") {
    Mounted overlay{.entry = entry, .device = ""};
    TRIDENT_RETURN_IF_ERROR(MountOverlay(target, options, overlay));
    mounted_.push_back(std::move(overlay));
    return absl::OkStatus();
  }
  if (bind) {
    const auto place = files_.Locate(source);
    if (!place.ok()) return MountError(ENOENT, source, target);
    TRIDENT_RETURN_IF_ERROR(files_.Graft(target, place->first, place->second));
    // As in mountinfo: the source is the device below the folder that was bound.
    const auto source_folder = files_.Canonical(source);
    const Mounted* holder = nullptr;
    for (const Mounted& mounted : mounted_) {
      if (source_folder.ok() && (*source_folder + "/").starts_with(mounted.entry.target + "/")) {
        holder = &mounted;
      }
    }
    if (holder != nullptr) {
      entry.source = holder->entry.source;
      entry.filesystem = holder->entry.filesystem;
      device = holder->device;
    }
  } else if (device.empty()) {
    TRIDENT_RETURN_IF_ERROR(files_.Graft(target, std::make_shared<FakeFiles::Tree>(), "/"));
  } else {
    const auto tree = TreeOf(device);
    tree->read_only = std::find(options.begin(), options.end(), "ro") != options.end();
    TRIDENT_RETURN_IF_ERROR(files_.Graft(target, tree, "/"));
    entry.source = device;
  }
  if (!device.empty()) devices_.AddUser(device, "mounted at " + *canonical);
  mounted_.push_back({.entry = entry, .device = device});
  return absl::OkStatus();
}

absl::Status FakeMounts::MountOverlay(const std::string& target,
                                      const std::vector<std::string>& options, Mounted& mounted) {
  const auto folder_of = [&](const std::string& option) {
    for (const std::string& one : options) {
      if (one.starts_with(option)) return one.substr(option.size());
    }
    return std::string();
  };
  const auto lower = files_.Locate(folder_of("lowerdir="));
  const auto upper = files_.Locate(folder_of("upperdir="));
  const auto work = files_.Locate(folder_of("workdir="));
  if (!lower.ok() || !upper.ok() || !work.ok()) return MountError(ENOENT, "overlay", target);
  if (upper->first != work->first) return MountError(EINVAL, "overlay", target);
  if (upper->first->read_only) return MountError(EROFS, "overlay", target);
  mounted.shown = std::make_shared<FakeFiles::Tree>();
  CopyTree(*lower->first, lower->second, *mounted.shown);
  CopyTree(*upper->first, upper->second, *mounted.shown);
  mounted.lower = *mounted.shown;
  mounted.upper = upper->first;
  mounted.upper_folder = upper->second;
  return files_.Graft(target, mounted.shown, "/");
}

absl::Status FakeMounts::Unmount(const std::string& target) {
  const std::lock_guard lock(mutex_);
  const std::string canonical = files_.Canonical(target).value_or(target);
  const auto found = std::find_if(mounted_.rbegin(), mounted_.rend(), [&](const Mounted& mounted) {
    return mounted.entry.target == canonical;
  });
  if (found == mounted_.rend()) return absl::OkStatus();
  bool busy = busy_[canonical];
  for (const Mounted& mounted : mounted_) {
    busy = busy || mounted.entry.target.starts_with(canonical + "/");
  }
  if (busy) {
    return MakeError(absl::StatusCode::kFailedPrecondition, "storage", "mount-busy",
                     absl::StrCat("cannot unmount ", target, ": it is busy"));
  }
  files_.Ungraft(canonical);
  if (found->shown) {
    for (const auto& [path, node] : found->shown->nodes) {
      const auto before = found->lower.nodes.find(path);
      if (before != found->lower.nodes.end() && before->second == node) continue;
      const std::string place = found->upper_folder + path;
      MakeParents(*found->upper, place);
      found->upper->nodes[place] = node;
    }
  }
  if (!found->device.empty()) devices_.RemoveUser(found->device, "mounted at " + canonical);
  mounted_.erase(std::next(found).base());
  return absl::OkStatus();
}

absl::StatusOr<std::vector<MountEntry>> FakeMounts::List() const {
  const std::lock_guard lock(mutex_);
  std::vector<MountEntry> entries;
  for (const Mounted& mounted : mounted_) entries.push_back(mounted.entry);
  return entries;
}

absl::StatusOr<std::vector<std::string>> FakeMounts::Swaps() const {
  const std::lock_guard lock(mutex_);
  return swaps_;
}

void FakeMounts::SetFileOn(const std::string& device, const std::string& path,
                           std::string_view content) {
  const std::lock_guard lock(mutex_);
  FakeFiles::Tree& tree = *TreeOf(devices_.Resolve(device));
  MakeParents(tree, path);
  tree.nodes[path] = {FakeFiles::Node::Kind::kFile, std::string(content), 0644};
}

void FakeMounts::SetLinkOn(const std::string& device, const std::string& path,
                           const std::string& target) {
  const std::lock_guard lock(mutex_);
  FakeFiles::Tree& tree = *TreeOf(devices_.Resolve(device));
  MakeParents(tree, path);
  tree.nodes[path] = {FakeFiles::Node::Kind::kLink, target, 0777};
}

std::optional<std::string> FakeMounts::GetFrom(const std::string& device,
                                               const std::string& path) const {
  const std::lock_guard lock(mutex_);
  const auto tree = TreeOf(devices_.Resolve(device));
  const auto found = tree->nodes.find(path);
  if (found == tree->nodes.end() || found->second.kind != FakeFiles::Node::Kind::kFile) {
    return std::nullopt;
  }
  return found->second.content;
}

void FakeMounts::Clear(const std::string& device) {
  const std::lock_guard lock(mutex_);
  const std::string path = devices_.Resolve(device);
  trees_.erase(path);
  seen_.erase(path);
}

void FakeMounts::OnFirstMount(std::function<void(const std::string& device)> function) {
  const std::lock_guard lock(mutex_);
  on_first_mount_ = std::move(function);
}

void FakeMounts::AddSwap(const std::string& device) {
  const std::lock_guard lock(mutex_);
  swaps_.push_back(device);
  devices_.AddUser(device, "swap");
}

void FakeMounts::FailMount(int nth, absl::Status status) {
  const std::lock_guard lock(mutex_);
  failures_.insert_or_assign(mounts_ + nth, std::move(status));
}

void FakeMounts::SetBusy(const std::string& target, bool busy) {
  const std::lock_guard lock(mutex_);
  busy_[target] = busy;
}

}  // namespace trident
