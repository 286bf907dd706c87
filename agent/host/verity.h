// Verity devices: read-only devices whose contents the kernel compares with a tree of hashes.
#ifndef TRIDENT_AGENT_HOST_VERITY_H_
#define TRIDENT_AGENT_HOST_VERITY_H_

#include <memory>
#include <string>

#include "absl/status/status.h"

namespace trident {

// What a verity device consists of.
struct VeritySource {
  std::string data_device;
  std::string hash_device;  // with the superblock of veritysetup(8)
  std::string root_hash;    // hexadecimal
};

// Error kind "verity". Subkinds that mean something to a caller:
//   not-verity        FAILED_PRECONDITION: the hash device has no intact superblock
//   wrong-root-hash   FAILED_PRECONDITION: its length is not that of the tree's hashes
//   busy              FAILED_PRECONDITION: the device is used
//   name-taken        FAILED_PRECONDITION: something has the name below /dev/mapper already
//   no-device-mapper  FAILED_PRECONDITION: the kernel lacks dm_mod or dm_verity
//   no-such-device    NOT_FOUND
// Thread safe; one operation at a time.
class Verity {
 public:
  virtual ~Verity() = default;

  // Opens it as /dev/mapper/<name>. Nothing is read yet: that the root hash is the one of the tree,
  // and the tree that of the data, shows when the device is read, as an error of that. The link may
  // appear a moment later (BlockDevices::WaitForPath).
  virtual absl::Status Open(const VeritySource& source, const std::string& name) = 0;

  // Closes /dev/mapper/<name>. OK when it is not open. A device that is used is tried again for up
  // to 5 s, then "busy".
  virtual absl::Status Close(const std::string& name) = 0;

  // Something is open as /dev/mapper/<name>.
  virtual bool IsOpen(const std::string& name) const = 0;
};

// libcryptsetup.
std::unique_ptr<Verity> MakeLinuxVerity();

}  // namespace trident

#endif  // TRIDENT_AGENT_HOST_VERITY_H_
