// A kickstart as it was read, before it is translated.
#ifndef TRIDENT_COMMON_KICKSTART_MODEL_H_
#define TRIDENT_COMMON_KICKSTART_MODEL_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/config/host_configuration.h"
#include "common/kickstart/source.h"

namespace trident::kickstart {

// A section that is a script.
struct ScriptSection {
  enum class Kind { kPre, kPreInstall, kPost };

  Line line;  // that opens it
  Kind kind = Kind::kPre;
  std::string interpreter = "/bin/sh";
  std::optional<std::string> log;
  std::string content;  // its lines, with line breaks between them
};

struct Part {
  Line line;
  std::string mount;  // an absolute path without a slash at the end, "/", or "swap"
  std::string filesystem;
  std::optional<uint64_t> size;  // bytes; nothing: grows
  std::string disk;              // its device
  std::vector<std::string> options;
  std::optional<std::string> image;  // URL
};

using KeyValues = std::vector<std::pair<std::string, std::string>>;

struct NetworkDevice {
  enum class Kind { kEthernet, kBond, kBridge, kVlan };
  enum class Ipv6 { kOff, kAuto, kDhcp, kStatic };

  Line line;
  std::string device;  // name, or MAC address; of a VLAN: what it is on
  std::optional<uint64_t> vlan_id;
  std::string interface_name;        // of a VLAN; empty: device.id
  std::vector<std::string> members;  // of a bond or a bridge
  KeyValues parameters;              // likewise
  std::string ipv4_address;          // with its prefix; empty: DHCP
  std::string ipv4_gateway;
  std::string ipv6_address;  // with its prefix, when kStatic
  std::string ipv6_gateway;
  std::vector<std::string> nameservers;
  std::vector<std::string> search;
  std::optional<uint64_t> mtu;
  Kind kind = Kind::kEthernet;
  Ipv6 ipv6 = Ipv6::kAuto;
  bool is_mac = false;
  bool activate = false;
  bool ipv4 = true;
  bool no_dns = false;
  bool ipv4_ignores_dns = false;
  bool ipv6_ignores_dns = false;
};

struct UserAccount {
  Line line;
  std::string name;
  Password password;
  std::vector<std::string> groups;
};

struct SshKey {
  Line line;
  std::string user;
  std::string key;
};

// A value that the kickstart sets once for the host.
struct Setting {
  Line line;
  std::string value;
};

struct SelinuxSetting {
  Line line;
  SelinuxMode mode = SelinuxMode::kEnforcing;
};

struct ServiceSettings {
  std::vector<Setting> enabled;
  std::vector<Setting> disabled;
};

struct Kickstart {
  std::vector<ScriptSection> scripts;  // all kinds, in the order of the text
  std::vector<Part> parts;
  std::vector<NetworkDevice> devices;
  std::optional<Setting> hostname;
  std::optional<UserAccount> root;
  std::vector<UserAccount> users;
  std::vector<SshKey> ssh_keys;
  std::vector<Setting> kernel_options;
  ServiceSettings services;
  std::optional<Setting> timezone;
  std::optional<SelinuxSetting> selinux;
  std::optional<Line> bootloader;
  std::optional<Line> liveimg;
};

}  // namespace trident::kickstart

#endif  // TRIDENT_COMMON_KICKSTART_MODEL_H_
