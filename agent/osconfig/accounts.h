// The account files, /etc/passwd and /etc/group: passwd(5), group(5). Pure.
#ifndef TRIDENT_AGENT_OSCONFIG_ACCOUNTS_H_
#define TRIDENT_AGENT_OSCONFIG_ACCOUNTS_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace trident {

struct Account {
  std::string name;
  uint32_t uid = 0;
  uint32_t gid = 0;
  std::string home;
  std::string shell;

  bool operator==(const Account&) const = default;
};

struct Group {
  std::string name;
  uint32_t gid = 0;
  std::vector<std::string> members;

  bool operator==(const Group&) const = default;
};

// Lines that are no accounts are left out, as the C library does.
std::vector<Account> ParsePasswd(std::string_view text);
std::vector<Group> ParseGroups(std::string_view text);

// What /etc/shadow has as the password of `name`; empty when there is no such user.
std::string ShadowPassword(std::string_view shadow, std::string_view name);

// Null when there is none. The result lives as long as the list.
const Account* FindAccount(const std::vector<Account>& accounts, std::string_view name);
const Account* FindAccountById(const std::vector<Account>& accounts, uint32_t uid);
const Group* FindGroup(const std::vector<Group>& groups, std::string_view name);
const Group* FindGroupById(const std::vector<Group>& groups, uint32_t gid);

}  // namespace trident

#endif  // TRIDENT_AGENT_OSCONFIG_ACCOUNTS_H_
