// The one door to the machine: all ports together. Whoever needs one takes it from here or, better,
// takes just the port that it needs.
#ifndef TRIDENT_AGENT_HOST_HOST_H_
#define TRIDENT_AGENT_HOST_HOST_H_

#include <memory>

#include "agent/host/block_devices.h"
#include "agent/host/clock.h"
#include "agent/host/command_runner.h"
#include "agent/host/encryption.h"
#include "agent/host/files.h"
#include "agent/host/firmware.h"
#include "agent/host/machine.h"
#include "agent/host/mounts.h"
#include "agent/host/network_state.h"
#include "agent/host/verity.h"

namespace trident {

struct Host {
  Files& files;
  CommandRunner& commands;
  BlockDevices& devices;
  Mounts& mounts;
  Firmware& firmware;
  Machine& machine;
  Clock& clock;
  Encryption& encryption;
  NetworkState& network;
  Verity& verity;
};

}  // namespace trident

#endif  // TRIDENT_AGENT_HOST_HOST_H_
