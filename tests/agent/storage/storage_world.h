// A document and a status with two volumes, for the tests of this folder.
#ifndef TRIDENT_TESTS_AGENT_STORAGE_STORAGE_WORLD_H_
#define TRIDENT_TESTS_AGENT_STORAGE_STORAGE_WORLD_H_

#include <string>

#include "common/config/host_configuration.h"
#include "common/status/host_status.h"

namespace trident::test {

struct StorageWorld {
  HostConfiguration configuration;
  HostStatus status;

  // Pairs root (root-a, root-b) and esp (esp-a, esp-b), partitions data and swap.
  StorageWorld();
};

// "a0000000-0000-4000-8000-00000000000<digit>"
std::string PartUuid(int digit);

}  // namespace trident::test

#endif  // TRIDENT_TESTS_AGENT_STORAGE_STORAGE_WORLD_H_
