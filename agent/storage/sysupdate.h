// systemd-sysupdate(8) as the program that writes the image of a partition. sysupdate.d(5).
#ifndef TRIDENT_AGENT_STORAGE_SYSUPDATE_H_
#define TRIDENT_AGENT_STORAGE_SYSUPDATE_H_

#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "agent/host/cancellation.h"
#include "agent/host/command_runner.h"
#include "agent/host/files.h"

namespace trident {

inline constexpr char kSysupdateProgram[] = "/lib/systemd/systemd-sysupdate";
// The label of a partition that holds no version.
inline constexpr char kEmptyLabel[] = "_empty";
// A label in a GPT has 36 characters.
inline constexpr size_t kLongestLabel = 36;

struct SysupdateTransfer {
  bool from_url = false;       // http or https; otherwise a folder of this host
  std::string source;          // URL or path of the folder that holds the image
  std::string disk;            // whole device
  std::string partition_type;  // as systemd calls it: "root"
};

// The definition of a transfer, with the file name of the image as its version. Pure.
std::string FormatTransfer(const SysupdateTransfer& transfer);

// Lets systemd-sysupdate write the image `version` to the partition of the type whose label is
// kEmptyLabel; the label is the version afterwards. `alive` is called whenever the program says
// something, which it does about its progress. FAILED_PRECONDITION, subkind "tool-missing",
// without the program.
absl::Status RunSysupdate(CommandRunner& commands, Files& files, const SysupdateTransfer& transfer,
                          const std::string& version, const std::function<void()>& alive,
                          const Cancellation* cancellation);

// Gives a partition of a disk that may be in use another label; its contents stay. `number` is its
// place in the table, from 1.
absl::Status SetPartitionLabel(CommandRunner& commands, const std::string& disk, uint32_t number,
                               const std::string& label, const Cancellation* cancellation);

}  // namespace trident

#endif  // TRIDENT_AGENT_STORAGE_SYSUPDATE_H_
