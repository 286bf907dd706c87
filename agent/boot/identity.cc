#include "agent/boot/identity.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "agent/boot/config_files.h"
#include "agent/boot/grub_config.h"
#include "agent/boot/loader_entry.h"
#include "common/base/error.h"

namespace trident {
namespace {

using Kind = BootConfigFile::Kind;

struct Change {
  BootConfigFile file;
  std::string old_text;
  std::string new_text;
};

absl::Status Refuse(std::string_view subkind, std::string message, std::string remedy = "") {
  return MakeError(absl::StatusCode::kFailedPrecondition, "boot", subkind, std::move(message),
                   std::move(remedy));
}

RootReplacement ReplacementFor(const RootIdentity& identity) {
  RootReplacement replacement;
  replacement.filesystem_uuids = identity.further_filesystem_uuids;
  replacement.filesystem_uuids.emplace_back(identity.old_filesystem_uuid,
                                            identity.new_filesystem_uuid);
  if (!identity.device.empty()) {
    replacement.root = identity.device;
  } else if (!identity.partition_uuid.empty()) {
    replacement.root = absl::StrCat("PARTUUID=", identity.partition_uuid);
  } else {
    replacement.root = absl::StrCat("UUID=", identity.new_filesystem_uuid);
  }
  return replacement;
}

// A stub that does not leave the ESP starts the kernel itself; the ESP is the volume's own.
absl::Status CheckStub(const BootConfigFile& file, const RewrittenGrubConfig& stub,
                       const RootIdentity& identity) {
  if (stub.own_searches > 0 || (stub.roots > 0 && stub.other_searches.empty())) {
    return absl::OkStatus();
  }
  const std::string searched =
      stub.other_searches.empty()
          ? std::string("it does not search for a file system")
          : absl::StrFormat("it searches for %s", absl::StrJoin(stub.other_searches, ", "));
  return Refuse("no-search",
                absl::StrFormat("%s does not lead to the root of this volume: %s, and the file "
                                "system of the root is %s.",
                                file.name, searched, identity.new_filesystem_uuid),
                "Let it search by the UUID that the root file system has in the image: search "
                "--no-floppy --fs-uuid --set=root UUID");
}

// Additions are made to the entries of systemd-boot on the ESP.
absl::Status CheckNothingToAdd(const BootConfigFile& file, const RootIdentity& identity) {
  if (identity.additions.empty()) return absl::OkStatus();
  return MakeError(absl::StatusCode::kUnimplemented, "unsupported", "verity-boot-loader",
                   absl::StrFormat("%s starts the kernel of a system that is protected by "
                                   "dm-verity; what that needs is added only to entries of "
                                   "systemd-boot on the ESP.",
                                   file.name),
                   "Use an ESP image with systemd-boot, the kernel and the initrd, and an entry in "
                   "loader/entries.");
}

// grubenv is a block of 1024 bytes: only what keeps its length may change.
std::string RewriteEnvironment(std::string_view text, const RootReplacement& replacement) {
  std::string new_text = RewriteFilesystemUuids(text, replacement).text;
  return new_text.size() == text.size() ? new_text : std::string(text);
}

// All files with what shall be in them; equal texts where nothing is to be done.
absl::StatusOr<std::vector<Change>> PlanChanges(const Files& files, const Loader& loader,
                                                const std::string& esp, const std::string& root,
                                                const RootIdentity& identity) {
  if (identity.new_filesystem_uuid.empty() && identity.partition_uuid.empty() &&
      identity.device.empty()) {
    return MakeError(absl::StatusCode::kInvalidArgument, "boot", "no-identity",
                     "The target's root has neither a partition UUID nor a file system UUID by "
                     "which it can be found.");
  }
  const RootReplacement replacement = ReplacementFor(identity);
  TRIDENT_ASSIGN_OR_RETURN(const std::vector<BootConfigFile> configs,
                           FindBootConfigFiles(files, loader, esp, root));
  std::vector<Change> changes;
  size_t roots = 0;
  for (const BootConfigFile& file : configs) {
    absl::StatusOr<std::string> old_text = files.Read(file.path);
    if (!old_text.ok()) return Annotate(old_text.status(), absl::StrCat("Reading ", file.name));
    std::string new_text;
    switch (file.kind) {
      case Kind::kGrubStub:
      case Kind::kGrubConfig: {
        absl::StatusOr<RewrittenGrubConfig> config = RewriteGrubConfig(*old_text, replacement);
        if (!config.ok()) return Annotate(config.status(), file.name);
        TRIDENT_RETURN_IF_ERROR(CheckNothingToAdd(file, identity));
        if (file.kind == Kind::kGrubStub) {
          TRIDENT_RETURN_IF_ERROR(CheckStub(file, *config, identity));
        }
        roots += config->roots;
        new_text = std::move(config->text);
        break;
      }
      case Kind::kLoaderEntry: {
        absl::StatusOr<RewrittenText> entry = RewriteLoaderEntry(*old_text, replacement);
        if (!entry.ok()) return Annotate(entry.status(), file.name);
        roots += entry->roots;
        if (!file.path.starts_with(esp + "/")) {
          TRIDENT_RETURN_IF_ERROR(CheckNothingToAdd(file, identity));
        }
        new_text = AddToLoaderEntry(entry->text, identity.additions);
        break;
      }
      case Kind::kGrubEnvironment:
        new_text = RewriteEnvironment(*old_text, replacement);
        break;
      case Kind::kKernelCommandLine:
        new_text = RewriteCommandLineFile(*old_text, replacement).text;
        break;
      case Kind::kGrubDefaults:
        new_text = RewriteGrubDefaults(*old_text, replacement).text;
        break;
    }
    changes.push_back(Change{file, *std::move(old_text), std::move(new_text)});
  }
  if (roots == 0) {
    std::vector<std::string> names;
    names.reserve(configs.size());
    for (const BootConfigFile& file : configs) names.push_back(file.name);
    return Refuse("no-root-parameter",
                  absl::StrFormat("No kernel of the target gets root= from %s (%s): it would find "
                                  "its root by something that volumes A and B share.",
                                  LoaderKindName(loader.kind), absl::StrJoin(names, ", ")),
                  "Add root= to the kernel's command line in the image; its value is replaced.");
  }
  return changes;
}

// Where `path` of a configuration is: on the ESP, below the root, or in a /boot of its own.
std::optional<std::string> PlaceOf(const Files& files, const std::string& esp,
                                   const std::string& root, const std::string& path) {
  if (auto found = FindIgnoringCase(files, esp, path)) return found;
  for (const std::string& place : {path, absl::StrCat("/boot", path)}) {
    absl::StatusOr<std::string> resolved = ResolveBelow(files, root, place);
    if (resolved.ok() && files.Exists(*resolved) && !files.IsDirectory(*resolved)) {
      return *std::move(resolved);
    }
  }
  return std::nullopt;
}

// "initrd /initrd.img $tuned_initrd": GRUB with blscfg.
std::string FirstWord(std::string_view text) { return std::string(text.substr(0, text.find(' '))); }

struct NamedFile {
  std::string what;  // "kernel"
  std::string path;
};

absl::StatusOr<std::vector<NamedFile>> NamedFiles(const Change& change) {
  std::vector<NamedFile> named;
  if (change.file.kind == Kind::kGrubStub || change.file.kind == Kind::kGrubConfig) {
    TRIDENT_ASSIGN_OR_RETURN(const GrubContents contents, ReadGrubConfig(change.old_text));
    for (const GrubKernel& kernel : contents.kernels) {
      if (!kernel.path.empty()) named.push_back({"kernel", kernel.path});
    }
    for (const std::string& path : contents.initrds) named.push_back({"initrd", path});
    for (const std::string& path : contents.config_files) named.push_back({"configuration", path});
  } else if (change.file.kind == Kind::kLoaderEntry) {
    const LoaderEntry entry = ReadLoaderEntry(change.old_text);
    if (!entry.linux_path.empty()) named.push_back({"kernel", entry.linux_path});
    if (!entry.efi_path.empty()) named.push_back({"program", entry.efi_path});
    for (const std::string& path : entry.initrds) {
      named.push_back({"initrd", FirstWord(path)});
    }
  }
  return named;
}

}  // namespace

absl::Status RewriteRootIdentity(Files& files, const Loader& loader, const std::string& esp,
                                 const std::string& root, const RootIdentity& identity) {
  TRIDENT_ASSIGN_OR_RETURN(const std::vector<Change> changes,
                           PlanChanges(files, loader, esp, root, identity));
  for (const Change& change : changes) {
    if (change.new_text == change.old_text) continue;
    if (absl::Status status = files.Write(change.file.path, change.new_text, 0); !status.ok()) {
      return Annotate(status,
                      absl::StrFormat("Making %s name this volume alone", change.file.name));
    }
  }
  TRIDENT_RETURN_IF_ERROR(files.SyncFileSystem(esp));
  return files.SyncFileSystem(root);
}

absl::Status CheckBootFiles(const Files& files, const Loader& loader, const std::string& esp,
                            const std::string& root, const RootIdentity& identity) {
  const std::string loader_path = absl::StrReplaceAll(loader.file, {{"\\", "/"}});
  if (!FindIgnoringCase(files, esp, loader_path).has_value()) {
    return Refuse("boot-file-missing",
                  absl::StrFormat("The boot entry names %s, but the ESP at %s has no such file.",
                                  loader.file, esp));
  }
  TRIDENT_ASSIGN_OR_RETURN(const std::vector<Change> changes,
                           PlanChanges(files, loader, esp, root, identity));
  for (const Change& change : changes) {
    if (change.new_text != change.old_text) {
      return Refuse("found-by-shared-name",
                    absl::StrFormat("%s still finds the root by what volumes A and B share.",
                                    change.file.name));
    }
    TRIDENT_ASSIGN_OR_RETURN(const std::vector<NamedFile> named, NamedFiles(change));
    for (const NamedFile& file : named) {
      if (PlaceOf(files, esp, root, file.path).has_value()) continue;
      return Refuse("boot-file-missing",
                    absl::StrFormat("%s names the %s %s, which is not there.", change.file.name,
                                    file.what, file.path),
                    "Correct the image: the target would not start.");
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<KernelToStart> DefaultKernel(const Files& files, const Loader& loader,
                                            const std::string& esp, const std::string& root) {
  std::optional<KernelToStart> kernel;
  if (loader.kind == LoaderKind::kSystemdBoot) {
    std::string path = absl::StrCat(esp, "/", loader.entry);
    if (loader.entry.empty()) {
      TRIDENT_ASSIGN_OR_RETURN(path, FindDefaultEntry(files, esp));
    }
    TRIDENT_ASSIGN_OR_RETURN(const std::string text, files.Read(path));
    LoaderEntry entry = ReadLoaderEntry(text);
    for (std::string& initrd : entry.initrds) initrd = FirstWord(initrd);
    kernel = KernelToStart{entry.linux_path, entry.initrds, entry.options};
  } else {
    TRIDENT_ASSIGN_OR_RETURN(const std::vector<BootConfigFile> configs,
                             FindBootConfigFiles(files, loader, esp, root));
    for (const BootConfigFile& file : configs) {
      if (file.kind != Kind::kGrubStub && file.kind != Kind::kGrubConfig) continue;
      TRIDENT_ASSIGN_OR_RETURN(const std::string text, files.Read(file.path));
      TRIDENT_ASSIGN_OR_RETURN(const GrubContents contents, ReadGrubConfig(text));
      if (contents.kernels.empty() || !contents.starts_first) continue;
      const GrubKernel& first = contents.kernels.front();
      kernel = KernelToStart{first.path, first.initrds, first.command_line};
      break;
    }
  }
  const auto unknown = [](const std::string& text) {
    return text.empty() || text.find('$') != std::string::npos;
  };
  if (!kernel || unknown(kernel->kernel) || kernel->command_line.find('$') != std::string::npos) {
    return Refuse("kernel-unknown",
                  absl::StrFormat("Which kernel %s would start, and how, cannot be told from its "
                                  "configuration alone.",
                                  LoaderKindName(loader.kind)),
                  "Let the document say management.transition: firmware.");
  }
  std::vector<std::string*> paths = {&kernel->kernel};
  for (std::string& initrd : kernel->initrds) paths.push_back(&initrd);
  for (std::string* path : paths) {
    auto found = PlaceOf(files, esp, root, *path);
    if (!found) {
      return Refuse("boot-file-missing", absl::StrFormat("%s of the target is not there.", *path),
                    "Correct the image: the target would not start.");
    }
    *path = *std::move(found);
  }
  return *std::move(kernel);
}

absl::StatusOr<std::vector<std::string>> KernelCommandLines(const Files& files,
                                                            const Loader& loader,
                                                            const std::string& esp,
                                                            const std::string& root) {
  TRIDENT_ASSIGN_OR_RETURN(const std::vector<BootConfigFile> configs,
                           FindBootConfigFiles(files, loader, esp, root));
  std::vector<std::string> lines;
  const auto add = [&](const std::string& line) {
    if (std::find(lines.begin(), lines.end(), line) == lines.end()) lines.push_back(line);
  };
  for (const BootConfigFile& file : configs) {
    const bool grub = file.kind == Kind::kGrubStub || file.kind == Kind::kGrubConfig;
    if (!grub && file.kind != Kind::kLoaderEntry) continue;
    absl::StatusOr<std::string> text = files.Read(file.path);
    if (!text.ok()) return Annotate(text.status(), absl::StrCat("Reading ", file.name));
    if (grub) {
      absl::StatusOr<GrubContents> contents = ReadGrubConfig(*text);
      if (!contents.ok()) return Annotate(contents.status(), file.name);
      for (const GrubKernel& kernel : contents->kernels) add(kernel.command_line);
    } else if (const LoaderEntry entry = ReadLoaderEntry(*text); !entry.linux_path.empty()) {
      add(entry.options);
    }
  }
  return lines;
}

}  // namespace trident
