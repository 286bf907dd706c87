#include <dirent.h>
#include <fcntl.h>
#include <libcryptsetup.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <thread>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "agent/host/crypt_session.h"
#include "agent/host/encryption.h"
#include "agent/host/file_descriptor.h"
#include "agent/host/files.h"
#include "common/base/error.h"
#include "common/base/logging.h"

namespace trident {
namespace {

constexpr size_t kVolumeKeyBytes = 64;  // two AES keys of 256 bits: XTS
constexpr uint32_t kMostThreads = 4;
// Limits of libcryptsetup for argon2id.
constexpr uint32_t kLeastIterations = 4;
constexpr uint32_t kLeastMemoryKiB = 32;
constexpr std::chrono::seconds kBusyLimit{5};
constexpr std::chrono::milliseconds kBusyPause{50};
// A TPM takes its time, and the key is derived anew.
constexpr std::chrono::minutes kEnrolLimit{5};
// What there is at the least when the kernel does not say.
constexpr uint64_t kSmallMachine = 128 << 20;
constexpr char kTpmRemedy[] =
    "switch the TPM 2.0 on in the firmware settings and see that the kernel has its driver "
    "(tpm_tis or tpm_crb), or give a recovery key and set storage.encryption.tpm2 to preferred or "
    "never";
constexpr char kTpmToolRemedy[] =
    "install the packages systemd, libtss2-esys-3.0.2-0, libtss2-mu0, libtss2-rc0 and "
    "libtss2-tcti-device0 where the agent runs";

absl::Status EncryptionError(absl::StatusCode code, const char* subkind, std::string message,
                             std::string remedy = "") {
  return MakeError(code, "encryption", subkind, std::move(message), std::move(remedy));
}

// libcryptsetup keeps keys in memory of its own. Not dumpable: not even for a moment in a file.
class NoCoreDump {
 public:
  NoCoreDump() : before_(prctl(PR_GET_DUMPABLE)) { prctl(PR_SET_DUMPABLE, 0); }
  NoCoreDump(const NoCoreDump&) = delete;
  NoCoreDump& operator=(const NoCoreDump&) = delete;
  ~NoCoreDump() {
    // Only 0 and 1 can be set; 2 (fs.suid_dumpable) becomes the stricter one.
    if (before_ == 1) prctl(PR_SET_DUMPABLE, 1);
  }

