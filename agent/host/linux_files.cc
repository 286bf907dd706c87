#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <functional>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "agent/host/file_descriptor.h"
#include "agent/host/files.h"
#include "common/base/error.h"
#include "common/base/sha256.h"

namespace trident {
namespace {

absl::Status FileError(int error_number, const char* attempt, const std::string& path) {
  return ErrnoError(error_number, "environment", "file", absl::StrCat(attempt, " ", path));
}

absl::Status CheckAbsolute(const std::string& path, const char* attempt) {
  if (!path.empty() && path[0] == '/' && path.find('\0') == std::string::npos) {
    return absl::OkStatus();
  }
  return FileError(path.empty() ? ENOENT : EINVAL, attempt, path);
}

// A file without a name that everybody can see yet, beside the one that it will replace.
class Replacement {
 public:
  static absl::StatusOr<Replacement> Begin(const std::string& path, uint32_t mode) {
    Replacement replacement;
    replacement.path_ = path;
    replacement.temporary_ = path + ".XXXXXX";
    replacement.fd_ = FileDescriptor(mkostemp(replacement.temporary_.data(), O_CLOEXEC));
    if (!replacement.fd_.valid()) {
      const int error = errno;
      replacement.temporary_.clear();
      return FileError(error, "cannot write", path);
    }
    const int fd = replacement.fd_.get();
    struct stat old = {};
    const bool replaces = lstat(path.c_str(), &old) == 0 && S_ISREG(old.st_mode);
    if (mode == 0 && replaces) {
      // Owner first: chown clears the set-user-id bits.
      if (fchown(fd, old.st_uid, old.st_gid) != 0 && errno != EPERM) {
        return FileError(errno, "cannot set the owner of", path);
      }
      mode = old.st_mode & 07777;
    }
    if (fchmod(fd, mode == 0 ? 0644 : mode) != 0) {
      return FileError(errno, "cannot set the mode of", path);
    }
    return replacement;
  }

  Replacement(Replacement&& other) noexcept
      : path_(std::move(other.path_)),
        temporary_(std::exchange(other.temporary_, {})),
        fd_(std::move(other.fd_)) {}
  Replacement& operator=(Replacement&&) = delete;
  ~Replacement() {
    if (!temporary_.empty()) unlink(temporary_.c_str());
  }

  absl::Status Append(std::string_view data) {
    while (!data.empty()) {
      const ssize_t count = write(fd_.get(), data.data(), data.size());
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return FileError(errno, "cannot write", path_);
      data.remove_prefix(static_cast<size_t>(count));
    }
    return absl::OkStatus();
  }

  // What the file is called until Commit.
  const std::string& temporary() const { return temporary_; }

