// Encrypted volumes: LUKS2 headers, their keys, the TPM, and the opened volumes below /dev/mapper.
#ifndef TRIDENT_AGENT_HOST_ENCRYPTION_H_
#define TRIDENT_AGENT_HOST_ENCRYPTION_H_

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "agent/host/cancellation.h"
#include "agent/host/command_runner.h"
#include "agent/host/secret.h"

namespace trident {

// What the header takes from the beginning of a device; the opened volume has the rest.
inline constexpr uint64_t kLuksHeaderBytes = 16 << 20;

// Type of the token that systemd-cryptenroll(1) makes: the key of its slot, sealed by the TPM.
inline constexpr char kTpm2TokenType[] = "systemd-tpm2";

// Metadata beside the key slots.
struct LuksToken {
  int id = 0;
  std::string type;            // "systemd-tpm2"
  std::vector<int> key_slots;  // that it opens, ascending

  bool operator==(const LuksToken&) const = default;
};

// What a LUKS2 header says; nothing of it is secret.
struct LuksHeader {
  std::string uuid;
  std::string label;
  std::string cipher;          // "aes-xts-plain64"
  uint32_t key_bits = 0;       // of the volume key
  uint32_t sector_size = 0;    // bytes that are encrypted together
  std::vector<int> key_slots;  // in use, ascending
  std::vector<LuksToken> tokens;

  bool operator==(const LuksHeader&) const = default;
};

// A token of the TPM that opens a key slot is there.
bool HasTpm2Token(const LuksHeader& header);

// Error kind "encryption". Subkinds that mean something to a caller:
//   wrong-key         PERMISSION_DENIED: no key slot opens with the key
//   not-luks          FAILED_PRECONDITION: no LUKS2 header, or one that is damaged
//   busy              FAILED_PRECONDITION: the device or the volume is used
//   name-taken        FAILED_PRECONDITION: something else has the name below /dev/mapper
//   last-key          FAILED_PRECONDITION: nothing could open the volume any more
//   no-tpm            FAILED_PRECONDITION: the machine has no TPM 2.0
//   tool-missing      FAILED_PRECONDITION: systemd-cryptenroll or the TPM's libraries
//   no-device-mapper  FAILED_PRECONDITION: the kernel lacks dm_mod or dm_crypt
//   no-such-device    NOT_FOUND
//   no-key            INVALID_ARGUMENT: an empty key
//   too-small         INVALID_ARGUMENT: nothing would be left beside the header
// A device is a block device or, in tests, a file. Thread safe; one operation at a time.
class Encryption {
 public:
  virtual ~Encryption() = default;

  // Makes a LUKS2 header with a new random volume key, and `key` in key slot 0:
  // everything on the device is lost, also when it is done a second time. aes-xts-plain64 with 512
  // bits, argon2id with the memory of KeyDerivationMemory. `label` is cut to 47 bytes.
  virtual absl::Status Format(const std::string& device, const std::string& uuid,
                              const std::string& label, const Secret& key) = 0;

  // Reads the header.
  virtual absl::StatusOr<LuksHeader> Inspect(const std::string& device) const = 0;

  // The key slot that `key` opens. Opens nothing else.
  virtual absl::StatusOr<int> CheckKey(const std::string& device, const Secret& key) const = 0;

  // Lets `new_key` open the volume, too, which `key` opens. Gives its key slot; the one that it
  // has already when it is added again.
  virtual absl::StatusOr<int> AddKey(const std::string& device, const Secret& key,
                                     const Secret& new_key) = 0;

  // Wipes a key slot and takes it from the tokens. OK when it is not in use. The last one stays.
  virtual absl::Status RemoveKeySlot(const std::string& device, int key_slot) = 0;

  // Opens the volume as /dev/mapper/<name>. OK when this device is open by this name already,
  // provided that `key` opens it. The link may appear a moment later (BlockDevices::WaitForPath).
  virtual absl::Status Activate(const std::string& device, const std::string& name,
                                const Secret& key) = 0;

  // Closes /dev/mapper/<name>. OK when it is not open. A volume that is used is tried again for up
  // to 5 s, then "busy".
  virtual absl::Status Deactivate(const std::string& name) = 0;

  // Something is open as /dev/mapper/<name>.
  virtual bool IsActive(const std::string& name) const = 0;

  // The machine has a TPM 2.0 that the kernel knows (/dev/tpmrm0).
  virtual bool HasTpm2() const = 0;

  // Lets the TPM open the volume as long as these platform configuration registers are what they
  // are now; none: always. `unlock_key` opens the volume. Done again, also after another TPM, it
  // first removes the token and key slot of the TPM that are there: when it then fails,
  // `unlock_key` still opens the volume. systemd-cryptenroll(1), which gets the key by a
  // descriptor.
  virtual absl::Status EnrolTpm2(const std::string& device, const std::vector<uint32_t>& pcrs,
                                 const Secret& unlock_key,
                                 const Cancellation* cancellation = nullptr) = 0;
};

struct EncryptionOptions {
  // How long it shall take to try one key on this machine; libcryptsetup measures it. 0: as little
  // as argon2id can do, without measuring, which is no protection and makes tests fast.
  std::chrono::milliseconds key_derivation_time = std::chrono::seconds(2);
  // As --tpm2-device= of systemd-cryptenroll(1): "auto" is the TPM of the machine. With another one
  // HasTpm2 is true.
  std::string tpm2_device = "auto";
};

// libcryptsetup, and `commands`, which is used as long as the result lives. While a key is in the
// memory of the library the process leaves no core dump (prctl(2), PR_SET_DUMPABLE).
std::unique_ptr<Encryption> MakeLinuxEncryption(CommandRunner& commands,
                                                const EncryptionOptions& options = {});

// Bytes of memory that argon2id may use where so much is available: half of it, at most 128 MiB, so
// that a small ramdisk OS survives; at least 32 KiB, below which there is no argon2id. Pure.
uint64_t KeyDerivationMemory(uint64_t available);

}  // namespace trident

#endif  // TRIDENT_AGENT_HOST_ENCRYPTION_H_
