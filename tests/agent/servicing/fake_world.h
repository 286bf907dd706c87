// A whole machine in memory, with images as files, for tests of servicing from plan to commit.
#ifndef TRIDENT_TESTS_AGENT_SERVICING_FAKE_WORLD_H_
#define TRIDENT_TESTS_AGENT_SERVICING_FAKE_WORLD_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "agent/host/fake/fake_block_devices.h"
#include "agent/host/fake/fake_clock.h"
#include "agent/host/fake/fake_command_runner.h"
#include "agent/host/fake/fake_encryption.h"
#include "agent/host/fake/fake_files.h"
#include "agent/host/fake/fake_firmware.h"
#include "agent/host/fake/fake_machine.h"
#include "agent/host/fake/fake_mounts.h"
#include "agent/host/fake/fake_network_state.h"
#include "agent/host/fake/fake_verity.h"
#include "agent/host/host.h"
#include "agent/servicing/host_servicer.h"
#include "common/config/host_configuration.h"
#include "tests/support/temporary_directory.h"

namespace trident::test {

// A bare UEFI machine in a ramdisk OS with one 8 GiB disk. Images are real zstd files that the real
// streamer writes to the fake disk; what is in their file systems appears when they are mounted.
class FakeWorld {
 public:
  FakeWorld();

  // The document of worlds.h with the images of this version, as files of this world.
  HostConfiguration Document(int version);
  // The same with one ESP for both volumes.
  HostConfiguration SharedEspDocument(int version);
  // The same, with raw images and systemd-sysupdate as the engine.
  HostConfiguration SysupdateDocument(int version);
  // The same with a verity root that systemd-boot starts, its hashes in the pair "hash", and an
  // overlay of /etc on the partition "data".
  HostConfiguration VerityDocument(int version);
  // The same with a verity /usr that systemd-boot starts, in the pairs "usr" and "usr-hash"; the
  // root is an ordinary pair.
  HostConfiguration UsrVerityDocument(int version);
  // The same on two disks, ESP and root mirrored: pairs of RAID1 arrays.
  HostConfiguration MirroredDocument(int version);

  Host host();
  std::unique_ptr<Servicer> MakeServicer();

  // Runs one phase of a plan as the job's worker would. Each step is run `times` times.
  absl::Status RunPhase(Servicer& servicer, const HostConfiguration& configuration,
                        const Plan& plan, Phase phase, int times = 1);

  // The firmware starts something: the label of the entry, and the machine's root follows it.
  std::string Boot(const HostConfiguration& configuration);

  FakeFiles files;
  FakeBlockDevices devices;
  FakeMounts mounts{files, devices};
  FakeCommandRunner commands;
  FakeFirmware firmware;
  FakeMachine machine;
  FakeClock clock;
  FakeEncryption encryption{devices};
  FakeNetworkState network;
  FakeVerity verity{devices};
  // What the store knows.
  Recorded recorded;
  StoreRange target_range;
  int stores_copied = 0;
  std::vector<std::string> store_moves;
  absl::Status store_move;  // what moving it gives
  bool confirmed = false;   // by the operator
  // What the root image holds besides, path -> content.
  std::map<std::string, std::string> image_files;
  std::vector<std::string> infos;
  std::vector<std::string> warnings;
  // What ESP images bring along, instead of GRUB.
  bool use_systemd_boot = false;
  // What the entry of systemd-boot says besides root=.
  std::string entry_options = "ro panic=5";

 private:
  std::string MakeImage(const std::string& name, const std::string& type, const std::string& uuid,
                        bool packed = true);
  // The image of a tree of hashes, for `target`.
  Image TreeImage(const Image& data, const std::string& target, int version);
  std::string PackImage(const std::string& name, const std::string& raw, bool with_zstd = true);

  TemporaryDirectory folder_;
  std::unique_ptr<ImageProber> prober_;
  std::unique_ptr<ImageStreamer> streamer_;
};

}  // namespace trident::test

#endif  // TRIDENT_TESTS_AGENT_SERVICING_FAKE_WORLD_H_