  absl::Status Commit() {
    if (fsync(fd_.get()) != 0) return FileError(errno, "cannot write", path_);
    if (rename(temporary_.c_str(), path_.c_str()) != 0) {
      return FileError(errno, "cannot write", path_);
    }
    temporary_.clear();
    const FileDescriptor folder(open(FolderOf(path_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!folder.valid() || fsync(folder.get()) != 0) {
      return FileError(errno, "cannot sync the folder of", path_);
    }
    return absl::OkStatus();
  }

 private:
  Replacement() = default;

  std::string path_;
  std::string temporary_;  // empty: nothing to remove
  FileDescriptor fd_;
};

// Opens a regular file. Never hangs on a FIFO.
absl::StatusOr<FileDescriptor> OpenToRead(const std::string& path) {
  TRIDENT_RETURN_IF_ERROR(CheckAbsolute(path, "cannot read"));
  FileDescriptor fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!fd.valid()) return FileError(errno, "cannot read", path);
  struct stat about = {};
  if (fstat(fd.get(), &about) != 0) return FileError(errno, "cannot read", path);
  if (S_ISDIR(about.st_mode)) return FileError(EISDIR, "cannot read", path);
  if (!S_ISREG(about.st_mode)) return FileError(EINVAL, "cannot read", path);
  return fd;
}

absl::Status ReadChunks(int fd, const std::string& path,
                        const std::function<absl::Status(std::string_view)>& take) {
  std::array<char, 65536> buffer;
  while (true) {
    const ssize_t count = read(fd, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return FileError(errno, "cannot read", path);
    if (count == 0) return absl::OkStatus();
    TRIDENT_RETURN_IF_ERROR(take({buffer.data(), static_cast<size_t>(count)}));
  }
}

FileFacts FactsOf(const struct stat& about) {
  FileFacts facts;
  facts.type = S_ISREG(about.st_mode)   ? FileFacts::Type::kRegular
               : S_ISDIR(about.st_mode) ? FileFacts::Type::kDirectory
               : S_ISLNK(about.st_mode) ? FileFacts::Type::kLink
                                        : FileFacts::Type::kOther;
  facts.mode = about.st_mode & 07777;
  facts.owner = about.st_uid;
  facts.size = static_cast<uint64_t>(about.st_size);
  facts.group = about.st_gid;
  return facts;
}

// Extended attributes of what `from` names itself, put on what `to` names itself.
absl::Status CopyAttributes(const std::string& from, const std::string& to,
                            const std::string& name) {
  const auto fail = [&] {
    return FileError(errno, "cannot keep the extended attributes of", name);
  };
  const ssize_t room = llistxattr(from.c_str(), nullptr, 0);
  if (room < 0) return errno == ENOTSUP ? absl::OkStatus() : fail();
  std::string names(static_cast<size_t>(room), '\0');
  const ssize_t length = llistxattr(from.c_str(), names.data(), names.size());
  if (length < 0) return fail();
  names.resize(static_cast<size_t>(length));
  const std::vector<std::string> attributes = absl::StrSplit(names, '\0', absl::SkipEmpty());
  for (const std::string& attribute : attributes) {
    const ssize_t size = lgetxattr(from.c_str(), attribute.c_str(), nullptr, 0);
    if (size < 0) return fail();
    std::string value(static_cast<size_t>(size), '\0');
    const ssize_t read = lgetxattr(from.c_str(), attribute.c_str(), value.data(), value.size());
    if (read < 0) return fail();
    if (lsetxattr(to.c_str(), attribute.c_str(), value.data(), static_cast<size_t>(read), 0) != 0) {
      return fail();
    }
  }
  return absl::OkStatus();
}

// Owner, mode, attributes and times of `from`, which are `about`, for `to`.
absl::Status CopyFacts(const std::string& from, const struct stat& about, const std::string& to,
                       const std::string& name) {
  // Owner first: chown clears the set-user-id bits and capabilities.
  if (lchown(to.c_str(), about.st_uid, about.st_gid) != 0) {
    return FileError(errno, "cannot keep the owner of", name);
  }
  if (!S_ISLNK(about.st_mode) && chmod(to.c_str(), about.st_mode & 07777) != 0) {
    return FileError(errno, "cannot keep the mode of", name);
  }
  TRIDENT_RETURN_IF_ERROR(CopyAttributes(from, to, name));
  const std::array<timespec, 2> times = {about.st_atim, about.st_mtim};
  if (utimensat(AT_FDCWD, to.c_str(), times.data(), AT_SYMLINK_NOFOLLOW) != 0) {
    return FileError(errno, "cannot keep the times of", name);
  }
  return absl::OkStatus();
}

absl::Status SyncFolder(const std::string& folder) {
  const FileDescriptor fd(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid() || fsync(fd.get()) != 0) return FileError(errno, "cannot sync", folder);
  return absl::OkStatus();
}

// A symbolic link under another name, put in its place by Commit.
class LinkReplacement {
 public:
  static absl::StatusOr<LinkReplacement> Begin(const std::string& target, const std::string& path) {
    LinkReplacement replacement;
    replacement.path_ = path;
    const std::string temporary = path + ".new-link";
    // Left by an agent that was stopped.
    unlink(temporary.c_str());
    if (symlink(target.c_str(), temporary.c_str()) != 0) {
      return FileError(errno, "cannot make the link", path);
    }
    replacement.temporary_ = temporary;
    return replacement;
  }

  LinkReplacement(LinkReplacement&& other) noexcept
      : path_(std::move(other.path_)), temporary_(std::exchange(other.temporary_, {})) {}
  LinkReplacement& operator=(LinkReplacement&&) = delete;
  ~LinkReplacement() {
    if (!temporary_.empty()) unlink(temporary_.c_str());
  }

  const std::string& temporary() const { return temporary_; }

  absl::Status Commit() {
    if (rename(temporary_.c_str(), path_.c_str()) != 0) {
      return FileError(errno, "cannot make the link", path_);
    }
    temporary_.clear();
    return SyncFolder(FolderOf(path_));
  }

 private:
  LinkReplacement() = default;

  std::string path_;
  std::string temporary_;  // empty: nothing to remove
};

absl::Status TooLarge(const std::string& path, uint64_t limit) {
  return MakeError(absl::StatusCode::kResourceExhausted, "environment", "file-too-large",
                   absl::StrCat("cannot read ", path, ": larger than ", limit, " bytes"));
}

class LinuxFiles : public Files {
 public:
  absl::StatusOr<std::string> Read(const std::string& path, uint64_t limit) const override {
    TRIDENT_ASSIGN_OR_RETURN(const FileDescriptor fd, OpenToRead(path));
    std::string content;
    // Files in /proc say that their size is 0: read and count.
    TRIDENT_RETURN_IF_ERROR(ReadChunks(fd.get(), path, [&](std::string_view chunk) {
      if (chunk.size() > limit - std::min<uint64_t>(limit, content.size())) {
        return TooLarge(path, limit);
      }
      content.append(chunk);
      return absl::OkStatus();
    }));
    return content;
  }

  absl::StatusOr<std::string> DigestOnMedium(const std::string& path) const override {
    TRIDENT_ASSIGN_OR_RETURN(const FileDescriptor fd, OpenToRead(path));
    if (fsync(fd.get()) != 0) return FileError(errno, "cannot sync", path);
    if (const int error = posix_fadvise(fd.get(), 0, 0, POSIX_FADV_DONTNEED); error != 0) {
      return FileError(error, "cannot drop what is cached of", path);
    }
    Sha256 sha256;
    TRIDENT_RETURN_IF_ERROR(ReadChunks(fd.get(), path, [&](std::string_view chunk) {
      sha256.Update({reinterpret_cast<const uint8_t*>(chunk.data()), chunk.size()});
      return absl::OkStatus();
    }));
    return sha256.Hex();
  }

  absl::StatusOr<SecretFile> ReadSecret(const std::string& path, uint64_t limit) const override {
    TRIDENT_RETURN_IF_ERROR(CheckAbsolute(path, "cannot read"));
    const FileDescriptor place(open(path.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
    struct stat about = {};
    if (!place.valid() || fstat(place.get(), &about) != 0) {
      return FileError(errno, "cannot read", path);
    }
    SecretFile file{FactsOf(about), {}};
    if (file.facts.type != FileFacts::Type::kRegular) return file;
    if (file.facts.size > limit) return TooLarge(path, limit);
    // The file that was looked at, whatever the path means by now.
    const FileDescriptor fd(
        open(absl::StrCat("/proc/self/fd/", place.get()).c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd.valid()) return FileError(errno, "cannot read", path);
    // One byte more, to see the end.
    TRIDENT_ASSIGN_OR_RETURN(file.content, Secret::OfSize(file.facts.size + 1));
    size_t done = 0;
    while (done < file.content.size()) {
      const auto rest = file.content.bytes().subspan(done);
      const ssize_t count = read(fd.get(), rest.data(), rest.size());
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return FileError(errno, "cannot read", path);
      if (count == 0) break;
      done += static_cast<size_t>(count);
    }
    if (done != file.facts.size) {
      return MakeError(absl::StatusCode::kAborted, "environment", "file-changed",
                       absl::StrCat(path, " changed while it was read"));
    }
    file.content.Truncate(done);
    return file;
  }

  absl::Status Write(const std::string& path, std::string_view content, uint32_t mode) override {
    TRIDENT_RETURN_IF_ERROR(CheckAbsolute(path, "cannot write"));
    TRIDENT_ASSIGN_OR_RETURN(Replacement replacement, Replacement::Begin(path, mode));
    TRIDENT_RETURN_IF_ERROR(replacement.Append(content));
    return replacement.Commit();
  }

  absl::Status Copy(const std::string& from, const std::string& to, uint32_t mode) override {
    TRIDENT_RETURN_IF_ERROR(CheckAbsolute(to, "cannot write"));
    TRIDENT_ASSIGN_OR_RETURN(const FileDescriptor fd, OpenToRead(from));
    TRIDENT_ASSIGN_OR_RETURN(Replacement replacement, Replacement::Begin(to, mode));
    TRIDENT_RETURN_IF_ERROR(ReadChunks(
        fd.get(), from, [&](std::string_view chunk) { return replacement.Append(chunk); }));
    return replacement.Commit();
  }

  absl::Status CopyWhole(const std::string& from, const std::string& to) override {
    TRIDENT_RETURN_IF_ERROR(CheckAbsolute(from, "cannot copy"));
    TRIDENT_RETURN_IF_ERROR(CheckAbsolute(to, "cannot write"));
    struct stat about = {};
    if (lstat(from.c_str(), &about) != 0) return FileError(errno, "cannot copy", from);
    if (S_ISREG(about.st_mode)) {
      TRIDENT_ASSIGN_OR_RETURN(const FileDescriptor fd, OpenToRead(from));
      // Nobody else reads it before its owner and mode are right.
      TRIDENT_ASSIGN_OR_RETURN(Replacement replacement, Replacement::Begin(to, 0600));
      TRIDENT_RETURN_IF_ERROR(ReadChunks(
          fd.get(), from, [&](std::string_view chunk) { return replacement.Append(chunk); }));
      TRIDENT_RETURN_IF_ERROR(CopyFacts(from, about, replacement.temporary(), to));
      return replacement.Commit();
    }
    if (S_ISLNK(about.st_mode)) {
      TRIDENT_ASSIGN_OR_RETURN(const std::string target, ReadLink(from));
      TRIDENT_ASSIGN_OR_RETURN(LinkReplacement replacement, LinkReplacement::Begin(target, to));
      TRIDENT_RETURN_IF_ERROR(CopyFacts(from, about, replacement.temporary(), to));
      return replacement.Commit();
    }
    if (!S_ISDIR(about.st_mode)) return FileError(EINVAL, "cannot copy", from);
    if (mkdir(to.c_str(), 0700) != 0) {
      const int error = errno;
      struct stat there = {};
      if (error != EEXIST || lstat(to.c_str(), &there) != 0) {
        return FileError(error, "cannot make folder", to);
      }
      if (!S_ISDIR(there.st_mode)) return FileError(ENOTDIR, "cannot make folder", to);
    }
    TRIDENT_RETURN_IF_ERROR(CopyFacts(from, about, to, to));
    TRIDENT_RETURN_IF_ERROR(SyncFolder(to));
    return SyncFolder(FolderOf(to));
  }

  absl::Status Append(const std::string& path, std::string_view content, uint32_t mode) override {
    TRIDENT_RETURN_IF_ERROR(CheckAbsolute(path, "cannot write"));
    const FileDescriptor fd(open(
        path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, mode));
    if (!fd.valid()) return FileError(errno, "cannot write", path);
    while (!content.empty()) {
      const ssize_t count = write(fd.get(), content.data(), content.size());
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return FileError(errno, "cannot write", path);
      content.remove_prefix(static_cast<size_t>(count));
    }
    return absl::OkStatus();
  }

  absl::Status MakeLink(const std::string& target, const std::string& path) override {
    TRIDENT_RETURN_IF_ERROR(CheckAbsolute(path, "cannot make the link"));
    TRIDENT_ASSIGN_OR_RETURN(LinkReplacement replacement, LinkReplacement::Begin(target, path));
    return replacement.Commit();
  }

  absl::Status ChangeOwner(const std::string& path, uint32_t owner, uint32_t group) override {
    TRIDENT_RETURN_IF_ERROR(CheckAbsolute(path, "cannot set the owner of"));
    if (lchown(path.c_str(), owner, group) == 0) return absl::OkStatus();
    return FileError(errno, "cannot set the owner of", path);
  }

  absl::StatusOr<FileFacts> Facts(const std::string& path) const override {
    TRIDENT_RETURN_IF_ERROR(CheckAbsolute(path, "cannot look at"));
    struct stat about = {};
    if (lstat(path.c_str(), &about) != 0) return FileError(errno, "cannot look at", path);
    return FactsOf(about);
  }

  bool Exists(const std::string& path) const override {
    struct stat about = {};
    return stat(path.c_str(), &about) == 0;
  }

  bool IsDirectory(const std::string& path) const override {
    struct stat about = {};
    return stat(path.c_str(), &about) == 0 && S_ISDIR(about.st_mode);
  }

  absl::StatusOr<std::vector<std::string>> List(const std::string& path) const override {
    TRIDENT_RETURN_IF_ERROR(CheckAbsolute(path, "cannot list"));
    const std::unique_ptr<DIR, int (*)(DIR*)> folder(opendir(path.c_str()), closedir);
    if (!folder) return FileError(errno, "cannot list", path);
    std::vector<std::string> names;
    errno = 0;
    while (const dirent* entry = readdir(folder.get())) {
      const std::string_view name = entry->d_name;
      if (name != "." && name != "..") names.emplace_back(name);
      errno = 0;
    }
    if (errno != 0) return FileError(errno, "cannot list", path);
    std::sort(names.begin(), names.end());
    return names;
  }

  absl::Status MakeDirectories(const std::string& path, uint32_t mode) override {
    TRIDENT_RETURN_IF_ERROR(CheckAbsolute(path, "cannot make folder"));
    std::string current;
    for (const auto component : absl::StrSplit(path, '/', absl::SkipEmpty())) {
      absl::StrAppend(&current, "/", component);
      if (mkdir(current.c_str(), mode) == 0) {
        // The umask had its say; the caller's word counts.
        if (chmod(current.c_str(), mode) != 0) return FileError(errno, "cannot make folder", path);
        continue;
      }
      const int error = errno;
      struct stat about = {};
      if (stat(current.c_str(), &about) == 0) {
        if (S_ISDIR(about.st_mode)) continue;
        return FileError(ENOTDIR, "cannot make folder", path);
      }
      return FileError(error, "cannot make folder", path);
    }
    return absl::OkStatus();
  }

  absl::Status Remove(const std::string& path) override {
    TRIDENT_RETURN_IF_ERROR(CheckAbsolute(path, "cannot remove"));
    if (unlink(path.c_str()) == 0) return absl::OkStatus();
    if (errno == EISDIR && rmdir(path.c_str()) == 0) return absl::OkStatus();
    if (errno == ENOENT) return absl::OkStatus();
    return FileError(errno, "cannot remove", path);
  }

  absl::StatusOr<std::string> Canonical(const std::string& path) const override {
    TRIDENT_RETURN_IF_ERROR(CheckAbsolute(path, "cannot resolve"));
    const std::unique_ptr<char, void (*)(void*)> resolved(realpath(path.c_str(), nullptr), free);
    if (!resolved) return FileError(errno, "cannot resolve", path);
    return std::string(resolved.get());
  }

  absl::StatusOr<std::string> ReadLink(const std::string& path) const override {
    TRIDENT_RETURN_IF_ERROR(CheckAbsolute(path, "cannot read the link"));
    std::array<char, PATH_MAX> buffer;
    const ssize_t length = readlink(path.c_str(), buffer.data(), buffer.size());
    if (length < 0) return FileError(errno, "cannot read the link", path);
    return std::string(buffer.data(), static_cast<size_t>(length));
  }

  absl::StatusOr<FileSystemRoom> Room(const std::string& path) const override {
    TRIDENT_RETURN_IF_ERROR(CheckAbsolute(path, "cannot measure"));
    struct statvfs about = {};
    if (statvfs(path.c_str(), &about) != 0) return FileError(errno, "cannot measure", path);
    return FileSystemRoom{uint64_t{about.f_blocks} * about.f_frsize,
                          uint64_t{about.f_bavail} * about.f_frsize};
  }

  absl::Status SyncFileSystem(const std::string& path) override {
    TRIDENT_RETURN_IF_ERROR(CheckAbsolute(path, "cannot sync"));
    const FileDescriptor fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    if (!fd.valid() || syncfs(fd.get()) != 0) return FileError(errno, "cannot sync", path);
    return absl::OkStatus();
  }
};

}  // namespace

std::string FolderOf(const std::string& path) {
  return path.substr(0, std::max<size_t>(path.rfind('/'), 1));
}

std::unique_ptr<Files> MakeLinuxFiles() { return std::make_unique<LinuxFiles>(); }

}  // namespace trident
