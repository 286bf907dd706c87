// What differs between the configuration that a host was brought to and the desired one, and how
// deep each difference goes.
#ifndef TRIDENT_AGENT_SERVICING_CHANGE_H_
#define TRIDENT_AGENT_SERVICING_CHANGE_H_

#include <string>
#include <vector>

#include "common/base/error.h"
#include "common/config/host_configuration.h"
#include "common/config/servicing_kind.h"
#include "common/status/host_status.h"

namespace trident {

struct Change {
  ServicingKind kind = ServicingKind::kNone;  // the highest of all differences
  // For kIncompatible: each field that cannot be changed on an installed host.
  std::vector<Finding> incompatible;
  // Disks, by their place in the document, that go by another device now: fine when a blank one
  // took the place of a lost one.
  std::vector<size_t> moved_disks;
  // The network of the running system is another one.
  bool network = false;
};

// One subsystem after the other says which kind its differences need; the highest wins.
Change CompareConfigurations(const HostConfiguration& desired, const HostConfiguration& recorded,
                             const HostStatus& status);

// The image is what the block device that it targets holds on the active side: same URL, and the
// hash is equal or not to be checked.
bool IsDeployed(const Image& image, const HostStatus& status);

}  // namespace trident

#endif  // TRIDENT_AGENT_SERVICING_CHANGE_H_