 private:
  const int before_;
};

absl::Status CheckKeyGiven(const Secret& key, const std::string& attempt) {
  if (!key.empty()) return absl::OkStatus();
  return EncryptionError(absl::StatusCode::kInvalidArgument, "no-key",
                         attempt + ": the key is empty");
}

// What a negative result of libcryptsetup means.
absl::Status ResultError(int result, const CryptSession& session, const std::string& attempt) {
  const std::string message =
      absl::StrCat(attempt, ": ", session.said.empty() ? strerror(-result) : session.said);
  switch (result) {
    case -EPERM:
      return EncryptionError(absl::StatusCode::kPermissionDenied, "wrong-key",
                             attempt + ": no key slot opens with this key",
                             "use the recovery key that the volume was made with");
    case -EBUSY:
      return EncryptionError(absl::StatusCode::kFailedPrecondition, "busy", message,
                             "stop what uses it, then try again");
    case -EEXIST:
      return EncryptionError(absl::StatusCode::kFailedPrecondition, "name-taken", message,
                             "close what has the name, or choose another deviceName");
    case -ENOTSUP:
    case -ENODEV:
      return EncryptionError(absl::StatusCode::kFailedPrecondition, "no-device-mapper", message,
                             "see that the kernel has the modules dm_mod and dm_crypt");
    default:
      return ErrnoError(-result, "encryption", "libcryptsetup",
                        session.said.empty() ? attempt : absl::StrCat(attempt, ": ", session.said));
  }
}

absl::StatusOr<std::unique_ptr<CryptSession>> Open(const std::string& device,
                                                   const std::string& attempt) {
  auto session = std::make_unique<CryptSession>();
  const int result = crypt_init(&session->device, device.c_str());
  if (result < 0) {
    struct stat about = {};
    if (stat(device.c_str(), &about) != 0 && errno == ENOENT) {
      return EncryptionError(absl::StatusCode::kNotFound, "no-such-device",
                             absl::StrCat(attempt, ": there is no such device"));
    }
    if (result == -ENOTBLK) {
      return EncryptionError(absl::StatusCode::kInvalidArgument, "no-block-device",
                             absl::StrCat(attempt, ": it is no block device"));
    }
    return ResultError(result, *session, attempt);
  }
  crypt_set_log_callback(session->device, TakeCryptMessage, session.get());
  return session;
}

absl::StatusOr<std::unique_ptr<CryptSession>> Load(const std::string& device,
                                                   const std::string& attempt) {
  TRIDENT_ASSIGN_OR_RETURN(std::unique_ptr<CryptSession> session, Open(device, attempt));
  const int result = crypt_load(session->device, CRYPT_LUKS2, nullptr);
  if (result == -EINVAL || result == -EIO) {
    // -EIO also when the device is too small to hold a header.
    return EncryptionError(absl::StatusCode::kFailedPrecondition, "not-luks",
                           absl::StrCat(attempt, ": there is no intact LUKS2 header on it",
                                        session->said.empty() ? "" : ": ", session->said));
  }
  if (result < 0) return ResultError(result, *session, attempt);
  return session;
}

// libcryptsetup takes a device that ends with its header, and refuses it when it is opened.
absl::Status CheckRoom(const std::string& device, const std::string& attempt) {
  const FileDescriptor fd(open(device.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat about = {};
  if (!fd.valid() || fstat(fd.get(), &about) != 0) {
    return ErrnoError(errno, "encryption", "libcryptsetup", attempt);
  }
  auto size = static_cast<uint64_t>(about.st_size);
  if (S_ISBLK(about.st_mode) && ioctl(fd.get(), BLKGETSIZE64, &size) != 0) {
    return ErrnoError(errno, "encryption", "libcryptsetup", attempt);
  }
  if (size > kLuksHeaderBytes) return absl::OkStatus();
  return EncryptionError(
      absl::StatusCode::kInvalidArgument, "too-small",
      absl::StrCat(attempt, ": it has ", size, " bytes, and the header takes ", kLuksHeaderBytes),
      "make what is encrypted larger");
}

// Bytes that programs can have without swapping; proc(5), MemAvailable.
uint64_t AvailableMemory() {
  const auto text = MakeLinuxFiles()->Read("/proc/meminfo");
  if (!text.ok()) return kSmallMachine;
  for (const auto line : absl::StrSplit(*text, '\n')) {
    const std::vector<std::string> words = absl::StrSplit(line, ' ', absl::SkipEmpty());
    uint64_t kibibytes = 0;
    if (words.size() >= 2 && words[0] == "MemAvailable:" &&
        absl::SimpleAtoi(words[1], &kibibytes)) {
      return kibibytes << 10;
    }
  }
  return kSmallMachine;
}

// Gives a key slot if `key` opens one, without opening the volume.
int TryKey(const CryptSession& session, const Secret& key) {
  return crypt_activate_by_passphrase(session.device, nullptr, CRYPT_ANY_SLOT, key.chars(),
                                      key.size(), 0);
}

std::string Text(const char* text) { return text == nullptr ? "" : text; }

class LinuxEncryption : public Encryption {
 public:
  LinuxEncryption(CommandRunner& commands, const EncryptionOptions& options)
      : commands_(commands), options_(options) {
    crypt_set_log_callback(nullptr, TakeCryptMessage, nullptr);
    // Tokens are shown, but what they bring along is not loaded into this process.
    crypt_token_external_disable();
  }

  absl::Status Format(const std::string& device, const std::string& uuid, const std::string& label,
                      const Secret& key) override {
    const std::string attempt = absl::StrCat("cannot encrypt ", device);
    TRIDENT_RETURN_IF_ERROR(CheckKeyGiven(key, attempt));
    const std::lock_guard lock(mutex_);
    const NoCoreDump no_core_dump;
    TRIDENT_ASSIGN_OR_RETURN(const std::unique_ptr<CryptSession> session, Open(device, attempt));
    TRIDENT_RETURN_IF_ERROR(CheckRoom(device, attempt));
    const crypt_pbkdf_type derivation = KeyDerivation();
    crypt_params_luks2 parameters = {};
    parameters.pbkdf = &derivation;
    parameters.sector_size = 0;  // the best for the device
    parameters.label = label.c_str();
    crypt_set_rng_type(session->device, CRYPT_RNG_RANDOM);
    int result = crypt_format(session->device, CRYPT_LUKS2, "aes", "xts-plain64", uuid.c_str(),
                              nullptr, kVolumeKeyBytes, &parameters);
    if (result < 0) return ResultError(result, *session, attempt);
    result =
        crypt_keyslot_add_by_volume_key(session->device, 0, nullptr, 0, key.chars(), key.size());
    if (result < 0) return ResultError(result, *session, attempt);
    return absl::OkStatus();
  }

  absl::StatusOr<LuksHeader> Inspect(const std::string& device) const override {
    const std::lock_guard lock(mutex_);
    TRIDENT_ASSIGN_OR_RETURN(const std::unique_ptr<CryptSession> session,
                             Load(device, absl::StrCat("cannot read the encryption of ", device)));
    crypt_device* const from = session->device;
    LuksHeader header;
    header.uuid = Text(crypt_get_uuid(from));
    header.label = Text(crypt_get_label(from));
    header.cipher =
        absl::StrCat(Text(crypt_get_cipher(from)), "-", Text(crypt_get_cipher_mode(from)));
    header.key_bits = static_cast<uint32_t>(crypt_get_volume_key_size(from)) * 8;
    header.sector_size = static_cast<uint32_t>(crypt_get_sector_size(from));
    const int slots = crypt_keyslot_max(CRYPT_LUKS2);
    for (int slot = 0; slot < slots; ++slot) {
      const crypt_keyslot_info about = crypt_keyslot_status(from, slot);
      if (about == CRYPT_SLOT_ACTIVE || about == CRYPT_SLOT_ACTIVE_LAST) {
        header.key_slots.push_back(slot);
      }
    }
    const int tokens = crypt_token_max(CRYPT_LUKS2);
    for (int id = 0; id < tokens; ++id) {
      const char* type = nullptr;
      const crypt_token_info about = crypt_token_status(from, id, &type);
      if (about == CRYPT_TOKEN_INVALID || about == CRYPT_TOKEN_INACTIVE) continue;
      LuksToken token;
      token.id = id;
      token.type = Text(type);
      for (const int slot : header.key_slots) {
        if (crypt_token_is_assigned(from, id, slot) == 0) token.key_slots.push_back(slot);
      }
      header.tokens.push_back(std::move(token));
    }
    return header;
  }

  absl::StatusOr<int> CheckKey(const std::string& device, const Secret& key) const override {
    const std::string attempt = absl::StrCat("cannot open ", device);
    TRIDENT_RETURN_IF_ERROR(CheckKeyGiven(key, attempt));
    const std::lock_guard lock(mutex_);
    const NoCoreDump no_core_dump;
    TRIDENT_ASSIGN_OR_RETURN(const std::unique_ptr<CryptSession> session, Load(device, attempt));
    return SlotOf(*session, key, attempt);
  }

  absl::StatusOr<int> AddKey(const std::string& device, const Secret& key,
                             const Secret& new_key) override {
    const std::string attempt = absl::StrCat("cannot add a key to ", device);
    TRIDENT_RETURN_IF_ERROR(CheckKeyGiven(key, attempt));
    TRIDENT_RETURN_IF_ERROR(CheckKeyGiven(new_key, attempt));
    const std::lock_guard lock(mutex_);
    const NoCoreDump no_core_dump;
    TRIDENT_ASSIGN_OR_RETURN(const std::unique_ptr<CryptSession> session, Load(device, attempt));
    if (const int slot = TryKey(*session, new_key); slot >= 0) return slot;
    const crypt_pbkdf_type derivation = KeyDerivation();
    int result = crypt_set_pbkdf_type(session->device, &derivation);
    if (result < 0) return ResultError(result, *session, attempt);
    session->said.clear();
    result = crypt_keyslot_add_by_passphrase(session->device, CRYPT_ANY_SLOT, key.chars(),
                                             key.size(), new_key.chars(), new_key.size());
    if (result < 0) return ResultError(result, *session, attempt);
    return result;
  }

  absl::Status RemoveKeySlot(const std::string& device, int key_slot) override {
    const std::string attempt = absl::StrCat("cannot remove key slot ", key_slot, " of ", device);
    const std::lock_guard lock(mutex_);
    TRIDENT_ASSIGN_OR_RETURN(const std::unique_ptr<CryptSession> session, Load(device, attempt));
    switch (crypt_keyslot_status(session->device, key_slot)) {
      case CRYPT_SLOT_INVALID:
        return EncryptionError(absl::StatusCode::kInvalidArgument, "no-key-slot",
                               attempt + ": there is no key slot of this number");
      case CRYPT_SLOT_INACTIVE:
        return absl::OkStatus();
      case CRYPT_SLOT_ACTIVE_LAST:
        return EncryptionError(absl::StatusCode::kFailedPrecondition, "last-key",
                               attempt + ": it is the last one, nothing could open the volume then",
                               "add another key first");
      case CRYPT_SLOT_ACTIVE:
      case CRYPT_SLOT_UNBOUND:
        break;
    }
    const int result = crypt_keyslot_destroy(session->device, key_slot);
    return result < 0 ? ResultError(result, *session, attempt) : absl::OkStatus();
  }

  absl::Status Activate(const std::string& device, const std::string& name,
                        const Secret& key) override {
    const std::string attempt = absl::StrCat("cannot open ", device, " as /dev/mapper/", name);
    TRIDENT_RETURN_IF_ERROR(CheckKeyGiven(key, attempt));
    const std::lock_guard lock(mutex_);
    const NoCoreDump no_core_dump;
    TRIDENT_ASSIGN_OR_RETURN(const std::unique_ptr<CryptSession> session, Load(device, attempt));
    if (IsActiveLocked(name)) {
      if (!IsOver(name, device)) {
        return EncryptionError(absl::StatusCode::kFailedPrecondition, "name-taken",
                               attempt + ": the name belongs to another volume that is open",
                               "close what has the name, or choose another deviceName");
      }
      return SlotOf(*session, key, attempt).status();
    }
    const int result = crypt_activate_by_passphrase(session->device, name.c_str(), CRYPT_ANY_SLOT,
                                                    key.chars(), key.size(), 0);
    return result < 0 ? ResultError(result, *session, attempt) : absl::OkStatus();
  }

  absl::Status Deactivate(const std::string& name) override {
    const std::string attempt = absl::StrCat("cannot close /dev/mapper/", name);
    const auto limit = std::chrono::steady_clock::now() + kBusyLimit;
    while (true) {
      CryptSession nothing;
      int result = 0;
      {
        const std::lock_guard lock(mutex_);
        result = crypt_deactivate(nullptr, name.c_str());
      }
      // Not open, or no device-mapper by which anything could be open.
      if (result == 0 || result == -ENODEV) return absl::OkStatus();
      if (result != -EBUSY) return ResultError(result, nothing, attempt);
      if (std::chrono::steady_clock::now() >= limit) {
        return EncryptionError(
            absl::StatusCode::kFailedPrecondition, "busy",
            absl::StrCat(attempt, ": it is still used after ", kBusyLimit.count(), " s"),
            absl::StrCat("see what uses it with `lsblk /dev/mapper/", name, "` and `fuser -vm`"));
      }
      std::this_thread::sleep_for(kBusyPause);
    }
  }

  bool IsActive(const std::string& name) const override {
    const std::lock_guard lock(mutex_);
    return IsActiveLocked(name);
  }

  bool HasTpm2() const override {
    if (options_.tpm2_device != "auto") return true;
    const std::unique_ptr<DIR, int (*)(DIR*)> folder(opendir("/sys/class/tpmrm"), closedir);
    if (!folder) return false;
    while (const dirent* entry = readdir(folder.get())) {
      if (entry->d_name[0] == '.') continue;
      if (access(absl::StrCat("/dev/", entry->d_name).c_str(), R_OK | W_OK) == 0) return true;
    }
    return false;
  }

  absl::Status EnrolTpm2(const std::string& device, const std::vector<uint32_t>& pcrs,
                         const Secret& unlock_key, const Cancellation* cancellation) override {
    const std::string attempt = absl::StrCat("cannot let the TPM open ", device);
    TRIDENT_RETURN_IF_ERROR(CheckKeyGiven(unlock_key, attempt));
    if (!HasTpm2()) {
      return EncryptionError(absl::StatusCode::kFailedPrecondition, "no-tpm",
                             attempt + ": the machine has no TPM 2.0 (no /dev/tpmrm0)", kTpmRemedy);
    }
    TRIDENT_RETURN_IF_ERROR(ForgetTpm2(device, unlock_key, attempt));
    Command command;
    command.argv = {"systemd-cryptenroll", "--unlock-key-file=/dev/stdin",
                    "--tpm2-device=" + options_.tpm2_device,
                    "--tpm2-pcrs=" + absl::StrJoin(pcrs, "+"), device};
    command.secret_input = &unlock_key;
    command.timeout = kEnrolLimit;
    command.cancellation = cancellation;
    const auto ran = commands_.Run(command);
    if (absl::IsNotFound(ran.status())) {
      return EncryptionError(absl::StatusCode::kFailedPrecondition, "tool-missing",
                             attempt + ": the program systemd-cryptenroll is not there",
                             kTpmToolRemedy);
    }
    TRIDENT_RETURN_IF_ERROR(Annotate(ran.status(), attempt));
    const std::string said = absl::StrJoin(
        absl::StrSplit(absl::StripAsciiWhitespace(ran->error_output), '\n', absl::SkipEmpty()),
        "; ");
    if (ran->exit_status != 0) return EnrolError(device, unlock_key, attempt, said);
    // Also what it thinks of the registers, such as that the firmware measured nothing.
    if (!said.empty()) {
      Log(LogLevel::kInfo, absl::StrCat("systemd-cryptenroll of ", device, ": ", said));
    }
    TRIDENT_ASSIGN_OR_RETURN(const LuksHeader header, Inspect(device));
    if (HasTpm2Token(header)) return absl::OkStatus();
    return EncryptionError(absl::StatusCode::kInternal, "tpm",
                           absl::StrCat(attempt, ": systemd-cryptenroll left no token: ", said));
  }

 private:
  // Needs the lock.
  static absl::StatusOr<int> SlotOf(const CryptSession& session, const Secret& key,
                                    const std::string& attempt) {
    const int result = TryKey(session, key);
    if (result >= 0) return result;
    // No key slot at all: no key is the right one.
    return ResultError(result == -ENOENT ? -EPERM : result, session, attempt);
  }

  // Needs the lock.
  static bool IsActiveLocked(const std::string& name) {
    const crypt_status_info about = crypt_status(nullptr, name.c_str());
    return about == CRYPT_ACTIVE || about == CRYPT_BUSY;
  }

  // /dev/mapper/<name> is the opened `device`. Needs the lock.
  static bool IsOver(const std::string& name, const std::string& device) {
    CryptSession open;
    if (crypt_init_by_name(&open.device, name.c_str()) < 0) return false;
    struct stat below = {};
    struct stat wanted = {};
    return stat(Text(crypt_get_device_name(open.device)).c_str(), &below) == 0 &&
           stat(device.c_str(), &wanted) == 0 && S_ISBLK(below.st_mode) &&
           S_ISBLK(wanted.st_mode) && below.st_rdev == wanted.st_rdev;
  }

  // Removes the tokens of the TPM and their key slots. systemd-cryptenroll could wipe them, too,
  // but does nothing at all when the same registers are enrolled already, even if by another TPM.
  absl::Status ForgetTpm2(const std::string& device, const Secret& unlock_key,
                          const std::string& attempt) const {
    TRIDENT_ASSIGN_OR_RETURN(const LuksHeader header, Inspect(device));
    const auto is_of_tpm = [](const LuksToken& token) { return token.type == kTpm2TokenType; };
    if (std::none_of(header.tokens.begin(), header.tokens.end(), is_of_tpm)) {
      return absl::OkStatus();
    }
    // Something must be left that opens the volume.
    TRIDENT_ASSIGN_OR_RETURN(const int kept, CheckKey(device, unlock_key));
    const std::lock_guard lock(mutex_);
    TRIDENT_ASSIGN_OR_RETURN(const std::unique_ptr<CryptSession> session, Load(device, attempt));
    for (const LuksToken& token : header.tokens) {
      if (!is_of_tpm(token)) continue;
      for (const int slot : token.key_slots) {
        if (slot == kept) continue;
        const int result = crypt_keyslot_destroy(session->device, slot);
        if (result < 0) return ResultError(result, *session, attempt);
      }
      const int result = crypt_token_json_set(session->device, token.id, nullptr);
      if (result < 0) return ResultError(result, *session, attempt);
    }
    return absl::OkStatus();
  }

  absl::Status EnrolError(const std::string& device, const Secret& unlock_key,
                          const std::string& attempt, const std::string& said) const {
    if (const auto slot = CheckKey(device, unlock_key); !slot.ok()) {
      return Annotate(slot.status(), attempt);
    }
    const std::string message = absl::StrCat(attempt, ": systemd-cryptenroll says: ", said);
    if (absl::StrContains(said, "TPM2 support is not installed")) {
      return EncryptionError(absl::StatusCode::kFailedPrecondition, "tool-missing", message,
                             kTpmToolRemedy);
    }
    return EncryptionError(absl::StatusCode::kFailedPrecondition, "tpm", message, kTpmRemedy);
  }

  crypt_pbkdf_type KeyDerivation() const {
    crypt_pbkdf_type derivation = {};
    derivation.type = CRYPT_KDF_ARGON2ID;
    derivation.hash = "sha256";
    if (options_.key_derivation_time.count() == 0) {
      derivation.iterations = kLeastIterations;
      derivation.max_memory_kb = kLeastMemoryKiB;
      derivation.parallel_threads = 1;
      derivation.flags = CRYPT_PBKDF_NO_BENCHMARK;
      return derivation;
    }
    derivation.time_ms = static_cast<uint32_t>(options_.key_derivation_time.count());
    derivation.max_memory_kb = static_cast<uint32_t>(KeyDerivationMemory(AvailableMemory()) >> 10);
    derivation.parallel_threads =
        std::clamp<uint32_t>(std::thread::hardware_concurrency(), 1, kMostThreads);
    return derivation;
  }

  CommandRunner& commands_;
  const EncryptionOptions options_;
  // libcryptsetup is not made for several threads.
  mutable std::mutex mutex_;
};

}  // namespace

std::unique_ptr<Encryption> MakeLinuxEncryption(CommandRunner& commands,
                                                const EncryptionOptions& options) {
  return std::make_unique<LinuxEncryption>(commands, options);
}

}  // namespace trident
