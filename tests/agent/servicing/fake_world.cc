#include "tests/agent/servicing/fake_world.h"

#include <zstd.h>

#include <stdexcept>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "agent/boot/boot_entries.h"
#include "agent/host/fake/fake_filesystem_tools.h"
#include "agent/host/fake/fake_raid_tools.h"
#include "common/config/lookup.h"
#include "tests/agent/servicing/worlds.h"
#include "tests/support/grub_program.h"

namespace trident::test {
namespace {

constexpr char kRootUuid[] = "11111111-2222-3333-4444-555555555555";
constexpr char kUsrUuid[] = "66666666-2222-3333-4444-555555555555";

// Of the data of a version.
std::string RootHash(int version) {
  return std::string(64, static_cast<char>('a' + version));  // hexadecimal up to version 5
}

class SilentReporter : public StepReporter {
 public:
  SilentReporter(std::vector<std::string>& infos, std::vector<std::string>& warnings)
      : infos_(infos), warnings_(warnings) {}
  void Progress(uint64_t, uint64_t) override {}
  void Info(std::string_view message) override { infos_.emplace_back(message); }
  void Warning(std::string_view message) override { warnings_.emplace_back(message); }

 private:
  std::vector<std::string>& infos_;
  std::vector<std::string>& warnings_;
};

}  // namespace

FakeWorld::FakeWorld()
    : prober_(MakeImageProber({}, files, commands)),
      streamer_(MakeImageStreamer({}, files, commands)) {
  devices.AddDisk("/dev/vda", uint64_t{8} << 30);
  files.SetFile("/dev/vda", "");
  files.SetDirectory("/dev/disk/by-partuuid");
  files.SetFile("/proc/self/exe", "agent");
  AddFilesystemTools(commands, devices);
  AddRaidTools(commands, devices, files);
  commands.OnOutput({"systemctl"}, "enabled\n");
  commands.OnOutput({"chown"}, "");
  commands.OnOutput({"chmod"}, "");
  commands.OnOutput({"/usr/bin/tridentd", "store-range"}, "1 1\n");
  mounts.OnFirstMount([this](const std::string& device) {
    const auto signature = devices.Probe(device);
    if (!signature.ok()) return;
    if (signature->label != "image") return;
    if (signature->type == "vfat" && use_systemd_boot) {
      mounts.SetFileOn(device, "/EFI/systemd/systemd-bootx64.efi", "systemd-boot");
      mounts.SetFileOn(device, "/loader/loader.conf", "timeout 0\ndefault debian.conf\n");
      mounts.SetFileOn(device, "/loader/entries/debian.conf",
                       absl::StrCat("title Debian\nlinux /debian/linux\ninitrd /debian/initrd\n",
                                    "options root=UUID=", kRootUuid, " ", entry_options, "\n"));
      mounts.SetFileOn(device, "/debian/linux", "kernel");
      mounts.SetFileOn(device, "/debian/initrd", "initrd");
    } else if (signature->type == "vfat") {
      mounts.SetFileOn(device, "/EFI/BOOT/BOOTX64.EFI", GrubProgram(/*prefix=*/""));
      mounts.SetFileOn(
          device, "/EFI/BOOT/grub.cfg",
          absl::StrCat("search.fs_uuid ", kRootUuid, " root\n", "set prefix=($root)'/boot/grub'\n",
                       "configfile $prefix/grub.cfg\n"));
    } else {
      mounts.SetFileOn(
          device, "/boot/grub/grub.cfg",
          absl::StrCat("menuentry 'Debian' {\n", "  search --no-floppy --fs-uuid --set=root ",
                       kRootUuid, "\n", "  linux /boot/vmlinuz root=UUID=", kRootUuid,
                       " ro panic=5\n", "  initrd /boot/initrd.img\n}\n"));
      mounts.SetFileOn(device, "/boot/vmlinuz", "kernel");
      mounts.SetFileOn(device, "/boot/initrd.img", "initrd");
      mounts.SetFileOn(device, "/usr/bin/tridentd", "agent");
      mounts.SetFileOn(device, "/etc/hostname", "image\n");
      for (const auto& [path, content] : image_files) mounts.SetFileOn(device, path, content);
      // What is read-only has its mount points already.
      for (const std::string folder : {"/boot/efi", "/dev", "/proc", "/sys", "/run", "/tmp",
                                       "/data", "/home", "/var/lib/trident"}) {
        mounts.SetFileOn(device, folder + "/.here", "");
      }
    }
  });
}

std::string FakeWorld::MakeImage(const std::string& name, const std::string& type,
                                 const std::string& uuid, bool packed_with_zstd) {
  const std::string raw = FakeFilesystem({.type = type, .uuid = uuid, .label = "image"}) + name +
                          std::string(4096, 'x');
  return PackImage(name, raw, packed_with_zstd);
}

std::string FakeWorld::PackImage(const std::string& name, const std::string& raw, bool with_zstd) {
  std::string packed = raw;
  if (with_zstd) {
    packed.resize(ZSTD_compressBound(raw.size()));
    const size_t size = ZSTD_compress(packed.data(), packed.size(), raw.data(), raw.size(), 3);
    if (ZSTD_isError(size)) throw std::runtime_error(ZSTD_getErrorName(size));
    packed.resize(size);
  }
  const std::string path = folder_ / name;
  WriteFile(path, packed);
  return "file://" + path;
}

HostConfiguration FakeWorld::Document(int version) {
  HostConfiguration document = test::Document(version);
  document.storage.images[0].url = MakeImage(absl::StrCat("esp_v", version), "vfat", "ABCD-1234");
  document.storage.images[1].url = MakeImage(absl::StrCat("root_v", version), "ext4", kRootUuid);
  for (Image& image : document.storage.images) image.sha256 = ImageHash::Ignored();
  return document;
}

HostConfiguration FakeWorld::SharedEspDocument(int version) {
  HostConfiguration document = Document(version);
  Disk& disk = document.storage.disks[0];
  disk.partitions.erase(disk.partitions.begin() + 1);
  disk.partitions[0].id = "esp";
  std::erase_if(document.storage.ab_update->volume_pairs,
                [](const VolumePair& pair) { return pair.id == "esp"; });
  return document;
}

HostConfiguration FakeWorld::SysupdateDocument(int version) {
  HostConfiguration document = test::Document(version);
  document.storage.ab_update->engine = UpdateEngine::kSystemdSysupdate;
  document.storage.images[0].url =
      MakeImage(absl::StrCat("esp_v", version), "vfat", "ABCD-1234", false);
  document.storage.images[1].url =
      MakeImage(absl::StrCat("root_v", version), "ext4", kRootUuid, false);
  for (Image& image : document.storage.images) {
    image.sha256 = ImageHash::Ignored();
    image.format = ImageFormat::kRaw;
  }
  return document;
}

Image FakeWorld::TreeImage(const Image& data, const std::string& target, int version) {
  Image tree = data;
  tree.url = PackImage(absl::StrCat(target, "_v", version), FakeVerityTree(RootHash(version)));
  tree.target_id = target;
  tree.verity_root_hash.reset();
  return tree;
}

HostConfiguration FakeWorld::VerityDocument(int version) {
  use_systemd_boot = true;
  HostConfiguration document = Document(version);
  Storage& storage = document.storage;
  storage.disks[0].partitions.insert(storage.disks[0].partitions.end() - 1,
                                     {{"hash-a", PartitionType::kRootVerity, {false, 64 << 20}},
                                      {"hash-b", PartitionType::kRootVerity, {false, 64 << 20}},
                                      {"data", PartitionType::kLinuxGeneric, {false, 64 << 20}}});
  storage.ab_update->volume_pairs.push_back({"hash", "hash-a", "hash-b"});
  storage.images[1].verity_root_hash = RootHash(version);
  storage.images.push_back(TreeImage(storage.images[1], "hash", version));
  storage.verity = {{"verified-root", "root", "root", "hash", CorruptionOption::kPanic}};
  storage.overlays = {{"/etc", "data", true}, {"/var", std::nullopt, false}};
  for (MountPoint& mount : storage.mount_points) {
    if (mount.path == "/") mount.target_id = "verified-root";
  }
  storage.mount_points.push_back({"/data", "ext4", {"noatime"}, "data"});
  return document;
}

HostConfiguration FakeWorld::UsrVerityDocument(int version) {
  use_systemd_boot = true;
  // Below /usr.
  image_files["/bin/tridentd"] = "agent";
  HostConfiguration document = Document(version);
  Storage& storage = document.storage;
  storage.disks[0].partitions.insert(
      storage.disks[0].partitions.end() - 1,
      {{"usr-a", PartitionType::kUsr, {false, uint64_t{1} << 30}},
       {"usr-b", PartitionType::kUsr, {false, uint64_t{1} << 30}},
       {"usr-hash-a", PartitionType::kUsrVerity, {false, 64 << 20}},
       {"usr-hash-b", PartitionType::kUsrVerity, {false, 64 << 20}}});
  storage.ab_update->volume_pairs.push_back({"usr", "usr-a", "usr-b"});
  storage.ab_update->volume_pairs.push_back({"usr-hash", "usr-hash-a", "usr-hash-b"});
  Image data = storage.images[1];
  data.url = MakeImage(absl::StrCat("usr_v", version), "ext4", kUsrUuid);
  data.target_id = "usr";
  data.verity_root_hash = RootHash(version);
  storage.images.push_back(data);
  storage.images.push_back(TreeImage(data, "usr-hash", version));
  storage.verity = {{"verified-usr", "usr", "usr", "usr-hash", CorruptionOption::kPanic}};
  storage.mount_points.push_back({"/usr", "ext4", {"noatime"}, "verified-usr"});
  return document;
}

HostConfiguration FakeWorld::MirroredDocument(int version) {
  HostConfiguration document = Document(version);
  Disk second = document.storage.disks[0];
  second.id = "disk2";
  second.device = "/dev/vdb";
  for (Partition& partition : second.partitions) partition.id += "-2";
  document.storage.disks.push_back(second);
  for (const std::string half : {"esp-a", "esp-b", "root-a", "root-b"}) {
    document.storage.raid.software.push_back({.id = "md-" + half,
                                              .name = half,
                                              .level = RaidLevel::kRaid1,
                                              .devices = {half, half + "-2"},
                                              .metadata_version = "1.0"});
  }
  document.storage.ab_update->volume_pairs = {{"esp", "md-esp-a", "md-esp-b"},
                                              {"root", "md-root-a", "md-root-b"}};
  return document;
}

Host FakeWorld::host() {
  return {files, commands, devices, mounts, firmware, machine, clock, encryption, network, verity};
}

std::unique_ptr<Servicer> FakeWorld::MakeServicer() {
  HostServicerOptions options;
  options.live_network.interval = std::chrono::milliseconds(1);
  return MakeHostServicer(host(), *prober_, *streamer_, options);
}

absl::Status FakeWorld::RunPhase(Servicer& servicer, const HostConfiguration& configuration,
                                 const Plan& plan, Phase phase, int times) {
  SilentReporter reporter(infos, warnings);
  const Cancellation cancellation;
  const std::string job_id = absl::StrCat("job-of-", plan.digest);
  for (const Step& step : plan.steps) {
    if (step.phase != phase) continue;
    for (int i = 0; i < times; ++i) {
      const StepRun run{.job_id = job_id,
                        .configuration = configuration,
                        .plan = plan,
                        .step = step,
                        .status = recorded.status,
                        .reporter = reporter,
                        .cancellation = cancellation,
                        .save_status = [] { return absl::OkStatus(); },
                        .copy_store =
                            [this](const std::string& path) {
                              ++stores_copied;
                              return files.Write(path, "store", 0600);
                            },
                        .move_store =
                            [this](const std::string& path) {
                              store_moves.push_back(path);
                              return store_move;
                            },
                        .own_range = {1, 1},
                        .record_target_range =
                            [this](StoreRange range) {
                              target_range = range;
                              return absl::OkStatus();
                            },
                        // Time goes by for a step that waits for it.
                        .confirmed =
                            [this] {
                              clock.Advance(std::chrono::seconds(1));
                              return confirmed;
                            },
                        .recorded = recorded.configuration ? &*recorded.configuration : nullptr};
      const absl::Status status = servicer.RunStep(run);
      if (!status.ok()) return status;
      // udev makes the links; the fakes of devices and files do not know each other.
      for (const auto& [id, disk] : recorded.status.storage.disks) {
        for (const PartitionStatus& partition : disk.partitions) {
          files.SetFile(devices.Resolve(partition.path), "");
          files.SetLink(partition.path, devices.Resolve(partition.path));
        }
      }
    }
  }
  return absl::OkStatus();
}

std::string FakeWorld::Boot(const HostConfiguration& configuration) {
  const auto number = firmware.Restart();
  if (!number) return "nothing";
  const BootEntry entry = *firmware.Find(*number);
  const Volume volume =
      entry.label.starts_with(BootEntryLabel(Volume::kB)) ? Volume::kB : Volume::kA;
  const auto root = FindDevice(recorded.status, DeviceOn(configuration, "root", volume));
  machine.SetRootDevice(devices.Resolve(root->path));
  machine.SetKernelCommandLine("quiet");
  // The system mounts what its document says.
  for (const MountPoint& mount : configuration.storage.mount_points) {
    const auto partition =
        FindDevice(recorded.status, DeviceOn(configuration, mount.target_id, volume));
    if (mount.path == "/") {
      devices.AddUser(devices.Resolve(partition->path), "mounted at /");
      continue;
    }
    files.SetDirectory(mount.path);
    const absl::Status mounted =
        mounts.Mount(partition->path, mount.path, mount.filesystem, mount.options);
    if (!mounted.ok()) throw std::runtime_error(mounted.ToString());
  }
  return entry.label;
}

}  // namespace trident::test
