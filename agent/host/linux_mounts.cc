#include <libmount/libmount.h>

#include <cerrno>
#include <chrono>
#include <climits>
#include <cstdlib>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "agent/host/mounts.h"
#include "common/base/error.h"

namespace trident {
namespace {

using Context = std::unique_ptr<libmnt_context, void (*)(libmnt_context*)>;
using Table = std::unique_ptr<libmnt_table, void (*)(libmnt_table*)>;

constexpr std::chrono::seconds kBusyLimit{5};
constexpr std::chrono::milliseconds kBusyPause{50};

absl::Status MountError(int error_number, const std::string& attempt) {
  return ErrnoError(error_number, "storage", "mount", attempt);
}

// libmount gives -errno from its own set-up and keeps that of mount(2) apart.
int ErrnoOf(libmnt_context* context, int result) {
  const int from_kernel = mnt_context_get_syscall_errno(context);
  if (from_kernel > 0) return from_kernel;
  return result < 0 ? -result : EINVAL;
}

absl::StatusOr<Context> NewContext(const std::string& target) {
  Context context(mnt_new_context(), mnt_free_context);
  if (!context) return MountError(ENOMEM, "cannot prepare to mount");
  // Helpers (mount.nfs and such) would be run by libmount itself, past the command port.
  mnt_context_disable_helpers(context.get(), 1);
  if (mnt_context_set_target(context.get(), target.c_str()) != 0) {
    return MountError(ENOMEM, "cannot prepare to mount at " + target);
  }
  return context;
}

std::string CanonicalOr(const std::string& path) {
  const std::unique_ptr<char, void (*)(void*)> resolved(realpath(path.c_str(), nullptr), free);
  return resolved ? std::string(resolved.get()) : path;
}

std::string Text(const char* text) { return text == nullptr ? "" : text; }

class LinuxMounts : public Mounts {
 public:
  absl::Status Mount(const std::string& source, const std::string& target,
                     const std::string& filesystem,
                     const std::vector<std::string>& options) override {
    const std::string attempt =
        absl::StrCat("cannot mount ", source, " at ", target, " as ", filesystem);
    TRIDENT_ASSIGN_OR_RETURN(const Context context, NewContext(target));
    const std::string joined = absl::StrJoin(options, ",");
    if (mnt_context_set_source(context.get(), source.c_str()) != 0 ||
        mnt_context_set_fstype(context.get(), filesystem.c_str()) != 0 ||
        mnt_context_set_options(context.get(), joined.c_str()) != 0) {
      return MountError(EINVAL, attempt);
    }
    const int result = mnt_context_mount(context.get());
    if (result == 0 && mnt_context_get_status(context.get()) == 1) return absl::OkStatus();
    char words[512] = {};
    const int error = ErrnoOf(context.get(), result);
    mnt_context_get_excode(context.get(), result, words, sizeof(words));
    return MountError(error, words[0] == '\0' ? attempt : absl::StrCat(attempt, ": ", words));
  }

  absl::Status Unmount(const std::string& target) override {
    const std::string canonical = CanonicalOr(target);
    const auto limit = std::chrono::steady_clock::now() + kBusyLimit;
    while (true) {
      TRIDENT_ASSIGN_OR_RETURN(const std::vector<MountEntry> entries, List());
      bool mounted = false;
      for (const MountEntry& entry : entries) mounted = mounted || entry.target == canonical;
      if (!mounted) return absl::OkStatus();
      TRIDENT_ASSIGN_OR_RETURN(const Context context, NewContext(canonical));
      const int result = mnt_context_umount(context.get());
      if (result == 0 && mnt_context_get_status(context.get()) == 1) return absl::OkStatus();
      const int error = ErrnoOf(context.get(), result);
      if (error != EBUSY) return MountError(error, "cannot unmount " + target);
      if (std::chrono::steady_clock::now() >= limit) {
        return MakeError(absl::StatusCode::kFailedPrecondition, "storage", "mount-busy",
                         absl::StrCat("cannot unmount ", target, ": it is still busy after ",
                                      kBusyLimit.count(), " s"),
                         absl::StrCat("see what uses it with `fuser -vm ", target, "`"));
      }
      std::this_thread::sleep_for(kBusyPause);
    }
  }

  absl::StatusOr<std::vector<MountEntry>> List() const override {
    const Table table(mnt_new_table(), mnt_free_table);
    if (!table) return MountError(ENOMEM, "cannot list mounts");
    if (const int result = mnt_table_parse_file(table.get(), "/proc/self/mountinfo"); result != 0) {
      return MountError(-result, "cannot read /proc/self/mountinfo");
    }
    std::vector<MountEntry> entries;
    const std::unique_ptr<libmnt_iter, void (*)(libmnt_iter*)> iterator(
        mnt_new_iter(MNT_ITER_FORWARD), mnt_free_iter);
    if (!iterator) return MountError(ENOMEM, "cannot list mounts");
    libmnt_fs* entry = nullptr;
    while (mnt_table_next_fs(table.get(), iterator.get(), &entry) == 0) {
      entries.push_back({Text(mnt_fs_get_source(entry)), Text(mnt_fs_get_target(entry)),
                         Text(mnt_fs_get_fstype(entry)), Text(mnt_fs_get_options(entry))});
    }
    return entries;
  }

  absl::StatusOr<std::vector<std::string>> Swaps() const override {
    const Table table(mnt_new_table(), mnt_free_table);
    if (!table) return MountError(ENOMEM, "cannot list swaps");
    if (const int result = mnt_table_parse_swaps(table.get(), "/proc/swaps"); result != 0) {
      return MountError(-result, "cannot read /proc/swaps");
    }
    std::vector<std::string> swaps;
    const std::unique_ptr<libmnt_iter, void (*)(libmnt_iter*)> iterator(
        mnt_new_iter(MNT_ITER_FORWARD), mnt_free_iter);
    if (!iterator) return MountError(ENOMEM, "cannot list swaps");
    libmnt_fs* entry = nullptr;
    while (mnt_table_next_fs(table.get(), iterator.get(), &entry) == 0) {
      swaps.push_back(Text(mnt_fs_get_source(entry)));
    }
    return swaps;
  }
};

}  // namespace

std::unique_ptr<Mounts> MakeLinuxMounts() { return std::make_unique<LinuxMounts>(); }

}  // namespace trident
