// Encrypted volumes in memory, with a TPM that can be taken away and with faults on demand.
#ifndef TRIDENT_AGENT_HOST_FAKE_FAKE_ENCRYPTION_H_
#define TRIDENT_AGENT_HOST_FAKE_FAKE_ENCRYPTION_H_

#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "agent/host/encryption.h"
#include "agent/host/fake/fake_block_devices.h"

namespace trident {

// Thread safe. A volume is known by the signature "crypto_LUKS" that Format leaves on its device:
// what overwrites that, as WriteTable does, ends the volume. An opened volume is a disk
// /dev/mapper/<name> of FakeBlockDevices, 16 MiB smaller than its device, which keeps what was
// written to it; its device has the user "held by <name>". At first: a TPM.
class FakeEncryption : public Encryption {
 public:
  // `devices` is used as long as this lives.
  explicit FakeEncryption(FakeBlockDevices& devices);

  absl::Status Format(const std::string& device, const std::string& uuid, const std::string& label,
                      const Secret& key) override;
  absl::StatusOr<LuksHeader> Inspect(const std::string& device) const override;
  absl::StatusOr<int> CheckKey(const std::string& device, const Secret& key) const override;
  absl::StatusOr<int> AddKey(const std::string& device, const Secret& key,
                             const Secret& new_key) override;
  absl::Status RemoveKeySlot(const std::string& device, int key_slot) override;
  absl::Status Activate(const std::string& device, const std::string& name,
                        const Secret& key) override;
  // Does not wait: "busy" at once while something uses /dev/mapper/<name>, or SetBusy says so.
  absl::Status Deactivate(const std::string& name) override;
  bool IsActive(const std::string& name) const override;
  bool HasTpm2() const override;
  absl::Status EnrolTpm2(const std::string& device, const std::vector<uint32_t>& pcrs,
                         const Secret& unlock_key, const Cancellation* cancellation) override;

  // --- what a test arranges ---

  void SetTpm2(bool there);
  // The machine gets another TPM, or boots something that the PCRs tell apart: no token opens its
  // volume any more.
  void ForgetSealedKeys();
  void SetBusy(const std::string& name, bool busy);
  // The `nth` change from now (1: the next one) gives `status` and changes nothing. Changes are
  // Format, AddKey, RemoveKeySlot, Activate, Deactivate, EnrolTpm2.
  void FailChange(int nth, absl::Status status);
  // What a boot does by crypttab: opens the volume by the TPM. False: it asks for a key.
  bool ActivateByTpm2(const std::string& device, const std::string& name);

  // --- what a test looks at ---

  // Changes that succeeded: "format /dev/vda2", "add-key /dev/vda2 1", "remove-key /dev/vda2 0",
  // "activate /dev/vda2 vault", "deactivate vault", "enrol-tpm2 /dev/vda2 7+11".
  std::vector<std::string> changes() const;

 private:
  struct Volume {
    LuksHeader header;
    std::map<int, std::string> keys;  // by slot; of a key slot of the TPM what nobody can type
    bool sealed = false;              // the TPM there opens the token
    bool has_contents = false;        // opened since Format
  };

  // All below need the lock.
  absl::Status BeginChange();
  absl::StatusOr<Volume*> Find(const std::string& device, const std::string& attempt) const;
  absl::StatusOr<int> SlotOf(const Volume& volume, const Secret& key,
                             const std::string& attempt) const;
  static int AddSlot(Volume& volume, std::string key);
  static void RemoveSlot(Volume& volume, int key_slot);
  absl::Status Open(Volume& volume, const std::string& device, const std::string& name);

  FakeBlockDevices& devices_;
  mutable std::mutex mutex_;
  mutable std::map<std::string, Volume> volumes_;  // by kernel device
  std::map<std::string, std::string> active_;      // name -> kernel device
  std::map<std::string, bool> busy_;
  bool has_tpm_ = true;
  int begun_ = 0;
  std::map<int, absl::Status> failures_;
  std::vector<std::string> changes_;
};

}  // namespace trident

#endif  // TRIDENT_AGENT_HOST_FAKE_FAKE_ENCRYPTION_H_
