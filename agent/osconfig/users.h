// Users: accounts, groups, passwords and the keys by which they log in.
#ifndef TRIDENT_AGENT_OSCONFIG_USERS_H_
#define TRIDENT_AGENT_OSCONFIG_USERS_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "agent/osconfig/accounts.h"
#include "agent/osconfig/target_system.h"
#include "common/config/host_configuration.h"

namespace trident {

// What users had before, so that they keep it and lose what the document takes back.
struct EarlierUsers {
  // Of the document that the host was brought to last; empty: none.
  std::vector<User> users;
  // Accounts of the system that an A/B update replaces: what is theirs on file systems that both
  // volumes use stays theirs only when they keep their numbers.
  std::vector<Account> accounts;
  std::vector<Group> groups;
};

// Makes the users and groups that are not there, and brings those that are to what the document
// says: groups (those of the earlier document that are not in this one any more are left),
// password, keys. A user that is not listed is not touched. Twice is the same as once.
//
// Passwords only ever go to a program's standard input.
absl::Status ConfigureUsers(TargetSystem& system, const std::vector<User>& users,
                            const EarlierUsers& earlier);

}  // namespace trident

#endif  // TRIDENT_AGENT_OSCONFIG_USERS_H_
