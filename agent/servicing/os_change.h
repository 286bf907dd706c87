// Which servicing a change of the operating system needs.
#ifndef TRIDENT_AGENT_SERVICING_OS_CHANGE_H_
#define TRIDENT_AGENT_SERVICING_OS_CHANGE_H_

#include "common/config/host_configuration.h"
#include "common/config/servicing_kind.h"

namespace trident {

// The deepest that a difference of the two needs; kNone: they are equal. Pure.
//
//   kernel options, modules, SELinux                         update-and-reboot
//   users, how they log in; host name; services              normal-update
//   SSH keys; time zone; files; what updates carry over      hot-patch
ServicingKind KindOfOsChange(const OsConfig& desired, const OsConfig& recorded);

}  // namespace trident

#endif  // TRIDENT_AGENT_SERVICING_OS_CHANGE_H_
