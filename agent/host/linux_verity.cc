#include <libcryptsetup.h>
#include <sys/stat.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <mutex>
#include <thread>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "agent/host/crypt_session.h"
#include "agent/host/verity.h"
#include "common/base/error.h"

namespace trident {
namespace {

constexpr std::chrono::seconds kBusyLimit{5};
constexpr std::chrono::milliseconds kBusyPause{50};

absl::Status VerityError(absl::StatusCode code, const char* subkind, std::string message,
                         std::string remedy = "") {
  return MakeError(code, "verity", subkind, std::move(message), std::move(remedy));
}

// What a negative result of libcryptsetup means.
absl::Status ResultError(int result, const CryptSession& session, const std::string& attempt) {
  const std::string message =
      absl::StrCat(attempt, ": ", session.said.empty() ? strerror(-result) : session.said);
  switch (result) {
    case -EBUSY:
      return VerityError(absl::StatusCode::kFailedPrecondition, "busy", message,
                         "stop what uses it, then try again");
    case -EEXIST:
      return VerityError(absl::StatusCode::kFailedPrecondition, "name-taken", message,
                         "close what has the name (dmsetup ls)");
    case -ENOTSUP:
    case -ENODEV:
      return VerityError(absl::StatusCode::kFailedPrecondition, "no-device-mapper", message,
                         "see that the kernel has the modules dm_mod and dm_verity");
    default:
      return ErrnoError(-result, "verity", "libcryptsetup",
                        session.said.empty() ? attempt : absl::StrCat(attempt, ": ", session.said));
  }
}

absl::Status CheckThere(const std::string& device, const std::string& attempt) {
  struct stat about = {};
  if (stat(device.c_str(), &about) == 0) return absl::OkStatus();
  if (errno != ENOENT) return ErrnoError(errno, "verity", "libcryptsetup", attempt);
  return VerityError(absl::StatusCode::kNotFound, "no-such-device",
                     absl::StrCat(attempt, ": there is no device ", device));
}

class LinuxVerity : public Verity {
 public:
  absl::Status Open(const VeritySource& source, const std::string& name) override {
    const std::string attempt =
        absl::StrCat("cannot open ", source.data_device, " with the hashes on ", source.hash_device,
                     " as /dev/mapper/", name);
    TRIDENT_RETURN_IF_ERROR(CheckThere(source.data_device, attempt));
    TRIDENT_RETURN_IF_ERROR(CheckThere(source.hash_device, attempt));
    const std::string root_hash = absl::HexStringToBytes(source.root_hash);
    const std::lock_guard lock(mutex_);
    CryptSession session;
    int result = crypt_init(&session.device, source.hash_device.c_str());
    if (result < 0) return ResultError(result, session, attempt);
    crypt_set_log_callback(session.device, TakeCryptMessage, &session);
    crypt_params_verity parameters = {};
    parameters.data_device = source.data_device.c_str();
    result = crypt_load(session.device, CRYPT_VERITY, &parameters);
    if (result == -EINVAL || result == -EIO) {
      return VerityError(
          absl::StatusCode::kFailedPrecondition, "not-verity",
          absl::StrCat(attempt,
                       ": there is no intact superblock of a tree of "
                       "hashes on ",
                       source.hash_device, session.said.empty() ? "" : ": ", session.said),
          "use the file that veritysetup format wrote as its hash device");
    }
    if (result < 0) return ResultError(result, session, attempt);
    const int hash_size = crypt_get_volume_key_size(session.device);
    if (hash_size < 0 || root_hash.size() != static_cast<size_t>(hash_size)) {
      return VerityError(absl::StatusCode::kFailedPrecondition, "wrong-root-hash",
                         absl::StrCat(attempt, ": the root hash has ", root_hash.size(),
                                      " bytes, but the hashes of the tree have ", hash_size),
                         "make the tree with --hash=sha256");
    }
    result = crypt_activate_by_volume_key(session.device, name.c_str(), root_hash.data(),
                                          root_hash.size(), CRYPT_ACTIVATE_READONLY);
    return result < 0 ? ResultError(result, session, attempt) : absl::OkStatus();
  }

  absl::Status Close(const std::string& name) override {
    const std::string attempt = absl::StrCat("cannot close /dev/mapper/", name);
    const auto limit = std::chrono::steady_clock::now() + kBusyLimit;
    while (true) {
      int result = 0;
      {
        const std::lock_guard lock(mutex_);
        result = crypt_deactivate(nullptr, name.c_str());
      }
      // Not open, or no device-mapper by which anything could be open.
      if (result == 0 || result == -ENODEV) return absl::OkStatus();
      if (result != -EBUSY) return ResultError(result, CryptSession(), attempt);
      if (std::chrono::steady_clock::now() >= limit) {
        return VerityError(
            absl::StatusCode::kFailedPrecondition, "busy",
            absl::StrCat(attempt, ": it is still used after ", kBusyLimit.count(), " s"),
            absl::StrCat("see what uses it with `lsblk /dev/mapper/", name, "` and `fuser -vm`"));
      }
      std::this_thread::sleep_for(kBusyPause);
    }
  }

  bool IsOpen(const std::string& name) const override {
    const std::lock_guard lock(mutex_);
    const crypt_status_info status = crypt_status(nullptr, name.c_str());
    return status == CRYPT_ACTIVE || status == CRYPT_BUSY;
  }

 private:
  mutable std::mutex mutex_;
};

}  // namespace

std::unique_ptr<Verity> MakeLinuxVerity() { return std::make_unique<LinuxVerity>(); }

}  // namespace trident
