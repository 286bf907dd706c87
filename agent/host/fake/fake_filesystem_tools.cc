#include "agent/host/fake/fake_filesystem_tools.h"

#include <cctype>
#include <string>
#include <utility>
#include <vector>

namespace trident {
namespace {

// The word after `option`, or empty.
std::string ValueOf(const std::vector<std::string>& argv, const std::string& option) {
  for (size_t i = 0; i + 1 < argv.size(); ++i) {
    if (argv[i] == option) return argv[i + 1];
  }
  return "";
}

CommandResult Failed(int exit_status, std::string message) {
  CommandResult result;
  result.exit_status = exit_status;
  result.error_output = std::move(message);
  return result;
}

// libblkid shows the serial number of a FAT volume as "XXXX-XXXX".
std::string FatUuid(const std::string& serial) {
  std::string uuid;
  for (const char letter : serial) {
    uuid += static_cast<char>(std::toupper(static_cast<unsigned char>(letter)));
  }
  if (uuid.size() == 8) uuid.insert(4, 1, '-');
  return uuid;
}

}  // namespace

void AddFilesystemTools(FakeCommandRunner& commands, FakeBlockDevices& devices) {
  const auto on_device = [&devices](const std::string& device, const auto& change) {
    const auto signature = devices.Probe(device);
    if (!signature.ok()) return Failed(1, "No such file or directory: " + device);
    return CommandResult(change(*signature));
  };
  commands.On({"mkfs.ext4"}, [&devices, on_device](const Command& command) {
    const std::string& device = command.argv.back();
    return on_device(device, [&](const Signature&) {
      devices.SetSignature(device,
                           {"ext4", ValueOf(command.argv, "-U"), ValueOf(command.argv, "-L")});
      return CommandResult();
    });
  });
  commands.On({"mkfs.vfat"}, [&devices, on_device](const Command& command) {
    const std::string& device = command.argv.back();
    return on_device(device, [&](const Signature&) {
      devices.SetSignature(
          device, {"vfat", FatUuid(ValueOf(command.argv, "-i")), ValueOf(command.argv, "-n")});
      return CommandResult();
    });
  });
  commands.On({"mkfs.btrfs"}, [&devices, on_device](const Command& command) {
    const std::string& device = command.argv.back();
    return on_device(device, [&](const Signature&) {
      devices.SetSignature(device,
                           {"btrfs", ValueOf(command.argv, "-U"), ValueOf(command.argv, "-L")});
      return CommandResult();
    });
  });
  commands.On({"mkswap"}, [&devices, on_device](const Command& command) {
    const std::string& device = command.argv.back();
    return on_device(device, [&](const Signature&) {
      devices.SetSignature(device,
                           {"swap", ValueOf(command.argv, "-U"), ValueOf(command.argv, "-L")});
      return CommandResult();
    });
  });
  const auto needs_ext = [on_device](const Command& command) {
    return on_device(command.argv.back(), [](const Signature& signature) {
      return signature.type.starts_with("ext") ? CommandResult()
                                               : Failed(8, "Bad magic number in super-block");
    });
  };
  commands.On({"e2fsck"}, needs_ext);
  commands.On({"resize2fs"}, needs_ext);
  commands.On({"tune2fs"}, [&devices, on_device](const Command& command) {
    const std::string& device = command.argv.back();
    return on_device(device, [&](Signature signature) {
      if (!signature.type.starts_with("ext")) {
        return Failed(1, "Bad magic number in super-block");
      }
      if (const std::string uuid = ValueOf(command.argv, "-U"); !uuid.empty()) {
        signature.uuid = uuid;
        devices.SetSignature(device, signature);
      }
      return CommandResult();
    });
  });
  commands.On({"fatlabel"}, [&devices, on_device](const Command& command) {
    // fatlabel -i DEVICE SERIAL
    if (command.argv.size() != 4) return Failed(1, "usage");
    const std::string& device = command.argv[2];
    return on_device(device, [&](Signature signature) {
      if (signature.type != "vfat") return Failed(1, "not a FAT file system");
      signature.uuid = FatUuid(command.argv[3]);
      devices.SetSignature(device, signature);
      return CommandResult();
    });
  });
}

}  // namespace trident
