#include "common/kickstart/device_parameters.h"

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/strings.h"
#include "common/base/yaml_document.h"
#include "common/kickstart/arguments.h"
#include "common/kickstart/yaml_values.h"

namespace trident::kickstart {
namespace {

// How the value of an option is written.
enum class Form { kNumber, kChoice, kBool, kAddresses, kInterface };

struct Parameter {
  std::string_view key;      // in the kickstart
  std::string_view netplan;  // in netplan
  Form form = Form::kNumber;
  uint64_t most = UINT32_MAX;  // kNumber
  // kChoice and kBool: the names in the order of their numbers. kBool: off, then on.
  std::initializer_list<std::string_view> names = {};
};

const Parameter kBond[] = {
    {"ad_select", "ad-select", Form::kChoice, 0, {"stable", "bandwidth", "count"}},
    {"all_slaves_active", "all-slaves-active", Form::kBool, 0, {"dropped", "delivered"}},
    {"arp_all_targets", "arp-all-targets", Form::kChoice, 0, {"any", "all"}},
    {"arp_interval", "arp-interval"},
    {"arp_ip_target", "arp-ip-targets", Form::kAddresses},
    {"arp_validate", "arp-validate", Form::kChoice, 0, {"none", "active", "backup", "all"}},
    {"downdelay", "down-delay"},
    {"fail_over_mac", "fail-over-mac-policy", Form::kChoice, 0, {"none", "active", "follow"}},
    {"lacp_rate", "lacp-rate", Form::kChoice, 0, {"slow", "fast"}},
    {"lp_interval", "learn-packet-interval"},
    {"miimon", "mii-monitor-interval"},
    {"min_links", "min-links", Form::kNumber, UINT16_MAX},
    {"mode",
     "mode",
     Form::kChoice,
     0,
     {"balance-rr", "active-backup", "balance-xor", "broadcast", "802.3ad", "balance-tlb",
      "balance-alb"}},
    {"num_grat_arp", "gratuitous-arp", Form::kNumber, UINT8_MAX},
    {"packets_per_slave", "packets-per-slave"},
    {"primary", "primary", Form::kInterface},
    {"primary_reselect",
     "primary-reselect-policy",
     Form::kChoice,
     0,
     {"always", "better", "failure"}},
    {"resend_igmp", "resend-igmp", Form::kNumber, UINT8_MAX},
    {"updelay", "up-delay"},
    {"xmit_hash_policy",
     "transmit-hash-policy",
     Form::kChoice,
     0,
     {"layer2", "layer3+4", "layer2+3", "encap2+3", "encap3+4"}},
};

const Parameter kBridge[] = {
    {"stp", "stp", Form::kBool, 0, {"no", "yes"}},
    {"priority", "priority", Form::kNumber, UINT16_MAX},
    {"forward-delay", "forward-delay"},
    {"hello-time", "hello-time"},
    {"max-age", "max-age"},
    {"ageing-time", "ageing-time"},
};

// Words for off and on that people write for any switch.
constexpr std::string_view kOff[] = {"0", "no", "off", "false", "n", "f"};
constexpr std::string_view kOn[] = {"1", "yes", "on", "true", "y", "t"};

template <typename Words>
bool IsAnyOf(const Words& words, std::string_view word) {
  return std::find(std::begin(words), std::end(words), word) != std::end(words);
}

// The position of a name, or of its number.
std::optional<size_t> ChoiceOf(const Parameter& parameter, const std::string& value) {
  const auto* const found =
      std::find(parameter.names.begin(), parameter.names.end(), std::string_view{value});
  if (found != parameter.names.end()) return static_cast<size_t>(found - parameter.names.begin());
  const auto number = ParseNumber(value, parameter.names.size() - 1);
  if (!number) return std::nullopt;
  return static_cast<size_t>(*number);
}

std::optional<YamlValue> BoolOf(const Parameter& parameter, const std::string& value) {
  const std::string lower = AsciiToLower(value);
  if (IsAnyOf(kOff, lower)) return BoolValue(false);
  if (IsAnyOf(kOn, lower)) return BoolValue(true);
  const auto choice = ChoiceOf(parameter, lower);
  if (!choice) return std::nullopt;
  return BoolValue(*choice == 1);
}

std::optional<YamlValue> AddressesOf(const std::string& value) {
  std::vector<std::string> addresses;
  for (const std::string_view part : StrSplit(value, ',')) {
    addresses.emplace_back(StripWhitespace(part));
    if (!IsIpv4(addresses.back())) return std::nullopt;
  }
  return ListValue(addresses);
}

std::optional<YamlValue> ValueOf(const Parameter& parameter, const std::string& value,
                                 const NetworkDevice& device) {
  switch (parameter.form) {
    case Form::kNumber:
      if (const auto number = ParseNumber(value, parameter.most)) return NumberValue(*number);
      return std::nullopt;
    case Form::kChoice:
      if (const auto choice = ChoiceOf(parameter, value)) {
        return TextValue(parameter.names.begin()[*choice]);
      }
      return std::nullopt;
    case Form::kBool:
      return BoolOf(parameter, value);
    case Form::kAddresses:
      return AddressesOf(value);
    case Form::kInterface:
      if (IsAnyOf(device.members, value)) return TextValue(value);
      return std::nullopt;
  }
  return std::nullopt;
}

std::string ExpectedBy(const Parameter& parameter) {
  switch (parameter.form) {
    case Form::kNumber:
      return StrCat("a number from 0 to ", parameter.most);
    case Form::kChoice:
      return StrCat("one of ", StrJoin(parameter.names, ", "));
    case Form::kBool:
      return "yes or no";
    case Form::kAddresses:
      return "IPv4 addresses with commas between them";
    case Form::kInterface:
      return "one of the interfaces of the bond";
  }
  return "";
}

YamlValue Translate(const NetworkDevice& device, std::span<const Parameter> known,
                    std::string_view option, ProblemList& problems) {
  YamlValue mapping = MappingValue();
  for (const auto& [key, value] : device.parameters) {
    const auto fail = [&, &key = key, &value = value](const std::string& why) {
      problems.Add(ProblemKind::kTranslationError, device.line,
                   StrCat("network: ", option, ": ", Shorten(key), "=", Shorten(value), ": ", why));
    };
    const auto parameter = std::find_if(
        known.begin(), known.end(), [&, &key = key](const auto& one) { return one.key == key; });
    if (parameter == known.end()) {
      fail(StrCat("netplan has no such option"));
    } else if (auto translated = ValueOf(*parameter, value, device)) {
      Put(mapping, std::string(parameter->netplan), *std::move(translated));
    } else {
      fail(StrCat("expected ", ExpectedBy(*parameter)));
    }
  }
  return mapping;
}

}  // namespace

YamlValue BondParameters(const NetworkDevice& bond, ProblemList& problems) {
  return Translate(bond, kBond, "--bondopts", problems);
}

YamlValue BridgeParameters(const NetworkDevice& bridge, ProblemList& problems) {
  return Translate(bridge, kBridge, "--bridgeopts", problems);
}

}  // namespace trident::kickstart
