#include "agent/osconfig/accounts.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "common/base/strings.h"

namespace trident {
namespace {

std::optional<uint32_t> ParseId(std::string_view text) {
  uint32_t id = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return id;
}

template <typename Item, typename Predicate>
const Item* Find(const std::vector<Item>& items, Predicate predicate) {
  const auto found = std::find_if(items.begin(), items.end(), predicate);
  return found == items.end() ? nullptr : &*found;
}

}  // namespace

std::vector<Account> ParsePasswd(std::string_view text) {
  std::vector<Account> accounts;
  for (const std::string_view line : StrSplitNonEmpty(text, '\n')) {
    const std::vector<std::string_view> fields = StrSplit(line, ':');
    if (fields.size() != 7 || fields[0].empty()) continue;
    const auto uid = ParseId(fields[2]);
    const auto gid = ParseId(fields[3]);
    if (!uid || !gid) continue;
    accounts.push_back(
        {std::string(fields[0]), *uid, *gid, std::string(fields[5]), std::string(fields[6])});
  }
  return accounts;
}

std::vector<Group> ParseGroups(std::string_view text) {
  std::vector<Group> groups;
  for (const std::string_view line : StrSplitNonEmpty(text, '\n')) {
    const std::vector<std::string_view> fields = StrSplit(line, ':');
    if (fields.size() != 4 || fields[0].empty()) continue;
    const auto gid = ParseId(fields[2]);
    if (!gid) continue;
    Group group{std::string(fields[0]), *gid, {}};
    for (const std::string_view member : StrSplitNonEmpty(fields[3], ',')) {
      group.members.emplace_back(member);
    }
    groups.push_back(std::move(group));
  }
  return groups;
}

std::string ShadowPassword(std::string_view shadow, std::string_view name) {
  for (const std::string_view line : StrSplitNonEmpty(shadow, '\n')) {
    const std::vector<std::string_view> fields = StrSplit(line, ':');
    if (fields.size() > 1 && fields[0] == name) return std::string(fields[1]);
  }
  return "";
}

const Account* FindAccount(const std::vector<Account>& accounts, std::string_view name) {
  return Find(accounts, [&](const Account& account) { return account.name == name; });
}

const Account* FindAccountById(const std::vector<Account>& accounts, uint32_t uid) {
  return Find(accounts, [&](const Account& account) { return account.uid == uid; });
}

const Group* FindGroup(const std::vector<Group>& groups, std::string_view name) {
  return Find(groups, [&](const Group& group) { return group.name == name; });
}

const Group* FindGroupById(const std::vector<Group>& groups, uint32_t gid) {
  return Find(groups, [&](const Group& group) { return group.gid == gid; });
}

}  // namespace trident
