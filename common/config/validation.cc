#include "common/config/validation.h"

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <vector>

#include "common/base/strings.h"
#include "common/base/yaml_document.h"
#include "common/config/lookup.h"
#include "common/config/network_validation.h"
#include "common/config/path.h"

namespace trident {
namespace {

constexpr char kDatastoreSuffix[] = ".sqlite";
constexpr uint32_t kMaxScriptSeconds = 24 * 60 * 60;

std::vector<std::string_view> Components(std::string_view path) {
  return StrSplitNonEmpty(path, '/');
}

void ValidateDatastore(const HostConfiguration& configuration, const std::string& prefix,
                       FindingList& findings) {
  const std::string path = prefix + "management.datastorePath";
  const std::string& datastore = DatastorePathOf(configuration);
  if (configuration.management.disable || findings.Failed(path)) return;
  const std::string_view name = Components(datastore).empty() ? "" : Components(datastore).back();
  if (!name.ends_with(kDatastoreSuffix) || name == kDatastoreSuffix) {
    findings.Add(path,
                 StrCat("the datastore must be a file whose name ends with \"", kDatastoreSuffix,
                        "\", found \"", Shorten(datastore), "\""),
                 StrCat("Write a path such as ", kDefaultDatastorePath, "."));
  }
  const Storage& storage = configuration.storage;
  // Without mount points the document leaves the filesystems of the host as they are.
  const std::string mounts = prefix + "storage.mountPoints";
  if (storage.mount_points.empty() ||
      !findings.KnowsAll(mounts, storage.mount_points.size(), "path")) {
    return;
  }
  const MountPoint* const where = FindMountOf(configuration, datastore);
  if (where == nullptr) {
    findings.Add(path,
                 StrCat("the datastore ", Shorten(datastore),
                        " lies on none of the mount "
                        "points"),
                 "Put it on a mount point, or mount something above it.");
    return;
  }
  for (const Overlay& overlay : storage.overlays) {
    if (!IsAtOrBelow(datastore, overlay.path) || IsAtOrBelow(where->path, overlay.path)) continue;
    findings.Add(path,
                 StrCat("the datastore ", Shorten(datastore), " lies on the overlay ",
                        Shorten(overlay.path), ": an update would leave it behind"),
                 "Mount a partition above the datastore, for example at /var/lib/trident.");
    return;
  }
  for (const VerityDevice& verity : storage.verity) {
    if (verity.id != where->target_id) continue;
    findings.Add(path,
                 StrCat("the datastore ", Shorten(datastore), " lies on the verity device \"",
                        Shorten(verity.id), "\", mounted at ", Shorten(where->path),
                        ", which cannot be written"),
                 "Mount a partition above the datastore, for example at /var/lib/trident.");
    return;
  }
  if (!storage.ab_update) return;
  for (const VolumePair& pair : storage.ab_update->volume_pairs) {
    if (pair.id != where->target_id) continue;
    findings.Add(path,
                 StrCat("the datastore ", Shorten(datastore), " lies on the volume pair \"",
                        Shorten(pair.id), "\", mounted at ", Shorten(where->path),
                        ": an update would leave it behind"),
                 "Mount a partition that is not in a volume pair above the datastore, for example "
                 "at /var/lib/trident, or set management.datastorePath to a place on one.");
    return;
  }
}

// What is to be carried over must have a place in the new root.
void ValidatePreserve(const HostConfiguration& configuration, const std::string& prefix,
                      FindingList& findings) {
  const std::vector<std::string>& paths = configuration.osconfig.preserve;
  for (size_t i = 0; i < paths.size(); ++i) {
    if (IsWritten(configuration.storage, paths[i])) continue;
    findings.Add(StrCat(prefix, "osconfig.preserve[", i, "]"),
                 StrCat("\"", Shorten(paths[i]),
                        "\" lies on a verity device or on an overlay in "
                        "memory, so that it cannot be carried over"),
                 "Remove the path, or make an overlay with \"persistent: true\" above it.");
  }
}

// Programs are on the root or on /usr.
void ValidateSelfUpgrade(const HostConfiguration& configuration, const std::string& prefix,
                         FindingList& findings) {
  if (!configuration.management.self_upgrade || configuration.management.disable ||
      configuration.storage.verity.empty()) {
    return;
  }
  findings.Add(prefix + "management.selfUpgrade",
               "the agent cannot be copied into a new system that is protected by dm-verity",
               "Put the agent into the image, and remove \"selfUpgrade\".");
}

bool IsVariableName(std::string_view name) {
  return !name.empty() && !IsAsciiDigit(name[0]) &&
         std::all_of(name.begin(), name.end(), [](char c) { return IsAsciiAlnum(c) || c == '_'; });
}

void ValidateScripts(const std::vector<Script>& scripts, const std::string& path,
                     FindingList& findings) {
  for (size_t i = 0; i < scripts.size(); ++i) {
    const Script& script = scripts[i];
    const std::string script_path = StrCat(path, "[", i, "]");
    const bool is_known =
        !findings.Failed(script_path + ".content") && !findings.Failed(script_path + ".path");
    if (is_known && script.content && script.path) {
      findings.Add(script_path + ".path", "a script has both \"content\" and \"path\"",
                   "Keep one of the two.");
    }
    if (is_known && !script.content && !script.path) {
      findings.Add(script_path, "a script has neither \"content\" nor \"path\"",
                   "Add one of the two.");
    }
    if (script.timeout_seconds < 1 || script.timeout_seconds > kMaxScriptSeconds) {
      findings.Add(script_path + ".timeoutSeconds",
                   StrCat("a script may run from 1 to ", kMaxScriptSeconds, " seconds, found ",
                          script.timeout_seconds),
                   "Write a number in this range, or leave the key out.");
    }
    for (const auto& [name, value] : script.environment_variables) {
      if (IsVariableName(name)) continue;
      findings.Add(StrCat(script_path, ".environmentVariables.", Shorten(name)),
                   StrCat("\"", Shorten(name), "\" is not a name of a variable"),
                   "Use letters, digits and \"_\", not beginning with a digit.");
    }
  }
}

}  // namespace

void ValidateHostConfiguration(const HostConfiguration& configuration, const std::string& prefix,
                               FindingList& findings) {
  ValidateDatastore(configuration, prefix, findings);
  ValidateSelfUpgrade(configuration, prefix, findings);
  ValidatePreserve(configuration, prefix, findings);
  ValidateStorage(configuration.storage, prefix + "storage", findings);
  if (configuration.network_provision) {
    ValidateNetwork(*configuration.network_provision, prefix + "networkProvision", findings);
  }
  if (configuration.network) {
    ValidateNetwork(*configuration.network, prefix + "network", findings);
  }
  ValidateScripts(configuration.scripts.pre_servicing, prefix + "scripts.preServicing", findings);
  ValidateScripts(configuration.scripts.post_provision, prefix + "scripts.postProvision", findings);
  ValidateScripts(configuration.scripts.post_configure, prefix + "scripts.postConfigure", findings);
  ValidateOsConfig(configuration.osconfig, prefix + "osconfig", findings);
}

}  // namespace trident
