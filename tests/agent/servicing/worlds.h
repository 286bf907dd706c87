// Small worlds to plan in: a document, an empty machine, a machine that was installed.
#ifndef TRIDENT_TESTS_AGENT_SERVICING_WORLDS_H_
#define TRIDENT_TESTS_AGENT_SERVICING_WORLDS_H_

#include <string>

#include "agent/servicing/observation.h"
#include "agent/servicing/servicer.h"
#include "common/config/host_configuration.h"

namespace trident::test {

// Pairs esp and root, a data partition with the datastore, home grows. Images by http, version in
// their names.
std::string DocumentText(int version);
HostConfiguration Document(int version);

// An 8 GiB disk without a table, in a ramdisk OS, as root, with UEFI; both images are 100 MiB.
Observation BareMachine(const HostConfiguration& desired);

// What the store knows after Document(version) was installed to A, or updated to `active`.
Recorded InstalledHost(int version, Volume active);

// A machine that runs from `active`.
Observation RunningMachine(const HostConfiguration& desired, Volume active);

}  // namespace trident::test

#endif  // TRIDENT_TESTS_AGENT_SERVICING_WORLDS_H_
