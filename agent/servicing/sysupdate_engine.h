// Which images systemd-sysupdate writes, and writing them with it.
#ifndef TRIDENT_AGENT_SERVICING_SYSUPDATE_ENGINE_H_
#define TRIDENT_AGENT_SERVICING_SYSUPDATE_ENGINE_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "agent/host/host.h"
#include "agent/imaging/image_probe.h"
#include "agent/servicing/servicer.h"
#include "common/config/host_configuration.h"

namespace trident {

// The document asks for systemd-sysupdate, and `partition` is half of a pair that gets an image:
// its label is what that program makes of it. Pure.
bool IsLabelledBySysupdate(const HostConfiguration& configuration, const BlockDeviceId& partition);

// What sysupdate calls a version: the image's file name, cut to what a label can hold. Pure.
std::string SysupdateVersion(const Image& image);

// Why systemd-sysupdate cannot write this image, as the end of a sentence; empty: it can. Pure as
// far as the document tells.
std::string WhyNotSysupdate(const HostConfiguration& configuration, const Image& image);

// The same, looking at the host and at the image's folder too.
std::string WhyNotSysupdateHere(const Host& host, ImageProber& prober, const StepRun& run,
                                const Image& image);

// Gives the target partition a label: kEmptyLabel before it is written, the version afterwards.
absl::Status LabelTarget(const Host& host, const StepRun& run, const std::string& label);

// Lets systemd-sysupdate write the image to the step's partition, which is labelled as empty first,
// and checks that this is the partition that it has written.
absl::Status WriteWithSysupdate(const Host& host, const StepRun& run, const Image& image);

}  // namespace trident

#endif  // TRIDENT_AGENT_SERVICING_SYSUPDATE_ENGINE_H_
