// The real files and the fake ones keep the same promises.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <functional>
#include <memory>

#include "agent/host/fake/fake_files.h"
#include "agent/host/files.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_directory.h"

namespace trident {
namespace {

// Some files below a folder `base`, which is there and empty.
struct World {
  std::unique_ptr<test::TemporaryDirectory> directory;
  std::unique_ptr<Files> files;
  std::string base;
  std::function<void(const std::string& path, const std::string& target)> link;
  std::function<uint32_t(const std::string& path)> mode;
  uint32_t owner = 0;  // of what is made
};

World RealWorld() {
  World world;
  world.directory = std::make_unique<test::TemporaryDirectory>();
  world.files = MakeLinuxFiles();
  world.owner = geteuid();
  world.base = *world.files->Canonical(world.directory->path());
  world.link = [](const std::string& path, const std::string& target) {
    REQUIRE(symlink(target.c_str(), path.c_str()) == 0);
  };
  world.mode = [](const std::string& path) -> uint32_t {
    struct stat about = {};
    return stat(path.c_str(), &about) == 0 ? about.st_mode & 07777 : 0;
  };
  return world;
}

World FakeWorld() {
  World world;
  auto files = std::make_unique<FakeFiles>();
  FakeFiles* const raw = files.get();
  raw->SetDirectory("/base");
  world.files = std::move(files);
  world.base = "/base";
  world.link = [raw](const std::string& path, const std::string& target) {
    raw->SetLink(path, target);
  };
  world.mode = [raw](const std::string& path) { return raw->ModeOf(path); };
  return world;
}

struct Case {
  const char* name;
  std::function<void(World&)> run;
};

const Case kCases[] = {
    {"what is written is read back, with its mode",
     [](World& w) {
       REQUIRE_OK(w.files->Write(w.base + "/a", std::string("x\0y", 3), 0640));
       REQUIRE(*w.files->Read(w.base + "/a") == std::string("x\0y", 3));
       REQUIRE(w.mode(w.base + "/a") == 0640);
     }},
    {"a file is replaced as a whole, and mode 0 keeps its mode",
     [](World& w) {
       REQUIRE_OK(w.files->Write(w.base + "/a", "long old content", 0600));
       REQUIRE_OK(w.files->Write(w.base + "/a", "new", 0));
       REQUIRE(*w.files->Read(w.base + "/a") == "new");
       REQUIRE(w.mode(w.base + "/a") == 0600);
       REQUIRE(*w.files->List(w.base) == std::vector<std::string>{"a"});
     }},
    {"mode 0 for a new file is 0644",
     [](World& w) {
       REQUIRE_OK(w.files->Write(w.base + "/a", "", 0));
       REQUIRE(w.mode(w.base + "/a") == 0644);
     }},
    {"writing into a folder that is not there is refused and leaves nothing",
     [](World& w) {
       REQUIRE_ERROR(w.files->Write(w.base + "/no/a", "x", 0644), absl::StatusCode::kNotFound,
                     w.base + "/no/a");
       REQUIRE(w.files->List(w.base)->empty());
     }},
    {"writing over a folder is refused and leaves nothing beside it",
     [](World& w) {
       REQUIRE_OK(w.files->MakeDirectories(w.base + "/d", 0755));
       REQUIRE_FALSE(w.files->Write(w.base + "/d", "x", 0644).ok());
       REQUIRE(*w.files->List(w.base) == std::vector<std::string>{"d"});
     }},
    {"a file that is not there is NOT_FOUND by name",
     [](World& w) {
       REQUIRE_ERROR(w.files->Read(w.base + "/none"), absl::StatusCode::kNotFound, "/none");
     }},
    {"a file at the limit is read and one byte more is not",
     [](World& w) {
       REQUIRE_OK(w.files->Write(w.base + "/a", "12345", 0644));
       REQUIRE_OK(w.files->Read(w.base + "/a", 5));
       REQUIRE_ERROR(w.files->Read(w.base + "/a", 4), absl::StatusCode::kResourceExhausted,
                     "4 bytes");
     }},
    {"the digest of a file is that of what was written",
     [](World& w) {
       REQUIRE_OK(w.files->Write(w.base + "/a", "abc", 0644));
       REQUIRE(*w.files->DigestOnMedium(w.base + "/a") ==
               "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
       REQUIRE(absl::IsNotFound(w.files->DigestOnMedium(w.base + "/none").status()));
     }},
    {"a secret file is read whole, with its mode, owner and size",
     [](World& w) {
       const std::string key("k\0\n", 3);
       REQUIRE_OK(w.files->Write(w.base + "/a", key, 0600));
       const auto file = w.files->ReadSecret(w.base + "/a", 3);
       REQUIRE_OK(file);
       REQUIRE(std::string(file->content.chars(), file->content.size()) == key);
       REQUIRE(file->facts == FileFacts{FileFacts::Type::kRegular, 0600, w.owner, 3});
     }},
    {"a secret file that is empty, too large or not there",
     [](World& w) {
       REQUIRE_OK(w.files->Write(w.base + "/a", "", 0640));
       const auto file = w.files->ReadSecret(w.base + "/a", 10);
       REQUIRE_OK(file);
       REQUIRE(file->content.empty());
       REQUIRE(file->facts.mode == 0640);
       REQUIRE_OK(w.files->Write(w.base + "/a", "12345", 0600));
       REQUIRE_ERROR(w.files->ReadSecret(w.base + "/a", 4), absl::StatusCode::kResourceExhausted,
                     "4 bytes");
       REQUIRE_ERROR(w.files->ReadSecret(w.base + "/no", 4), absl::StatusCode::kNotFound, "/no");
       REQUIRE_ERROR(w.files->ReadSecret("a", 4), absl::StatusCode::kInvalidArgument, "a");
     }},
    {"a secret is not read through a link, nor from a folder",
     [](World& w) {
       REQUIRE_OK(w.files->Write(w.base + "/a", "key", 0600));
       w.link(w.base + "/l", "a");
       const auto link = w.files->ReadSecret(w.base + "/l", 10);
       REQUIRE_OK(link);
       REQUIRE(link->facts.type == FileFacts::Type::kLink);
       REQUIRE(link->content.empty());
       const auto folder = w.files->ReadSecret(w.base, 10);
       REQUIRE_OK(folder);
       REQUIRE(folder->facts.type == FileFacts::Type::kDirectory);
       REQUIRE(folder->content.empty());
     }},
    {"a folder cannot be read as a file",
     [](World& w) { REQUIRE_FALSE(w.files->Read(w.base).ok()); }},
    {"a relative path is refused",
     [](World& w) {
       REQUIRE_ERROR(w.files->Write("a", "x", 0644), absl::StatusCode::kInvalidArgument, "a");
       REQUIRE_ERROR(w.files->Read("a"), absl::StatusCode::kInvalidArgument, "a");
     }},
    {"a copy has the content and the mode asked for",
     [](World& w) {
       REQUIRE_OK(w.files->Write(w.base + "/a", std::string(200000, 'x'), 0600));
       REQUIRE_OK(w.files->Copy(w.base + "/a", w.base + "/b", 0755));
       REQUIRE(*w.files->Read(w.base + "/b") == std::string(200000, 'x'));
       REQUIRE(w.mode(w.base + "/b") == 0755);
       REQUIRE_ERROR(w.files->Copy(w.base + "/none", w.base + "/c", 0755),
                     absl::StatusCode::kNotFound, "/none");
       REQUIRE_FALSE(w.files->Exists(w.base + "/c"));
     }},
    {"a whole copy of a file has its content, mode and owner, and replaces a file or a link",
     [](World& w) {
       REQUIRE_OK(w.files->Write(w.base + "/a", "content", 0640));
       REQUIRE_OK(w.files->ChangeOwner(w.base + "/a", w.owner, w.owner));
       REQUIRE_OK(w.files->Write(w.base + "/b", "old", 0600));
       w.link(w.base + "/l", "b");
       REQUIRE_OK(w.files->CopyWhole(w.base + "/a", w.base + "/c"));
       REQUIRE_OK(w.files->CopyWhole(w.base + "/a", w.base + "/l"));
       REQUIRE(*w.files->Read(w.base + "/b") == "old");
       for (const char* name : {"/c", "/l"}) {
         REQUIRE(*w.files->Read(w.base + name) == "content");
         REQUIRE(*w.files->Facts(w.base + name) ==
                 FileFacts{FileFacts::Type::kRegular, 0640, w.owner, 7, w.owner});
       }
       REQUIRE(*w.files->List(w.base) == std::vector<std::string>{"a", "b", "c", "l"});
     }},
    {"a whole copy of a link is a link, and of a folder the folder alone",
     [](World& w) {
       REQUIRE_OK(w.files->MakeDirectories(w.base + "/d", 0750));
       REQUIRE_OK(w.files->Write(w.base + "/d/f", "", 0644));
       w.link(w.base + "/l", "nowhere");
       REQUIRE_OK(w.files->CopyWhole(w.base + "/l", w.base + "/m"));
       REQUIRE_OK(w.files->CopyWhole(w.base + "/l", w.base + "/m"));
       REQUIRE(*w.files->ReadLink(w.base + "/m") == "nowhere");
       REQUIRE_OK(w.files->CopyWhole(w.base + "/d", w.base + "/e"));
       REQUIRE(w.files->List(w.base + "/e")->empty());
       REQUIRE(w.mode(w.base + "/e") == 0750);
       REQUIRE(*w.files->List(w.base) == std::vector<std::string>{"d", "e", "l", "m"});
     }},
    {"a whole copy of a folder keeps what is in a folder that is there",
     [](World& w) {
       REQUIRE_OK(w.files->MakeDirectories(w.base + "/d", 0700));
       REQUIRE_OK(w.files->MakeDirectories(w.base + "/e", 0755));
       REQUIRE_OK(w.files->Write(w.base + "/e/f", "", 0644));
       REQUIRE_OK(w.files->CopyWhole(w.base + "/d", w.base + "/e"));
       REQUIRE(w.mode(w.base + "/e") == 0700);
       REQUIRE(w.files->Exists(w.base + "/e/f"));
     }},
    {"a whole copy never turns a folder into something else, nor something else into a folder",
     [](World& w) {
       REQUIRE_OK(w.files->MakeDirectories(w.base + "/d", 0700));
       REQUIRE_OK(w.files->Write(w.base + "/f", "x", 0644));
       w.link(w.base + "/l", "d");
       REQUIRE_FALSE(w.files->CopyWhole(w.base + "/f", w.base + "/d").ok());
       REQUIRE_FALSE(w.files->CopyWhole(w.base + "/l", w.base + "/d").ok());
       REQUIRE_FALSE(w.files->CopyWhole(w.base + "/d", w.base + "/f").ok());
       REQUIRE_FALSE(w.files->CopyWhole(w.base + "/d", w.base + "/l").ok());
       REQUIRE_ERROR(w.files->CopyWhole(w.base + "/no", w.base + "/x"), absl::StatusCode::kNotFound,
                     "/no");
       REQUIRE(*w.files->List(w.base) == std::vector<std::string>{"d", "f", "l"});
     }},
    {"what is appended comes last, and makes the file",
     [](World& w) {
       REQUIRE_OK(w.files->Append(w.base + "/a", "1", 0600));
       REQUIRE_OK(w.files->Append(w.base + "/a", "2", 0644));
       REQUIRE(*w.files->Read(w.base + "/a") == "12");
       REQUIRE(w.mode(w.base + "/a") == 0600);
       w.link(w.base + "/l", "a");
       REQUIRE_FALSE(w.files->Append(w.base + "/l", "3", 0600).ok());
       REQUIRE_FALSE(w.files->Append(w.base, "3", 0600).ok());
       REQUIRE_ERROR(w.files->Append(w.base + "/no/a", "3", 0600), absl::StatusCode::kNotFound,
                     "/no/a");
     }},
    {"a link is made, and made anew over a link or a file",
     [](World& w) {
       REQUIRE_OK(w.files->Write(w.base + "/f", "", 0644));
       REQUIRE_OK(w.files->MakeLink("one", w.base + "/l"));
       REQUIRE_OK(w.files->MakeLink("two", w.base + "/l"));
       REQUIRE_OK(w.files->MakeLink("three", w.base + "/f"));
       REQUIRE(*w.files->ReadLink(w.base + "/l") == "two");
       REQUIRE(*w.files->ReadLink(w.base + "/f") == "three");
       REQUIRE(*w.files->List(w.base) == std::vector<std::string>{"f", "l"});
       REQUIRE_FALSE(w.files->MakeLink("x", w.base).ok());
     }},
    {"facts and owner are those of a link itself",
     [](World& w) {
       REQUIRE_OK(w.files->Write(w.base + "/f", "12345", 0604));
       w.link(w.base + "/l", "f");
       REQUIRE(w.files->Facts(w.base + "/f")->mode == 0604);
       REQUIRE(w.files->Facts(w.base + "/f")->size == 5);
       REQUIRE(w.files->Facts(w.base + "/l")->type == FileFacts::Type::kLink);
       REQUIRE(w.files->Facts(w.base)->type == FileFacts::Type::kDirectory);
       REQUIRE_OK(w.files->ChangeOwner(w.base + "/l", w.owner, w.owner));
       REQUIRE_ERROR(w.files->Facts(w.base + "/no"), absl::StatusCode::kNotFound, "/no");
       REQUIRE_ERROR(w.files->ChangeOwner(w.base + "/no", 0, 0), absl::StatusCode::kNotFound,
                     "/no");
     }},
    {"folders are made with their parents, twice is the same as once",
     [](World& w) {
       REQUIRE_OK(w.files->MakeDirectories(w.base + "/x/y/z", 0700));
       REQUIRE_OK(w.files->MakeDirectories(w.base + "/x/y/z", 0755));
       REQUIRE(w.files->IsDirectory(w.base + "/x/y/z"));
       REQUIRE(w.mode(w.base + "/x/y/z") == 0700);
     }},
    {"a folder is not made through a file",
     [](World& w) {
       REQUIRE_OK(w.files->Write(w.base + "/f", "", 0644));
       REQUIRE_FALSE(w.files->MakeDirectories(w.base + "/f/g", 0755).ok());
       REQUIRE_FALSE(w.files->MakeDirectories(w.base + "/f", 0755).ok());
     }},
    {"removing takes a file, an empty folder, a link but not what it points to, and nothing",
     [](World& w) {
       REQUIRE_OK(w.files->Write(w.base + "/f", "", 0644));
       w.link(w.base + "/l", "f");
       REQUIRE_OK(w.files->Remove(w.base + "/l"));
       REQUIRE(w.files->Exists(w.base + "/f"));
       REQUIRE_OK(w.files->Remove(w.base + "/f"));
       REQUIRE_OK(w.files->Remove(w.base + "/f"));
       REQUIRE_OK(w.files->MakeDirectories(w.base + "/d", 0755));
       REQUIRE_OK(w.files->Remove(w.base + "/d"));
       REQUIRE(w.files->List(w.base)->empty());
     }},
    {"a folder that is not empty is not removed",
     [](World& w) {
       REQUIRE_OK(w.files->MakeDirectories(w.base + "/d/e", 0755));
       REQUIRE_FALSE(w.files->Remove(w.base + "/d").ok());
       REQUIRE(w.files->Exists(w.base + "/d/e"));
     }},
    {"names are listed in order",
     [](World& w) {
       for (const char* name : {"c", "a", "b"}) {
         REQUIRE_OK(w.files->Write(w.base + "/" + name, "", 0644));
       }
       REQUIRE(*w.files->List(w.base) == std::vector<std::string>{"a", "b", "c"});
       REQUIRE_ERROR(w.files->List(w.base + "/none"), absl::StatusCode::kNotFound, "none");
     }},
    {"links are followed, read and resolved",
     [](World& w) {
       REQUIRE_OK(w.files->MakeDirectories(w.base + "/d", 0755));
       REQUIRE_OK(w.files->Write(w.base + "/d/f", "content", 0644));
       w.link(w.base + "/l", "d");
       w.link(w.base + "/dangling", "nowhere");
       REQUIRE(*w.files->Read(w.base + "/l/f") == "content");
       REQUIRE(*w.files->ReadLink(w.base + "/l") == "d");
       REQUIRE(*w.files->Canonical(w.base + "/l/../l/./f") == w.base + "/d/f");
       REQUIRE_FALSE(w.files->Exists(w.base + "/dangling"));
       REQUIRE_ERROR(w.files->ReadLink(w.base + "/d"), absl::StatusCode::kInvalidArgument, "/d");
       REQUIRE_ERROR(w.files->ReadLink(w.base + "/no"), absl::StatusCode::kNotFound, "/no");
       REQUIRE_ERROR(w.files->Canonical(w.base + "/no"), absl::StatusCode::kNotFound, "/no");
     }},
    {"writing over a link replaces the link",
     [](World& w) {
       REQUIRE_OK(w.files->Write(w.base + "/f", "old", 0644));
       w.link(w.base + "/l", "f");
       REQUIRE_OK(w.files->Write(w.base + "/l", "new", 0644));
       REQUIRE(*w.files->Read(w.base + "/f") == "old");
       REQUIRE(*w.files->Read(w.base + "/l") == "new");
     }},
    {"room and sync work where there is a file and not elsewhere",
     [](World& w) {
       REQUIRE(w.files->Room(w.base)->size > 0);
       REQUIRE_OK(w.files->SyncFileSystem(w.base));
       REQUIRE_ERROR(w.files->Room(w.base + "/no"), absl::StatusCode::kNotFound, "/no");
       REQUIRE_ERROR(w.files->SyncFileSystem(w.base + "/no"), absl::StatusCode::kNotFound, "/no");
     }},
    {"a path below a root never leaves it",
     [](World& w) {
       const std::string root = w.base + "/root";
       REQUIRE_OK(w.files->MakeDirectories(root + "/real", 0755));
       w.link(root + "/absolute", "/real");
       w.link(root + "/climber", "../../../../real");
       w.link(root + "/chain", "absolute");
       w.link(root + "/real/last", "/real/target");
       w.link(root + "/loop", "loop");
       const auto resolve = [&](const char* path) { return *ResolveBelow(*w.files, root, path); };
       REQUIRE(resolve("/") == root);
       REQUIRE(resolve("/absolute/f") == root + "/real/f");
       REQUIRE(resolve("/climber/f") == root + "/real/f");
       REQUIRE(resolve("/chain/f") == root + "/real/f");
       REQUIRE(resolve("/real/last") == root + "/real/target");
       REQUIRE(resolve("/../../etc/fstab") == root + "/etc/fstab");
       REQUIRE(resolve("/none/../absolute/f") == root + "/real/f");
       REQUIRE_ERROR(ResolveBelow(*w.files, root, "/loop/f"), absl::StatusCode::kInvalidArgument,
                     "too many");
     }},
};

TEST_CASE("files keep their promises") {
  for (const bool real : {true, false}) {
    for (const Case& one : kCases) {
      DYNAMIC_SECTION((real ? "real: " : "fake: ") << one.name) {
        World world = real ? RealWorld() : FakeWorld();
        one.run(world);
      }
    }
  }
}

TEST_CASE("a FIFO is refused instead of waited for") {
  const test::TemporaryDirectory directory;
  REQUIRE(mkfifo((directory / "fifo").c_str(), 0600) == 0);
  REQUIRE_ERROR(MakeLinuxFiles()->Read(directory / "fifo"), absl::StatusCode::kInvalidArgument,
                "fifo");
  const auto secret = MakeLinuxFiles()->ReadSecret(directory / "fifo", 10);
  REQUIRE_OK(secret);
  REQUIRE(secret->facts.type == FileFacts::Type::kOther);
}

TEST_CASE("a whole copy keeps extended attributes and times") {
  const test::TemporaryDirectory directory;
  const auto files = MakeLinuxFiles();
  REQUIRE_OK(files->Write(directory / "a", "x", 0600));
  if (setxattr((directory / "a").c_str(), "user.origin", "site", 4, 0) != 0) {
    // A file system without them (an old tmpfs) keeps nothing that could be lost.
    REQUIRE(errno == ENOTSUP);
  }
  const std::array<timespec, 2> times = {timespec{1'000'000, 0}, timespec{2'000'000, 0}};
  REQUIRE(utimensat(AT_FDCWD, (directory / "a").c_str(), times.data(), 0) == 0);
  REQUIRE_OK(files->CopyWhole(directory / "a", directory / "b"));
  std::array<char, 8> value = {};
  const ssize_t before = getxattr((directory / "a").c_str(), "user.origin", value.data(), 8);
  REQUIRE(getxattr((directory / "b").c_str(), "user.origin", value.data(), 8) == before);
  struct stat about = {};
  REQUIRE(stat((directory / "b").c_str(), &about) == 0);
  REQUIRE(about.st_mtim.tv_sec == 2'000'000);
}

TEST_CASE("what is no file, folder or link is not copied") {
  const test::TemporaryDirectory directory;
  REQUIRE(mkfifo((directory / "fifo").c_str(), 0600) == 0);
  REQUIRE_ERROR(MakeLinuxFiles()->CopyWhole(directory / "fifo", directory / "copy"),
                absl::StatusCode::kInvalidArgument, "fifo");
}

TEST_CASE("fake files fail when they are told to") {
  FakeFiles files;
  files.SetDirectory("/d");
  SECTION("the nth change fails, the next one works") {
    files.FailChange(2, absl::DataLossError("bad sector"));
    REQUIRE_OK(files.Write("/d/a", "1", 0644));
    REQUIRE_ERROR(files.Write("/d/a", "2", 0644), absl::StatusCode::kDataLoss, "bad sector");
    REQUIRE(files.Get("/d/a") == "1");
    REQUIRE_OK(files.Write("/d/a", "3", 0644));
    REQUIRE(files.Get("/d/a") == "3");
    REQUIRE(files.changes() == 3);
  }
  SECTION("all changes from the nth on fail") {
    files.FailChangesFrom(2, absl::DataLossError("gone"));
    REQUIRE_OK(files.Write("/d/a", "1", 0644));
    REQUIRE_FALSE(files.Remove("/d/a").ok());
    REQUIRE_FALSE(files.MakeDirectories("/e", 0755).ok());
    REQUIRE(files.Get("/d/a") == "1");
  }
  SECTION("space runs out") {
    files.SetSpaceLeft(3);
    REQUIRE_OK(files.Write("/d/a", "12", 0644));
    REQUIRE_ERROR(files.Write("/d/b", "34", 0644), absl::StatusCode::kResourceExhausted, "space");
    REQUIRE_FALSE(files.Exists("/d/b"));
  }
}

}  // namespace
}  // namespace trident
