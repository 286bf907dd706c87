#include "common/config/network_validation.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <string_view>

#include "common/base/strings.h"
#include "common/base/yaml_document.h"
#include "common/base/yaml_scalar.h"

namespace trident {
namespace {

// IFNAMSIZ of the kernel, without the final NUL.
constexpr size_t kMaxInterfaceName = 15;
constexpr uint64_t kMaxVlanId = 4094;

struct Family {
  std::string_view name;
  // Its interfaces exist in hardware: what is called so in the document may be matched by something
  // else than its name.
  bool physical;
};

constexpr std::array kFamilies = {
    Family{"ethernets", true},
    Family{"wifis", true},
    Family{"modems", true},
    Family{"bonds", false},
    Family{"bridges", false},
    Family{"vlans", false},
    Family{"tunnels", false},
    Family{"vrfs", false},
    Family{"nm-devices", false},
    Family{"dummy-devices", false},
    Family{"virtual-ethernets", false},
};
constexpr std::array<std::string_view, 2> kRenderers = {"networkd", "NetworkManager"};
// What a route may lead to besides an address or a network.
constexpr std::array<std::string_view, 1> kRouteWords = {"default"};

enum class IpFamily { kV4, kV6 };

std::optional<IpFamily> ParseIp(std::string_view text) {
  const std::string address(text);
  std::array<unsigned char, sizeof(in6_addr)> bytes{};
  if (inet_pton(AF_INET, address.c_str(), bytes.data()) == 1) return IpFamily::kV4;
  if (inet_pton(AF_INET6, address.c_str(), bytes.data()) == 1) return IpFamily::kV6;
  return std::nullopt;
}

bool IsNetwork(std::string_view text) {
  const size_t slash = text.find('/');
  if (slash == std::string_view::npos) return false;
  const auto family = ParseIp(text.substr(0, slash));
  uint64_t length = 0;
  const std::string_view digits = text.substr(slash + 1);
  if (!family || digits.empty() || !std::all_of(digits.begin(), digits.end(), IsAsciiDigit) ||
      ParseYamlUnsigned(digits, length) != YamlIntegerError::kNone) {
    return false;
  }
  return length <= (*family == IpFamily::kV4 ? 32 : 128);
}

std::string Describe(const YamlValue& value) { return DescribeYamlNode(FromYamlValue(value)); }

bool IsBool(const YamlValue& value) {
  if (value.kind != YamlValue::Kind::kScalar) return false;
  // netplan takes the words of YAML 1.1, quoted or not.
  const std::string word = AsciiToLower(value.scalar);
  return word == "true" || word == "false" || word == "yes" || word == "no" || word == "on" ||
         word == "off" || word == "y" || word == "n";
}

// One interface of the mapping.
struct Interface {
  const Family* family = nullptr;
  std::string path;
  const YamlValue* settings = nullptr;
};

class NetworkValidator {
 public:
  NetworkValidator(const std::string& path, FindingList& findings)
      : path_(path), findings_(findings) {}

  void Validate(const YamlValue& network) {
    for (const auto& [key, value] : network.mapping) {
      const std::string place = StrCat(path_, ".", Shorten(key));
      if (key == "version" || key == "openvswitch") continue;
      if (key == "renderer") {
        CheckRenderer(value, place);
        continue;
      }
      const auto family = std::find_if(kFamilies.begin(), kFamilies.end(),
                                       [&key](const Family& known) { return known.name == key; });
      if (family == kFamilies.end()) {
        std::vector<std::string_view> names;
        for (const Family& known : kFamilies) names.push_back(known.name);
        findings_.Add(
            place, StrCat("\"", Shorten(key), "\" is not a family of devices that netplan knows"),
            StrCat("Use one of ", StrJoin(names, ", "), "."));
        continue;
      }
      Collect(*family, value, place);
    }
    for (const auto& [id, interface] : interfaces_) CheckInterface(id, interface);
  }

 private:
  void Collect(const Family& family, const YamlValue& value, const std::string& place) {
    if (value.kind == YamlValue::Kind::kNull) return;
    if (!Expect(value, YamlValue::Kind::kMapping, place, "a mapping of interfaces")) return;
    for (const auto& [id, settings] : value.mapping) {
      const Interface interface { &family, StrCat(place, ".", Shorten(id)), &settings };
      if (settings.kind != YamlValue::Kind::kNull &&
          !Expect(settings, YamlValue::Kind::kMapping, interface.path, "a mapping")) {
        continue;
      }
      const auto [known, is_new] = interfaces_.emplace(id, interface);
      if (!is_new) {
        findings_.Add(interface.path,
                      StrCat("the interface \"", Shorten(id), "\" is there twice, first at ",
                             known->second.path),
                      "Give each interface an id of its own.");
      }
    }
  }

