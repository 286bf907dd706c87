// Against a service manager of our own at the other end of a socket.
#include "agent/host/service_manager.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include <atomic>
#include <mutex>
#include <thread>

#include "tests/support/status_matchers.h"
#include "tests/support/temporary_directory.h"

namespace trident {
namespace {

class FakeServiceManager {
 public:
  FakeServiceManager() {
    listener_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    path().copy(address.sun_path, sizeof(address.sun_path) - 1);
    REQUIRE(bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0);
    REQUIRE(listen(listener_, 8) == 0);
    thread_ = std::thread([this] { Serve(); });
  }
  ~FakeServiceManager() {
    shutdown(listener_, SHUT_RDWR);
    thread_.join();
    close(listener_);
  }

  std::string path() const { return directory_ / "bus"; }
  void SetState(const std::string& state) {
    const std::lock_guard lock(mutex_);
    state_ = state;
  }
  std::string calls() const {
    const std::lock_guard lock(mutex_);
    return calls_;
  }

 private:
  void Serve() {
    while (true) {
      const int fd = accept(listener_, nullptr, nullptr);
      if (fd < 0) return;
      sd_bus* bus = nullptr;
      sd_id128_t id = {};
      sd_id128_randomize(&id);
      sd_bus_new(&bus);
      sd_bus_set_fd(bus, fd, fd);
      sd_bus_set_server(bus, 1, id);
      sd_bus_set_anonymous(bus, 1);
      sd_bus_add_filter(bus, nullptr, &FakeServiceManager::Answer, this);
      sd_bus_start(bus);
      while (true) {
        const int result = sd_bus_process(bus, nullptr);
        if (result < 0) break;
        if (result == 0 && sd_bus_wait(bus, UINT64_MAX) < 0) break;
      }
      sd_bus_flush_close_unref(bus);
    }
  }

  static int Answer(sd_bus_message* call, void* self, sd_bus_error*) {
    return static_cast<FakeServiceManager*>(self)->OnCall(call);
  }

  int OnCall(sd_bus_message* call) {
    const std::lock_guard lock(mutex_);
    if (sd_bus_message_is_method_call(call, "org.freedesktop.systemd1.Manager", "LoadUnit") > 0) {
      const char* unit = nullptr;
      sd_bus_message_read(call, "s", &unit);
      calls_ += std::string("LoadUnit ") + unit + "\n";
      return sd_bus_reply_method_return(call, "o", "/org/freedesktop/systemd1/unit/one");
    }
    if (sd_bus_message_is_method_call(call, "org.freedesktop.DBus.Properties", "Get") > 0) {
      return sd_bus_reply_method_return(call, "v", "s", state_.c_str());
    }
    if (sd_bus_message_is_method_call(call, "org.freedesktop.systemd1.Manager", "StartUnit") > 0) {
      const char* unit = nullptr;
      const char* mode = nullptr;
      sd_bus_message_read(call, "ss", &unit, &mode);
      calls_ += std::string("StartUnit ") + unit + " " + mode + "\n";
      if (std::string(unit) == "no.target") {
        return sd_bus_reply_method_errorf(call, "org.freedesktop.systemd1.NoSuchUnit",
                                          "Unit no.target not found.");
      }
      return sd_bus_reply_method_return(call, "o", "/org/freedesktop/systemd1/job/7");
    }
    return 0;
  }

  const test::TemporaryDirectory directory_;
  int listener_ = -1;
  mutable std::mutex mutex_;
  std::string state_ = "inactive";
  std::string calls_;
  std::thread thread_;
};

TEST_CASE("the state of a unit is asked for by name") {
  FakeServiceManager service;
  const ServiceManager manager({"unix:path=" + service.path()});
  REQUIRE(*manager.ActiveState("multi-user.target") == "inactive");
  service.SetState("active");
  REQUIRE(*manager.ActiveState("multi-user.target") == "active");
  REQUIRE(service.calls() == "LoadUnit multi-user.target\nLoadUnit multi-user.target\n");
}

TEST_CASE("a unit is started in the mode asked for, and one that is not there is NOT_FOUND") {
  FakeServiceManager service;
  // The first address does not answer: the second is taken.
  const ServiceManager manager(
      {"unix:path=" + service.path() + ".none", "unix:path=" + service.path()});
  REQUIRE_OK(manager.StartUnit("reboot.target", "replace-irreversibly"));
  REQUIRE(service.calls() == "StartUnit reboot.target replace-irreversibly\n");
  REQUIRE_ERROR(manager.StartUnit("no.target", "replace"), absl::StatusCode::kNotFound,
                "no.target not found");
}

TEST_CASE("without a service manager the answer is UNAVAILABLE") {
  const test::TemporaryDirectory directory;
  const ServiceManager manager({"unix:path=" + (directory / "none")});
  REQUIRE_ERROR(manager.ActiveState("multi-user.target"), absl::StatusCode::kUnavailable,
                "multi-user.target");
  REQUIRE_ERROR(manager.StartUnit("reboot.target", "replace"), absl::StatusCode::kUnavailable,
                "reboot.target");
}

}  // namespace
}  // namespace trident
