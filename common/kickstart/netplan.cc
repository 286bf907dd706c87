#include "common/kickstart/netplan.h"

#include <cstddef>
#include <map>
#include <string>
#include <utility>

#include "common/base/strings.h"
#include "common/kickstart/device_parameters.h"
#include "common/kickstart/yaml_values.h"

namespace trident::kickstart {
namespace {

constexpr uint64_t kNetplanVersion = 2;

// One device of the document.
struct Entry {
  std::string id;
  NetworkDevice::Kind kind = NetworkDevice::Kind::kEthernet;
  YamlValue settings;
  // What it stands on: members of a bond or a bridge, the link of a VLAN.
  std::vector<std::string> needs;
  bool activated = false;
};

std::string IdOf(const NetworkDevice& device, size_t& unnamed) {
  if (device.kind == NetworkDevice::Kind::kVlan) {
    return device.interface_name.empty() ? StrCat(device.device, ".", *device.vlan_id)
                                         : device.interface_name;
  }
  return device.is_mac ? StrCat("netdev-", unnamed++) : device.device;
}

void PutAddresses(const NetworkDevice& device, YamlValue& settings) {
  const bool is_static_ipv4 = !device.ipv4_address.empty();
  std::vector<std::string> addresses;
  if (is_static_ipv4) addresses.push_back(device.ipv4_address);
  if (device.ipv6 == NetworkDevice::Ipv6::kStatic) addresses.push_back(device.ipv6_address);
  // DHCP for IPv6 needs a link-local address.
  if (device.ipv6 == NetworkDevice::Ipv6::kOff || device.ipv6 == NetworkDevice::Ipv6::kStatic) {
    Put(settings, "link-local", ListValue({}));
  }
  Put(settings, "dhcp4", BoolValue(device.ipv4 && !is_static_ipv4));
  if (device.ipv6 == NetworkDevice::Ipv6::kDhcp) Put(settings, "dhcp6", BoolValue(true));
  if (!addresses.empty()) Put(settings, "addresses", ListValue(addresses));
  if (device.mtu) Put(settings, "mtu", NumberValue(*device.mtu));
  if (!device.ipv4_gateway.empty()) Put(settings, "gateway4", TextValue(device.ipv4_gateway));
  if (!device.ipv6_gateway.empty()) Put(settings, "gateway6", TextValue(device.ipv6_gateway));
}

void PutDns(const NetworkDevice& device, YamlValue& settings) {
  YamlValue without_dns = MappingValue();
  Put(without_dns, "use-dns", BoolValue(false));
  if (device.no_dns || device.ipv4_ignores_dns) Put(settings, "dhcp4-overrides", without_dns);
  if (device.no_dns || device.ipv6_ignores_dns) Put(settings, "dhcp6-overrides", without_dns);
  YamlValue nameservers = MappingValue();
  if (!device.search.empty()) Put(nameservers, "search", ListValue(device.search));
  if (!device.nameservers.empty()) Put(nameservers, "addresses", ListValue(device.nameservers));
  if (!nameservers.mapping.empty()) Put(settings, "nameservers", std::move(nameservers));
}

// The members or the link, and how they are joined.
void PutStructure(const NetworkDevice& device, Entry& entry, ProblemList& problems) {
  YamlValue parameters = MappingValue();
  switch (device.kind) {
    case NetworkDevice::Kind::kEthernet:
      return;
    case NetworkDevice::Kind::kVlan:
      Put(entry.settings, "id", NumberValue(*device.vlan_id));
      Put(entry.settings, "link", TextValue(device.device));
      entry.needs = {device.device};
      return;
    case NetworkDevice::Kind::kBond:
      parameters = BondParameters(device, problems);
      break;
    case NetworkDevice::Kind::kBridge:
      parameters = BridgeParameters(device, problems);
      break;
  }
  entry.needs = device.members;
  Put(entry.settings, "interfaces", ListValue(device.members));
  if (!parameters.mapping.empty()) Put(entry.settings, "parameters", std::move(parameters));
}

Entry MakeEntry(const NetworkDevice& device, size_t& unnamed, ProblemList& problems) {
  Entry entry;
  entry.id = IdOf(device, unnamed);
  entry.kind = device.kind;
  entry.activated = device.activate;
  entry.settings = MappingValue();
  if (device.is_mac) {
    YamlValue match = MappingValue();
    Put(match, "macaddress", TextValue(device.device));
    Put(entry.settings, "match", std::move(match));
  }
  PutStructure(device, entry, problems);
  PutAddresses(device, entry.settings);
  PutDns(device, entry.settings);
  return entry;
}

class Entries {
 public:
  void Add(const NetworkDevice& device, Entry entry, ProblemList& problems) {
    if (const Entry* const other = Find(entry.id)) {
      problems.Add(ProblemKind::kSemanticError, device.line,
                   StrCat("network: another device has the name ", other->id,
                          " already; choose one with --interfacename"));
      return;
    }
    Push(std::move(entry));
  }