  void CheckInterface(const std::string& id, const Interface& interface) {
    const YamlValue& settings = *interface.settings;
    const bool matched = interface.family->physical && settings.Find("match") != nullptr;
    // With `match` the id is only a name within the document.
    if (!matched) CheckName(id, interface.path);
    if (const YamlValue* name = settings.Find("set-name")) {
      const std::string place = interface.path + ".set-name";
      if (ExpectScalar(*name, place)) CheckName(name->scalar, place);
      if (settings.Find("match") == nullptr) {
        findings_.Add(place, "\"set-name\" needs \"match\", or nothing would say which interface",
                      "Add \"match:\" with the macaddress of the interface.");
      }
    }
    if (const YamlValue* renderer = settings.Find("renderer")) {
      CheckRenderer(*renderer, interface.path + ".renderer");
    }
    for (const char* key : {"dhcp4", "dhcp6", "accept-ra", "optional", "critical"}) {
      const YamlValue* value = settings.Find(key);
      if (value == nullptr || value->kind == YamlValue::Kind::kNull || IsBool(*value)) continue;
      findings_.Add(StrCat(interface.path, ".", key),
                    StrCat("expected true or false, found ", Describe(*value)),
                    "Write true or false.");
    }
    CheckAddresses(settings, interface.path);
    CheckGateways(settings, interface.path);
    CheckNameservers(settings, interface.path);
    CheckRoutes(settings, interface.path);
    if (interface.family->name == "bonds" || interface.family->name == "bridges" ||
        interface.family->name == "vrfs") {
      CheckMembers(id, settings, interface.path);
    }
    if (interface.family->name == "vlans") CheckVlan(id, settings, interface.path);
  }

  void CheckName(const std::string& name, const std::string& place) {
    const bool fits = !name.empty() && name.size() <= kMaxInterfaceName && name != "." &&
                      name != ".." && std::all_of(name.begin(), name.end(), [](char c) {
                        return c > ' ' && c <= '~' && c != '/' && c != ':' && c != '%';
                      });
    if (fits) return;
    findings_.Add(place,
                  StrCat("\"", Shorten(name), "\" cannot be the name of an interface: 1 to ",
                         kMaxInterfaceName, " visible characters without \"/\", \":\" and \"%\""),
                  "Write the interface's name, or use any id and say with \"match:\" which "
                  "interface it is.");
  }

  void CheckRenderer(const YamlValue& value, const std::string& place) {
    if (value.kind == YamlValue::Kind::kScalar &&
        std::find(kRenderers.begin(), kRenderers.end(), value.scalar) != kRenderers.end()) {
      return;
    }
    findings_.Add(place,
                  StrCat("expected ", StrJoin(kRenderers, " or "), ", found ", Describe(value)),
                  "Leave the renderer out to use networkd.");
  }

  void CheckAddresses(const YamlValue& settings, const std::string& path) {
    const YamlValue* addresses = ListOf(settings, "addresses", path);
    if (addresses == nullptr) return;
    for (size_t i = 0; i < addresses->sequence.size(); ++i) {
      const YamlValue& item = addresses->sequence[i];
      const std::string place = StrCat(path, ".addresses[", i, "]");
      // "192.0.2.5/24", or the same as the only key of a mapping with lifetime and label.
      const std::string* text = nullptr;
      if (item.kind == YamlValue::Kind::kScalar) text = &item.scalar;
      if (item.kind == YamlValue::Kind::kMapping && item.mapping.size() == 1) {
        text = &item.mapping[0].first;
      }
      if (text != nullptr && IsNetwork(*text)) continue;
      findings_.Add(place,
                    StrCat("expected an address with the length of its prefix, found ",
                           text != nullptr ? StrCat("\"", Shorten(*text), "\"") : Describe(item)),
                    "Write such as 192.0.2.5/24 or \"2001:db8::5/64\".");
    }
  }

  void CheckGateways(const YamlValue& settings, const std::string& path) {
    const std::pair<const char*, IpFamily> gateways[] = {{"gateway4", IpFamily::kV4},
                                                         {"gateway6", IpFamily::kV6}};
    for (const auto& [key, family] : gateways) {
      const YamlValue* value = settings.Find(key);
      if (value == nullptr || value->kind == YamlValue::Kind::kNull) continue;
      if (value->kind == YamlValue::Kind::kScalar && ParseIp(value->scalar) == family) continue;
      findings_.Add(StrCat(path, ".", key),
                    StrCat("expected an IP", family == IpFamily::kV4 ? "v4" : "v6",
                           " address, found ", Describe(*value)),
                    "Write the address without a prefix length, or better a route to \"default\".");
    }
  }

  void CheckNameservers(const YamlValue& settings, const std::string& path) {
    const YamlValue* nameservers = settings.Find("nameservers");
    if (nameservers == nullptr || nameservers->kind == YamlValue::Kind::kNull) return;
    const std::string place = path + ".nameservers";
    if (!Expect(*nameservers, YamlValue::Kind::kMapping, place, "a mapping")) return;
    ListOf(*nameservers, "search", place);
    const YamlValue* addresses = ListOf(*nameservers, "addresses", place);
    if (addresses == nullptr) return;
    for (size_t i = 0; i < addresses->sequence.size(); ++i) {
      const YamlValue& item = addresses->sequence[i];
      if (item.kind == YamlValue::Kind::kScalar && ParseIp(item.scalar)) continue;
      findings_.Add(StrCat(place, ".addresses[", i, "]"),
                    StrCat("expected an IP address, found ", Describe(item)),
                    "Write the address of a name server, without a prefix length.");
    }
  }

