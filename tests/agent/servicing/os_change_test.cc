#include "agent/servicing/os_change.h"

#include <catch2/catch.hpp>
#include <functional>

namespace trident {

TEST_CASE("each change of the operating system needs its kind of servicing") {
  OsConfig recorded;
  recorded.users.emplace_back().name = "operator";
  recorded.modules = {"dummy"};
  recorded.additional_files.push_back({"/etc/x", "x", std::nullopt, std::nullopt});
  struct Case {
    const char* name;
    std::function<void(OsConfig&)> change;
    ServicingKind kind;
  };
  const Case cases[] = {
      {"nothing", [](OsConfig&) {}, ServicingKind::kNone},
      {"a key", [](OsConfig& c) { c.users[0].ssh_keys = {"k"}; }, ServicingKind::kHotPatch},
      {"a file", [](OsConfig& c) { c.additional_files[0].content = "y"; },
       ServicingKind::kHotPatch},
      {"a time zone", [](OsConfig& c) { c.timezone = "Etc/UTC"; }, ServicingKind::kHotPatch},
      {"what is preserved", [](OsConfig& c) { c.preserve = {"/etc/x"}; }, ServicingKind::kHotPatch},
      {"a user", [](OsConfig& c) { c.users.emplace_back().name = "b"; },
       ServicingKind::kNormalUpdate},
      {"a user less", [](OsConfig& c) { c.users.clear(); }, ServicingKind::kNormalUpdate},
      {"how a user logs in", [](OsConfig& c) { c.users[0].ssh_mode = SshMode::kKeyOnly; },
       ServicingKind::kNormalUpdate},
      {"the host name", [](OsConfig& c) { c.hostname = "n"; }, ServicingKind::kNormalUpdate},
      {"a service", [](OsConfig& c) { c.services.enable = {"s"}; }, ServicingKind::kNormalUpdate},
      {"a kernel option", [](OsConfig& c) { c.kernel_command_line.extra_command_line = {"quiet"}; },
       ServicingKind::kUpdateAndReboot},
      {"a module less", [](OsConfig& c) { c.modules.clear(); }, ServicingKind::kUpdateAndReboot},
      {"SELinux and a key",
       [](OsConfig& c) {
         c.selinux.mode = SelinuxMode::kPermissive;
         c.users[0].ssh_keys = {"k"};
       },
       ServicingKind::kUpdateAndReboot},
  };
  for (const Case& c : cases) {
    INFO(c.name);
    OsConfig desired = recorded;
    c.change(desired);
    CHECK(KindOfOsChange(desired, recorded) == c.kind);
  }
}

}  // namespace trident