  // What others stand on without being described is an Ethernet device without settings.
  void AddPlainOnes() {
    for (size_t i = 0; i < entries_.size(); ++i) {
      for (const std::string& id : std::vector<std::string>(entries_[i].needs)) {
        if (Find(id) != nullptr) continue;
        Entry plain;
        plain.id = id;
        plain.settings = MappingValue();
        Push(std::move(plain));
      }
    }
  }

  // What is activated needs what it stands on.
  void ActivateNeeded() {
    std::vector<const Entry*> active;
    for (const Entry& entry : entries_) {
      if (entry.activated) active.push_back(&entry);
    }
    while (!active.empty()) {
      const Entry& entry = *active.back();
      active.pop_back();
      for (const std::string& id : entry.needs) {
        Entry* const needed = Find(id);
        if (needed != nullptr && !std::exchange(needed->activated, true)) active.push_back(needed);
      }
    }
  }

  YamlValue Document(bool only_activated) const {
    YamlValue document = MappingValue();
    Put(document, "version", NumberValue(kNetplanVersion));
    constexpr std::pair<NetworkDevice::Kind, const char*> kFamilies[] = {
        {NetworkDevice::Kind::kEthernet, "ethernets"},
        {NetworkDevice::Kind::kBond, "bonds"},
        {NetworkDevice::Kind::kBridge, "bridges"},
        {NetworkDevice::Kind::kVlan, "vlans"}};
    for (const auto& [kind, name] : kFamilies) {
      YamlValue family = MappingValue();
      for (const Entry& entry : entries_) {
        if (entry.kind != kind || (only_activated && !entry.activated)) continue;
        Put(family, entry.id, entry.settings);
      }
      if (!family.mapping.empty()) Put(document, name, std::move(family));
    }
    return document;
  }

 private:
  Entry* Find(const std::string& id) {
    const auto found = places_.find(id);
    return found == places_.end() ? nullptr : &entries_[found->second];
  }

  void Push(Entry entry) {
    places_.emplace(entry.id, entries_.size());
    entries_.push_back(std::move(entry));
  }

  std::vector<Entry> entries_;
  std::map<std::string, size_t> places_;
};

// A device belongs to one bond or bridge.
void CheckMembers(const std::vector<NetworkDevice>& devices, ProblemList& problems) {
  std::map<std::string, const NetworkDevice*> owners;
  for (const NetworkDevice& device : devices) {
    for (const std::string& member : device.members) {
      const auto [owner, is_new] = owners.emplace(member, &device);
      if (is_new) continue;
      problems.Add(ProblemKind::kSemanticError, device.line,
                   StrCat("network: ", member, " is a member of ", owner->second->device,
                          " already (", DescribePlace(owner->second->line), ")"));
    }
  }
}

}  // namespace

NetplanDocuments TranslateNetwork(const std::vector<NetworkDevice>& devices,
                                  ProblemList& problems) {
  CheckMembers(devices, problems);
  Entries entries;
  size_t unnamed = 0;
  for (const NetworkDevice& device : devices) {
    entries.Add(device, MakeEntry(device, unnamed, problems), problems);
  }
  entries.AddPlainOnes();
  entries.ActivateNeeded();
  return {entries.Document(false), entries.Document(true)};
}

}  // namespace trident::kickstart
