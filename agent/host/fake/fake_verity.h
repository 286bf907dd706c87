// Verity devices in memory.
#ifndef TRIDENT_AGENT_HOST_FAKE_FAKE_VERITY_H_
#define TRIDENT_AGENT_HOST_FAKE_FAKE_VERITY_H_

#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "agent/host/fake/fake_block_devices.h"
#include "agent/host/verity.h"

namespace trident {

// Thread safe. A tree of hashes is what FakeVerityTree makes, on the hash device. An open device is
// a disk /dev/mapper/<name> of FakeBlockDevices with the first MiB of the data, which both devices
// are held by: "held by <name>". When the root hash is another one than the tree's, or the data was
// tampered with, every byte of it fails to be read.
class FakeVerity : public Verity {
 public:
  // `devices` is used as long as this lives.
  explicit FakeVerity(FakeBlockDevices& devices);

  absl::Status Open(const VeritySource& source, const std::string& name) override;
  // Does not wait: "busy" at once while something uses /dev/mapper/<name>.
  absl::Status Close(const std::string& name) override;
  bool IsOpen(const std::string& name) const override;

  // The data of the device does not match its tree any more.
  void Tamper(const std::string& data_device);

  // Changes that succeeded: "open /dev/vda2 trident-root", "close trident-root".
  std::vector<std::string> changes() const;

 private:
  FakeBlockDevices& devices_;
  mutable std::mutex mutex_;
  std::map<std::string, std::vector<std::string>> open_;  // name -> kernel devices
  std::set<std::string> tampered_;
  std::vector<std::string> changes_;
};

// The beginning of a device that holds the tree of hashes with this root hash.
std::string FakeVerityTree(const std::string& root_hash);

}  // namespace trident

#endif  // TRIDENT_AGENT_HOST_FAKE_FAKE_VERITY_H_
