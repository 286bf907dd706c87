// A thread with namespaces and a root of its own is the container, this process its host.
#include "agent/host/host_namespaces.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "common/base/error.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_directory.h"

namespace trident {
namespace {

namespace fs = std::filesystem;

std::string Namespace(const char* name) {
  return fs::read_symlink(std::string("/proc/thread-self/ns/") + name).string();
}

std::string HostName() {
  std::array<char, 256> name = {};
  REQUIRE(gethostname(name.data(), name.size() - 1) == 0);
  return name.data();
}

class Container {
 public:
  // Where in the host the things of the test are.
  const std::string& shared() const { return shared_; }
  ContainerView view() const {
    return {.host_root = "/host",
            .first_process = "/proc/" + std::to_string(getpid()),
            .firmware_variables = shared_ + "/variables"};
  }

  // `prepare` sees the container's root before it is entered; `inside` runs in it.
  void Run(const std::function<void(const std::string& root)>& prepare,
           const std::function<void()>& inside) {
    std::exception_ptr failed;
    std::thread([&] {
      try {
        Enter(prepare);
        inside();
      } catch (...) {
        failed = std::current_exception();
      }
    }).join();
    unsetenv(kContainerMark);
    if (failed) std::rethrow_exception(failed);
  }

 private:
  void Enter(const std::function<void(const std::string& root)>& prepare) {
    const std::string root = folder_.path() + "/root";
    fs::create_directories(root);
    REQUIRE(unshare(CLONE_FS | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWUTS | CLONE_NEWIPC) == 0);
    REQUIRE(mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0);
    REQUIRE(mount("container", root.c_str(), "tmpfs", 0, nullptr) == 0);
    fs::create_directories(root + "/host");
    fs::create_directories(root + "/proc");
    REQUIRE(mount("/", (root + "/host").c_str(), nullptr, MS_BIND | MS_REC, nullptr) == 0);
    REQUIRE(mount("/proc", (root + "/proc").c_str(), nullptr, MS_BIND | MS_REC, nullptr) == 0);
    REQUIRE(sethostname("container", 9) == 0);
    prepare(root);
    REQUIRE(chroot(root.c_str()) == 0);
    REQUIRE(chdir("/") == 0);
  }

  test::TemporaryDirectory folder_;
  std::string shared_ = folder_.path() + "/shared";
};

absl::Status NoRestart() {
  FAIL_CHECK("it was started once more");
  return absl::OkStatus();
}

TEST_CASE("in a container the agent goes to its host, where it sees what the host sees") {
  const std::string name = HostName();
  Container container;
  fs::create_directories(container.shared());
  std::ofstream(container.shared() + "/file") << "of the host";
  container.Run(
      [&](const std::string& root) {
        // At the same path, as the command line of docs/agent.md mounts it.
        fs::create_directories(root + container.shared());
        REQUIRE(mount(container.shared().c_str(), (root + container.shared()).c_str(), nullptr,
                      MS_BIND, nullptr) == 0);
        setenv(kContainerMark, "true", 1);
      },
      [&] {
        REQUIRE(HostName() == "container");
        REQUIRE_OK(EnterHostOfContainer({container.shared() + "/file", "/nowhere/in/it"}, NoRestart,
                                        container.view()));
        CHECK(HostName() == name);
        CHECK(fs::exists(container.shared() + "/file"));
        for (const char* each : {"mnt", "net", "uts", "ipc"}) {
          const std::string host = "/proc/" + std::to_string(getpid()) + "/ns/" + each;
          CHECK(Namespace(each) == fs::read_symlink(host).string());
        }
        CHECK(getenv(kContainerMark) == nullptr);
      });
}

TEST_CASE("the firmware's variables are mounted before what looks for them is loaded again") {
  Container container;
  const std::string variables = container.view().firmware_variables;
  fs::create_directories(variables);
  std::ofstream(variables + "/BootOrder") << "of the host";
  container.Run(
      [&](const std::string& root) {
        fs::create_directories(root + variables);
        setenv(kContainerMark, "true", 1);
      },
      [&] {
        int restarts = 0;
        REQUIRE_OK(EnterHostOfContainer(
            {},
            [&] {
              ++restarts;
              CHECK(fs::exists(variables + "/BootOrder"));
              CHECK(HostName() == "container");
              // The fresh process finds them mounted.
              return EnterHostOfContainer({}, NoRestart, container.view());
            },
            container.view()));
        CHECK(restarts == 1);
      });
}

TEST_CASE("without the mark it stays where it is") {
  Container container;
  container.Run([](const std::string&) {},
                [&] {
                  REQUIRE_OK(EnterHostOfContainer({"/etc/passwd"}, NoRestart, container.view()));
                  CHECK(HostName() == "container");
                });
}

TEST_CASE("a container that was started in another way is refused with the way to start it") {
  struct Case {
    const char* name;
    std::function<void(const std::string& root)> prepare;
    std::vector<std::string> files;
    const char* says;
  };
  const std::vector<Case> cases = {
      {"the host's root is not mounted",
       [](const std::string& root) {
         REQUIRE(umount2((root + "/host").c_str(), MNT_DETACH) == 0);
         fs::remove(root + "/host");
       },
       {},
       "not mounted at /host"},
      {"another folder is mounted",
       [](const std::string& root) {
         REQUIRE(umount2((root + "/host").c_str(), MNT_DETACH) == 0);
         REQUIRE(mount("/tmp", (root + "/host").c_str(), nullptr, MS_BIND, nullptr) == 0);
       },
       {},
       "/host is not the root of process 1"},
      {"process 1 cannot be looked at",
       [](const std::string& root) { REQUIRE(umount2((root + "/proc").c_str(), MNT_DETACH) == 0); },
       {},
       "may not look at process 1"},
      {"the configuration is another one than the host's",
       [](const std::string& root) { fs::create_directories(root + "/etc"); },
       {"/etc/passwd"},
       "/etc of the container is not /etc of the host"},
  };
  for (const Case& each : cases) {
    DYNAMIC_SECTION(each.name) {
      Container container;
      container.Run(
          [&](const std::string& root) {
            each.prepare(root);
            setenv(kContainerMark, "", 1);
          },
          [&] {
            const absl::Status status =
                EnterHostOfContainer(each.files, NoRestart, container.view());
            CHECK(status.code() == absl::StatusCode::kFailedPrecondition);
            CHECK_THAT(std::string(status.message()), Catch::Contains(each.says));
            CHECK_FALSE(GetErrorDetail(status).remedy.empty());
            CHECK(HostName() == "container");
          });
    }
  }
}

}  // namespace
}  // namespace trident
