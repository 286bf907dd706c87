#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/strings.h"
#include "common/base/yaml_document.h"
#include "common/config/format.h"
#include "common/kickstart/commands.h"

namespace trident::kickstart {
namespace {

constexpr OptionSpec kBootloaderOptions[] = {{"--location"}, {"--append", OptionKind::kText}};
constexpr CommandSpec kBootloader = {.name = "bootloader", .options = kBootloaderOptions};

constexpr OptionSpec kLiveImageOptions[] = {
    {"--url"}, {"--proxy"}, {"--noverifyssl", OptionKind::kFlag}, {"--checksum"}};
constexpr CommandSpec kLiveImage = {.name = "liveimg", .options = kLiveImageOptions};

constexpr OptionSpec kServicesOptions[] = {{"--enabled", OptionKind::kList},
                                           {"--disabled", OptionKind::kList}};
constexpr CommandSpec kServices = {.name = "services", .options = kServicesOptions};

constexpr OptionSpec kTimezoneOptions[] = {{"--utc", OptionKind::kFlag, "--isUtc"},
                                           {"--nontp", OptionKind::kFlag},
                                           {"--ntpservers", OptionKind::kList}};
constexpr CommandSpec kTimezone = {
    .name = "timezone", .options = kTimezoneOptions, .word = "name of the zone"};

constexpr OptionSpec kSelinuxOptions[] = {{"--enforcing", OptionKind::kFlag},
                                          {"--permissive", OptionKind::kFlag},
                                          {"--disabled", OptionKind::kFlag}};
constexpr CommandSpec kSelinux = {.name = "selinux", .options = kSelinuxOptions};

void AddServices(Arguments& arguments, std::string_view option, std::vector<Setting>& services) {
  for (std::string& name : arguments.ListOf(option, Format::kUnitName)) {
    services.push_back({arguments.line(), std::move(name)});
  }
}

}  // namespace

void ReadBootloader(const Line& line, std::span<const std::string> words, const CommandSink& sink) {
  auto arguments = Arguments::Parse(kBootloader, line, words, sink.problems);
  if (!arguments) return;
  if (!arguments->Has("--location")) {
    arguments->Fail("the option --location is missing; write --location=mbr");
  }
  const auto place = arguments->Choice("--location", {"mbr", "none", "partition", "boot"});
  std::vector<std::string_view> options = StrSplitNonEmpty(arguments->Text("--append"), ' ');
  for (const std::string_view option : options) {
    const auto fault = CheckFormat(Format::kKernelOption, option);
    if (!fault) continue;
    arguments->Fail(
        StrCat("--append: \"", Shorten(option), "\": ", fault->reason, ". ", fault->remedy));
  }
  if (!arguments->ok()) return;
  if (*place > 1) {
    arguments->Fail(ProblemKind::kSemanticWarning,
                    StrCat("--location=", arguments->Text("--location"),
                           " has no effect: the boot loader is that of the images, in the EFI "
                           "system partition"));
  }
  Kickstart& kickstart = sink.kickstart;
  if (kickstart.bootloader) {
    WarnOfReplaced(line, *kickstart.bootloader, "the command bootloader", sink.problems);
  }
  kickstart.bootloader = line;
  kickstart.kernel_options.clear();
  for (const std::string_view option : options) {
    kickstart.kernel_options.push_back({line, std::string(option)});
  }
}

void ReadLiveImage(const Line& line, std::span<const std::string> words, const CommandSink& sink) {
  auto arguments = Arguments::Parse(kLiveImage, line, words, sink.problems);
  if (!arguments) return;
  if (!arguments->Has("--url")) {
    arguments->Fail("the option --url is missing");
    return;
  }
  sink.kickstart.liveimg = line;
}

void ReadServices(const Line& line, std::span<const std::string> words, const CommandSink& sink) {
  auto arguments = Arguments::Parse(kServices, line, words, sink.problems);
  if (!arguments) return;
  if (!arguments->Has("--enabled") && !arguments->Has("--disabled")) {
    arguments->Fail("one of --enabled and --disabled is needed");
  }
  AddServices(*arguments, "--enabled", sink.kickstart.services.enabled);
  AddServices(*arguments, "--disabled", sink.kickstart.services.disabled);
}

void ReadTimezone(const Line& line, std::span<const std::string> words, const CommandSink& sink) {
  auto arguments = Arguments::Parse(kTimezone, line, words, sink.problems);
  if (!arguments) return;
  arguments->AtMostOne({"--nontp", "--ntpservers"});
  arguments->List("--ntpservers");
  if (arguments->has_word()) {
    if (const auto fault = CheckFormat(Format::kTimezone, arguments->word())) {
      arguments->Fail(
          StrCat("\"", Shorten(arguments->word()), "\" ", fault->reason, ". ", fault->remedy));
    }
  } else if (!arguments->Has("--nontp") && !arguments->Has("--ntpservers")) {
    arguments->Fail("the name of the zone is missing; write one such as Europe/Berlin");
  }
  if (!arguments->ok()) return;
  if (arguments->Has("--nontp") || arguments->Has("--ntpservers")) {
    arguments->Fail(ProblemKind::kSemanticWarning,
                    StrCat(arguments->Has("--nontp") ? "--nontp" : "--ntpservers",
                           " has no effect: whether and from where the clock is set is up to the "
                           "image. Disable the service with the command services, or configure it "
                           "in a %post script"));
  }
  if (!arguments->has_word()) return;
  std::optional<Setting>& zone = sink.kickstart.timezone;
  if (zone) WarnOfReplaced(line, zone->line, "the time zone", sink.problems);
  zone = Setting{line, arguments->word()};
}

void ReadSelinux(const Line& line, std::span<const std::string> words, const CommandSink& sink) {
  auto arguments = Arguments::Parse(kSelinux, line, words, sink.problems);
  if (!arguments || !arguments->AtMostOne({"--enforcing", "--permissive", "--disabled"})) return;
  constexpr std::pair<std::string_view, SelinuxMode> kModes[] = {
      {"--enforcing", SelinuxMode::kEnforcing},
      {"--permissive", SelinuxMode::kPermissive},
      {"--disabled", SelinuxMode::kDisabled}};
  for (const auto& [option, mode] : kModes) {
    if (!arguments->Has(option)) continue;
    std::optional<SelinuxSetting>& selinux = sink.kickstart.selinux;
    if (selinux) WarnOfReplaced(line, selinux->line, "the mode of SELinux", sink.problems);
    selinux = SelinuxSetting{line, mode};
    return;
  }
  arguments->Fail("one of --enforcing, --permissive and --disabled is needed");
}

}  // namespace trident::kickstart
