#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/strings.h"
#include "common/base/yaml_document.h"
#include "common/config/format.h"
#include "common/kickstart/commands.h"
#include "common/kickstart/key_values.h"

namespace trident::kickstart {
namespace {

constexpr OptionSpec kOptions[] = {
    {"--device"},
    {"--hostname"},
    {"--bootproto"},
    {"--ip"},
    {"--netmask"},
    {"--gateway"},
    {"--nameserver", OptionKind::kList},
    {"--nodns", OptionKind::kFlag},
    {"--noipv4", OptionKind::kFlag},
    {"--noipv6", OptionKind::kFlag},
    {"--mtu"},
    {"--ipv6"},
    {"--ipv6gateway"},
    {"--ipv4-dns-search", OptionKind::kList},
    {"--ipv6-dns-search", OptionKind::kList},
    {"--ipv4-ignore-auto-dns", OptionKind::kFlag},
    {"--ipv6-ignore-auto-dns", OptionKind::kFlag},
    {"--bondslaves", OptionKind::kList},
    {"--bondopts"},
    {"--bridgeslaves", OptionKind::kList},
    {"--bridgeopts"},
    {"--vlanid"},
    {"--interfacename"},
    {"--activate", OptionKind::kFlag},
    {"--no-activate", OptionKind::kFlag},
};
constexpr CommandSpec kNetwork = {.name = "network", .options = kOptions};

// IFNAMSIZ of linux/if.h, with its final zero.
constexpr size_t kLongestName = 15;
constexpr uint64_t kMostMtu = UINT16_MAX;
// IEEE 802.1Q; 4095 is reserved.
constexpr uint64_t kMostVlanId = 4094;
constexpr char kDefaultIpv6Prefix[] = "64";

// Words that kickstart has in place of a name, which would have to be looked up on the host.
constexpr std::string_view kLookedUp[] = {"link", "bootif", "ibft"};

bool IsMac(std::string_view text) {
  if (text.size() != 17) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (i % 3 == 2 ? text[i] != ':' : !IsAsciiHexDigit(text[i])) return false;
  }
  return true;
}

bool IsInterfaceName(std::string_view text) {
  return !text.empty() && text.size() <= kLongestName && text != "." && text != ".." &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return IsAsciiAlnum(c) || std::string_view("._-").find(c) != std::string_view::npos;
         });
}

void RefuseName(Arguments& arguments, std::string_view option, std::string_view name) {
  arguments.Fail(StrCat(option, ": \"", Shorten(name),
                        "\" cannot name an interface: it has at most ", kLongestName,
                        " letters, digits, \".\", \"_\" and \"-\""));
}

std::vector<std::string> Interfaces(Arguments& arguments, std::string_view option) {
  std::vector<std::string> names = arguments.List(option);
  std::set<std::string_view> seen;
  for (const std::string& name : names) {
    if (!IsInterfaceName(name)) RefuseName(arguments, option, name);
    if (!seen.insert(name).second) {
      arguments.Fail(StrCat(option, ": \"", Shorten(name), "\" is there twice"));
    }
  }
  return names;
}

void ReadDevice(Arguments& arguments, NetworkDevice& device) {
  device.device = arguments.Text("--device");
  if (IsMac(device.device)) {
    device.is_mac = true;
    device.device = AsciiToLower(device.device);
    return;
  }
  if (std::find(std::begin(kLookedUp), std::end(kLookedUp), device.device) != std::end(kLookedUp)) {
    arguments.Fail(ProblemKind::kSemanticError,
                   StrCat("--device=", device.device,
                          " would have to be looked up on the host; write the name or the MAC "
                          "address of the interface"));
    return;
  }
  if (!IsInterfaceName(device.device)) RefuseName(arguments, "--device", device.device);
}

// "255.255.255.0" is 24. Nothing when it is no contiguous mask.
std::optional<uint32_t> PrefixOf(const std::string& netmask) {
  uint32_t mask = 0;
  for (const std::string_view part : StrSplit(netmask, '.')) {
    const auto byte = ParseNumber(part, 255);
    if (!byte) return std::nullopt;
    mask = mask << 8 | static_cast<uint32_t>(*byte);
  }
  uint32_t prefix = 0;
  while (prefix < 32 && (mask & (0x80000000U >> prefix)) != 0) ++prefix;
  const uint32_t expected = prefix == 0 ? 0 : ~uint32_t{0} << (32 - prefix);
  if (mask != expected) return std::nullopt;
  return prefix;
}

