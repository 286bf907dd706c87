#include "agent/undo/undo_journal.h"

#include <sys/stat.h>
#include <unistd.h>

#include "agent/host/fake/fake_command_runner.h"
#include "agent/host/fake/fake_files.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_directory.h"

namespace trident {
namespace {

constexpr char kFolder[] = "/var/lib/trident/undo";

struct World {
  FakeFiles files;
  FakeCommandRunner commands;

  World() {
    files.SetDirectory("/var/lib/trident");
    commands.OnOutput({"systemctl"}, "");
  }
  UndoJournal Journal() { return {files, commands, kFolder}; }
};

}  // namespace

TEST_CASE("what was changed, made and removed is as before when it is undone") {
  World world;
  world.files.SetFile("/etc/a", "old", 0640);
  world.files.SetLink("/etc/l", "one");
  world.files.SetFile("/etc/gone", "still needed");
  UndoJournal journal = world.Journal();
  REQUIRE_OK(journal.Begin("job", "boot-1", "/dev/vda2"));
  for (const char* path : {"/etc/a", "/etc/l", "/etc/gone", "/etc/new", "/srv"}) {
    REQUIRE_OK(journal.SaveFile(path));
  }
  REQUIRE_OK(world.files.Write("/etc/a", "new", 0600));
  REQUIRE_OK(world.files.MakeLink("two", "/etc/l"));
  REQUIRE_OK(world.files.Remove("/etc/gone"));
  REQUIRE_OK(world.files.Write("/etc/new", "new", 0644));
  REQUIRE_OK(world.files.MakeDirectories("/srv/deep/folder", 0755));
  REQUIRE_OK(world.files.Write("/srv/deep/folder/f", "", 0644));

  REQUIRE_OK(journal.Undo("/dev/vda2"));
  CHECK(world.files.Get("/etc/a") == "old");
  CHECK(world.files.ModeOf("/etc/a") == 0640);
  CHECK(*world.files.ReadLink("/etc/l") == "one");
  CHECK(world.files.Get("/etc/gone") == "still needed");
  CHECK_FALSE(world.files.Exists("/etc/new"));
  CHECK_FALSE(world.files.Exists("/srv"));
  CHECK_FALSE(world.files.Exists(kFolder));
}

TEST_CASE("undoing goes backwards") {
  World world;
  world.files.SetFile("/etc/a", "old");
  UndoJournal journal = world.Journal();
  REQUIRE_OK(journal.Begin("job", "boot-1", "/dev/vda2"));
  REQUIRE_OK(journal.SaveCommand({"systemctl", "reload", "server"}));
  REQUIRE_OK(journal.SaveFile("/etc/a"));
  REQUIRE_OK(journal.SaveCommand({"systemctl", "stop", "x"}));
  REQUIRE_OK(world.files.Write("/etc/a", "new", 0644));
  world.commands.On({"systemctl", "stop"}, [&](const Command&) {
    CHECK(world.files.Get("/etc/a") == "new");
    return CommandResult{};
  });
  world.commands.On({"systemctl", "reload"}, [&](const Command&) {
    CHECK(world.files.Get("/etc/a") == "old");
    return CommandResult{};
  });
  REQUIRE_OK(journal.Undo("/dev/vda2"));
  CHECK(world.commands.command_lines() ==
        std::vector<std::string>{"systemctl stop x", "systemctl reload server"});
}

TEST_CASE("after a restart the first state counts, and the journal can still undo") {
  World world;
  world.files.SetFile("/etc/a", "first");
  {
    UndoJournal journal = world.Journal();
    REQUIRE_OK(journal.Begin("job", "boot-1", "/dev/vda2"));
    REQUIRE_OK(journal.SaveFile("/etc/a"));
    REQUIRE_OK(journal.SaveCommand({"systemctl", "stop", "x"}));
    REQUIRE_OK(world.files.Write("/etc/a", "second", 0644));
  }
  {
    // The step runs again.
    UndoJournal journal = world.Journal();
    REQUIRE_OK(journal.Begin("job", "boot-2", "/dev/vda2"));
    REQUIRE_OK(journal.SaveFile("/etc/a"));
    REQUIRE_OK(journal.SaveCommand({"systemctl", "stop", "x"}));
    REQUIRE_OK(journal.SaveFile("/etc/b"));
  }
  UndoJournal journal = world.Journal();
  CHECK(*journal.BootId() == "boot-1");
  REQUIRE_OK(journal.Undo("/dev/vda2"));
  CHECK(world.files.Get("/etc/a") == "first");
  CHECK(world.commands.commands().size() == 1);
  CHECK(journal.BootId()->empty());
  REQUIRE_OK(journal.Undo("/dev/vda2"));
}

TEST_CASE("nothing is changed that could not be saved") {
  World world;
  world.files.SetFile("/etc/a", "old");
  // Every write of the journal fails once; whatever was saved until then can be undone.
  for (int nth = 1; nth <= 5; ++nth) {
    INFO("change " << nth);
    UndoJournal journal = world.Journal();
    world.files.FailChange(nth, absl::DataLossError("bad sector"));
    const absl::Status begun = journal.Begin("job" + std::to_string(nth), "boot-1", "/dev/vda2");
    const absl::Status saved = begun.ok() ? journal.SaveFile("/etc/a") : begun;
    if (saved.ok()) REQUIRE_OK(world.files.Write("/etc/a", "new", 0644));
    REQUIRE_OK(world.Journal().Undo("/dev/vda2"));
    CHECK(world.files.Get("/etc/a") == "old");
  }
}

TEST_CASE("what another job left is not undone by the next one") {
  World world;
  world.files.SetFile("/etc/a", "1");
  UndoJournal first = world.Journal();
  REQUIRE_OK(first.Begin("one", "boot-1", "/dev/vda2"));
  REQUIRE_OK(first.SaveFile("/etc/a"));
  REQUIRE_OK(world.files.Write("/etc/a", "2", 0644));
  UndoJournal second = world.Journal();
  REQUIRE_OK(second.Begin("two", "boot-1", "/dev/vda2"));
  REQUIRE_OK(second.Undo("/dev/vda2"));
  CHECK(world.files.Get("/etc/a") == "2");
}

TEST_CASE("the files of another system are not mistaken for those that were changed") {
  World world;
  world.files.SetFile("/etc/a", "of volume a");
  UndoJournal journal = world.Journal();
  REQUIRE_OK(journal.Begin("job", "boot-1", "/dev/vda2"));
  REQUIRE_OK(journal.SaveFile("/etc/a"));
  // The other volume was booted.
  REQUIRE_OK(world.files.Write("/etc/a", "of volume b", 0644));
  REQUIRE_ERROR(world.Journal().Undo("/dev/vda3"), absl::StatusCode::kFailedPrecondition,
                "the one on /dev/vda3 runs");
  REQUIRE_ERROR(world.Journal().Begin("job", "boot-2", "/dev/vda3"),
                absl::StatusCode::kFailedPrecondition, "/dev/vda2 is being changed");
  CHECK(world.files.Get("/etc/a") == "of volume b");
  CHECK(world.files.Exists(kFolder));
}

TEST_CASE("what cannot be undone is named, the rest is undone, and it may be tried again") {
  World world;
  world.files.SetFile("/etc/a", "old");
  UndoJournal journal = world.Journal();
  REQUIRE_OK(journal.Begin("job", "boot-1", "/dev/vda2"));
  REQUIRE_OK(journal.SaveFile("/etc/a"));
  REQUIRE_OK(journal.SaveCommand({"systemctl", "start", "broken"}));
  REQUIRE_OK(world.files.Write("/etc/a", "new", 0644));
  world.commands.On({"systemctl", "start"}, CommandResult{1, "", "it is broken"});
  REQUIRE_ERROR(journal.Undo("/dev/vda2"), absl::StatusCode::kInternal, "systemctl start broken");
  CHECK(world.files.Get("/etc/a") == "old");
  world.commands.On({"systemctl", "start"}, CommandResult{});
  REQUIRE_OK(world.Journal().Undo("/dev/vda2"));
  CHECK_FALSE(world.files.Exists(kFolder));
}

TEST_CASE("a journal that cannot be read is an error and is kept") {
  World world;
  world.files.SetFile(std::string(kFolder) + "/journal.json", "{\"job\": 1");
  REQUIRE_ERROR(world.Journal().Undo("/dev/vda2"), absl::StatusCode::kDataLoss, "journal.json");
  CHECK(world.files.Exists(kFolder));
}

TEST_CASE("on a real file system owner and mode come back, and the copies are private") {
  const test::TemporaryDirectory directory;
  const auto files = MakeLinuxFiles();
  const auto commands = MakeLinuxCommandRunner();
  const std::string folder = directory / "undo";
  UndoJournal journal(*files, *commands, folder);
  REQUIRE_OK(files->Write(directory / "shadow", "secret", 0640));
  REQUIRE_OK(journal.Begin("job", "boot", "/dev/vda2"));
  REQUIRE_OK(journal.SaveFile(directory / "shadow"));
  REQUIRE_OK(journal.SaveFile(directory / "new"));
  struct stat about = {};
  REQUIRE(stat(folder.c_str(), &about) == 0);
  CHECK((about.st_mode & 07777) == 0700);
  REQUIRE_OK(files->Write(directory / "shadow", "other", 0600));
  REQUIRE_OK(files->MakeDirectories(directory / "new/a/b", 0755));
  REQUIRE(symlink((directory / "shadow").c_str(), (directory / "new/a/link").c_str()) == 0);
  REQUIRE_OK(journal.Undo("/dev/vda2"));
  CHECK(test::ReadFile(directory / "shadow") == "secret");
  CHECK(files->Facts(directory / "shadow")->mode == 0640);
  CHECK(*files->List(directory.path()) == std::vector<std::string>{"shadow"});
}

}  // namespace trident