  void CheckRoutes(const YamlValue& settings, const std::string& path) {
    const YamlValue* routes = ListOf(settings, "routes", path);
    if (routes == nullptr) return;
    for (size_t i = 0; i < routes->sequence.size(); ++i) {
      const YamlValue& route = routes->sequence[i];
      const std::string place = StrCat(path, ".routes[", i, "]");
      if (!Expect(route, YamlValue::Kind::kMapping, place, "a mapping with \"to\" and \"via\"")) {
        continue;
      }
      const YamlValue* to = route.Find("to");
      const auto leads = [](const YamlValue& value) {
        return value.kind == YamlValue::Kind::kScalar &&
               (IsNetwork(value.scalar) || ParseIp(value.scalar) ||
                std::find(kRouteWords.begin(), kRouteWords.end(), value.scalar) !=
                    kRouteWords.end());
      };
      if (to == nullptr) {
        findings_.Add(place, "a route needs \"to\"", "Add \"to: default\", or a network.");
      } else if (!leads(*to)) {
        findings_.Add(
            place + ".to",
            StrCat("expected \"default\", an address or a network, found ", Describe(*to)),
            "Write such as default or 198.51.100.0/24.");
      }
      const YamlValue* via = route.Find("via");
      if (via != nullptr && !(via->kind == YamlValue::Kind::kScalar && ParseIp(via->scalar))) {
        findings_.Add(place + ".via", StrCat("expected an IP address, found ", Describe(*via)),
                      "Write the address of the gateway, without a prefix length.");
      }
    }
  }

  void CheckMembers(const std::string& id, const YamlValue& settings, const std::string& path) {
    const YamlValue* members = ListOf(settings, "interfaces", path);
    if (members == nullptr) return;
    for (size_t i = 0; i < members->sequence.size(); ++i) {
      const std::string place = StrCat(path, ".interfaces[", i, "]");
      const YamlValue& member = members->sequence[i];
      if (!ExpectScalar(member, place)) continue;
      CheckReference(id, member.scalar, place);
    }
  }

  void CheckVlan(const std::string& id, const YamlValue& settings, const std::string& path) {
    const YamlValue* number = settings.Find("id");
    uint64_t value = 0;
    if (number == nullptr) {
      findings_.Add(path, "a VLAN needs \"id\", its number", "Add \"id:\" with 0 to 4094.");
    } else if (number->kind != YamlValue::Kind::kScalar ||
               ParseYamlUnsigned(number->scalar, value) != YamlIntegerError::kNone ||
               value > kMaxVlanId) {
      findings_.Add(
          path + ".id",
          StrCat("expected a number from 0 to ", kMaxVlanId, ", found ", Describe(*number)),
          "Write the number of the VLAN.");
    }
    const YamlValue* link = settings.Find("link");
    if (link == nullptr) {
      findings_.Add(path, "a VLAN needs \"link\", the interface that carries it",
                    "Add \"link:\" with the id of an interface of this mapping.");
    } else if (ExpectScalar(*link, path + ".link")) {
      CheckReference(id, link->scalar, path + ".link");
    }
  }

  void CheckReference(const std::string& id, const std::string& other, const std::string& place) {
    if (other == id) {
      findings_.Add(place, StrCat("\"", Shorten(id), "\" refers to itself"),
                    "Name another interface.");
    } else if (!interfaces_.contains(other)) {
      findings_.Add(place, StrCat("the interface \"", Shorten(other), "\" is not defined"),
                    "Define it, for example below \"ethernets:\", with an empty mapping if there "
                    "is nothing to say about it.");
    }
  }

  // The list at `key`; null when there is none.
  const YamlValue* ListOf(const YamlValue& settings, const char* key, const std::string& path) {
    const YamlValue* value = settings.Find(key);
    if (value == nullptr || value->kind == YamlValue::Kind::kNull) return nullptr;
    return Expect(*value, YamlValue::Kind::kSequence, StrCat(path, ".", key), "a list") ? value
                                                                                        : nullptr;
  }

  bool Expect(const YamlValue& value, YamlValue::Kind kind, const std::string& place,
              std::string_view expected) {
    if (value.kind == kind) return true;
    findings_.Add(place, StrCat("expected ", expected, ", found ", Describe(value)),
                  "See the reference of netplan's YAML.");
    return false;
  }

  bool ExpectScalar(const YamlValue& value, const std::string& place) {
    return Expect(value, YamlValue::Kind::kScalar, place, "a name");
  }

  const std::string path_;
  FindingList& findings_;
  std::map<std::string, Interface> interfaces_;
};

}  // namespace

void ValidateNetwork(const YamlValue& network, const std::string& path, FindingList& findings) {
  NetworkValidator(path, findings).Validate(network);
}

}  // namespace trident