void ReadIpv4(Arguments& arguments, NetworkDevice& device) {
  for (const std::string_view option : {"--bootproto", "--ip", "--netmask", "--gateway"}) {
    arguments.AtMostOne({"--noipv4", option});
  }
  device.ipv4 = !arguments.Has("--noipv4");
  const auto protocol = arguments.Choice("--bootproto", {"dhcp", "static"});
  const bool is_static = protocol.value_or(0) == 1;
  device.ipv4_gateway = arguments.Ipv4("--gateway").value_or("");
  const auto address = arguments.Ipv4("--ip");
  const auto netmask = arguments.Ipv4("--netmask");
  if (is_static) {
    for (const std::string_view option : {"--ip", "--netmask"}) {
      if (!arguments.Has(option)) arguments.Fail(StrCat("--bootproto=static needs ", option));
    }
  } else if (arguments.Has("--ip") || arguments.Has("--netmask")) {
    arguments.Fail("--ip and --netmask need --bootproto=static");
  }
  if (!netmask) return;
  const auto prefix = PrefixOf(*netmask);
  if (!prefix) {
    arguments.Fail(
        StrCat("--netmask=", *netmask, ": the ones must be in front, as in 255.255.255.0"));
  } else if (address) {
    device.ipv4_address = StrCat(*address, "/", *prefix);
  }
}

void ReadIpv6(Arguments& arguments, NetworkDevice& device) {
  arguments.AtMostOne({"--noipv6", "--ipv6"});
  arguments.AtMostOne({"--noipv6", "--ipv6gateway"});
  device.ipv6_gateway = arguments.Ipv6("--ipv6gateway").value_or("");
  if (arguments.Has("--noipv6")) device.ipv6 = NetworkDevice::Ipv6::kOff;
  const std::string& how = arguments.Text("--ipv6");
  if (how.empty() || how == "auto") return;
  if (how == "dhcp") {
    device.ipv6 = NetworkDevice::Ipv6::kDhcp;
    return;
  }
  const size_t slash = how.find('/');
  const std::string address = how.substr(0, slash);
  const std::string prefix =
      slash == std::string::npos ? kDefaultIpv6Prefix : how.substr(slash + 1);
  if (!IsIpv6(address) || !ParseNumber(prefix, 128)) {
    arguments.Fail(StrCat("--ipv6=", Shorten(how),
                          ": expected auto, dhcp, or an address such as 2001:db8::7/64"));
    return;
  }
  device.ipv6 = NetworkDevice::Ipv6::kStatic;
  device.ipv6_address = StrCat(address, "/", *ParseNumber(prefix, 128));
}

void ReadDns(Arguments& arguments, NetworkDevice& device) {
  for (const std::string_view option : {"--nameserver", "--ipv4-dns-search", "--ipv6-dns-search"}) {
    arguments.AtMostOne({"--nodns", option});
  }
  device.no_dns = arguments.Has("--nodns");
  device.nameservers = arguments.Addresses("--nameserver");
  device.search = arguments.ListOf("--ipv4-dns-search", Format::kLine);
  for (std::string& domain : arguments.ListOf("--ipv6-dns-search", Format::kLine)) {
    if (std::find(device.search.begin(), device.search.end(), domain) == device.search.end()) {
      device.search.push_back(std::move(domain));
    }
  }
  device.ipv4_ignores_dns = arguments.Has("--ipv4-ignore-auto-dns");
  device.ipv6_ignores_dns = arguments.Has("--ipv6-ignore-auto-dns");
}

void ReadParameters(Arguments& arguments, std::string_view option, char divider,
                    NetworkDevice& device) {
  auto parameters = ParseKeyValues(arguments.Text(option), divider);
  if (parameters.ok()) {
    device.parameters = *std::move(parameters);
  } else {
    arguments.Fail(StrCat(option, ": ", std::string{parameters.status().message()}));
  }
}

// --interfacename has forms that mean something to other programs.
void ReadVlanName(Arguments& arguments, NetworkDevice& device) {
  const std::string& name = arguments.Text("--interfacename");
  const std::string id = std::to_string(*device.vlan_id);
  const size_t dot = name.find('.');
  std::string expected;
  if (name.starts_with("vlan")) {
    expected = StrCat("vlan", id);
  } else if (dot != std::string::npos) {
    expected = StrCat(name.substr(0, dot), ".", id);
  }
  if (!IsInterfaceName(name)) {
    RefuseName(arguments, "--interfacename", name);
  } else if (!expected.empty() && (name != expected || dot == 0)) {
    arguments.Fail(ProblemKind::kSemanticError,
                   StrCat("--interfacename=", name, ": a name with a dot must be NAME.", id,
                          ", and one that begins with vlan must be vlan", id));
  }
  if (name == device.device) {
    arguments.Fail(ProblemKind::kSemanticError,
                   StrCat("--interfacename=", name, ": that is the device that the VLAN is on"));
  }
  device.interface_name = name;
}

void ReadKind(Arguments& arguments, NetworkDevice& device) {
  arguments.AtMostOne({"--bondslaves", "--bridgeslaves", "--vlanid"});
  arguments.Needs("--bondopts", "--bondslaves");
  arguments.Needs("--bridgeopts", "--bridgeslaves");
  arguments.Needs("--interfacename", "--vlanid");
  std::string_view what;
  if (arguments.Has("--bondslaves")) {
    what = "a bond";
    device.kind = NetworkDevice::Kind::kBond;
    device.members = Interfaces(arguments, "--bondslaves");
    ReadParameters(arguments, "--bondopts", BondDividerOf(arguments.Text("--bondopts")), device);
  } else if (arguments.Has("--bridgeslaves")) {
    what = "a bridge";
    device.kind = NetworkDevice::Kind::kBridge;
    device.members = Interfaces(arguments, "--bridgeslaves");
    ReadParameters(arguments, "--bridgeopts", ',', device);
  } else if (arguments.Has("--vlanid")) {
    what = "a VLAN";
    device.kind = NetworkDevice::Kind::kVlan;
    device.vlan_id = arguments.Unsigned("--vlanid", kMostVlanId);
    if (device.vlan_id && arguments.Has("--interfacename")) ReadVlanName(arguments, device);
    if (device.vlan_id && device.interface_name.empty() && !device.is_mac) {
      const std::string name = StrCat(device.device, ".", *device.vlan_id);
      if (!IsInterfaceName(name)) {
        arguments.Fail(
            ProblemKind::kSemanticError,
            StrCat("the name of the VLAN would be ", Shorten(name), ", which has more than ",
                   kLongestName, " characters; choose one with --interfacename"));
      }
    }
  }
  if (!what.empty() && device.is_mac) {
    arguments.Fail(ProblemKind::kSemanticError,
                   StrCat(what, " needs the name of a device, not a MAC address"));
  }
  if (std::find(device.members.begin(), device.members.end(), device.device) !=
      device.members.end()) {
    arguments.Fail(ProblemKind::kSemanticError,
                   StrCat(Shorten(device.device), " cannot be a member of itself"));
  }
}

bool IsSameDevice(const NetworkDevice& a, const NetworkDevice& b) {
  return a.device == b.device && a.vlan_id == b.vlan_id;
}

void AddDevice(NetworkDevice device, const CommandSink& sink) {
  auto& devices = sink.kickstart.devices;
  const auto same = std::find_if(devices.begin(), devices.end(), [&](const NetworkDevice& one) {
    return IsSameDevice(one, device);
  });
  if (same == devices.end()) {
    devices.push_back(std::move(device));
    return;
  }
  WarnOfReplaced(device.line, same->line, StrCat("the network of ", device.device), sink.problems);
  *same = std::move(device);
}

}  // namespace

void ReadNetwork(const Line& line, std::span<const std::string> words, const CommandSink& sink) {
  auto arguments = Arguments::Parse(kNetwork, line, words, sink.problems);
  if (!arguments) return;
  const auto hostname = arguments->OfFormat("--hostname", Format::kHostname);
  if (!arguments->Has("--device")) {
    std::vector<std::string_view> homeless;
    for (const OptionSpec& option : kOptions) {
      if (option.name != "--hostname" && arguments->Has(option.name)) {
        homeless.push_back(option.name);
      }
    }
    if (!homeless.empty()) {
      arguments->Fail(StrCat("the option --device is missing, which ", StrJoin(homeless, ", "),
                             homeless.size() == 1 ? " needs" : " need"));
    } else if (!arguments->Has("--hostname")) {
      arguments->Fail("one of --device and --hostname is needed");
    }
  }
  NetworkDevice device;
  device.line = line;
  if (arguments->Has("--device")) {
    ReadDevice(*arguments, device);
    ReadIpv4(*arguments, device);
    ReadIpv6(*arguments, device);
    ReadDns(*arguments, device);
    ReadKind(*arguments, device);
    device.mtu = arguments->Unsigned("--mtu", kMostMtu);
    arguments->AtMostOne({"--activate", "--no-activate"});
    // The first device is what the installation itself comes in by.
    const auto& devices = sink.kickstart.devices;
    const bool is_first = devices.empty() || IsSameDevice(devices.front(), device);
    device.activate =
        arguments->Has("--activate") || (is_first && !arguments->Has("--no-activate"));
  }
  if (!arguments->ok()) return;
  if (hostname) {
    std::optional<Setting>& known = sink.kickstart.hostname;
    if (known) WarnOfReplaced(line, known->line, "the name of the host", sink.problems);
    known = Setting{line, *hostname};
  }
  if (arguments->Has("--device")) AddDevice(std::move(device), sink);
}

}  // namespace trident::kickstart
