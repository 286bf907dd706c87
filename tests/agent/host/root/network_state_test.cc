// What the kernel knows of the network: in two namespaces that a virtual cable connects.
#include "agent/host/network_state.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "agent/host/cancellation.h"
#include "agent/host/command_runner.h"
#include "agent/host/file_descriptor.h"
#include "tests/support/status_matchers.h"

namespace trident {
namespace {

using std::chrono::milliseconds;

sockaddr_in AddressOf(const char* text, uint16_t port) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  REQUIRE(inet_pton(AF_INET, text, &address.sin_addr) == 1);
  return address;
}

// This host (192.0.2.5 on "here") and another one (192.0.2.1 on "there"), its gateway.
class Cable {
 public:
  Cable() {
    REQUIRE(unshare(CLONE_NEWNET) == 0);
    other_ = FileDescriptor(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
    REQUIRE(unshare(CLONE_NEWNET) == 0);
    here_ = FileDescriptor(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
    Ip({"link", "add", "here", "type", "veth", "peer", "name", "there", "netns",
        "/proc/" + std::to_string(getpid()) + "/fd/" + std::to_string(other_.get())});
    Ip({"address", "add", "192.0.2.5/24", "dev", "here"});
    Ip({"link", "set", "here", "up"});
    Ip({"link", "set", "lo", "up"});
    There([this] {
      Ip({"address", "add", "192.0.2.1/24", "dev", "there"});
      Ip({"link", "set", "there", "up"});
    });
    Ip({"route", "add", "default", "via", "192.0.2.1"});
  }

  // Runs it as the other host.
  void There(const std::function<void()>& function) {
    REQUIRE(setns(other_.get(), CLONE_NEWNET) == 0);
    function();
    REQUIRE(setns(here_.get(), CLONE_NEWNET) == 0);
  }
  void Ip(std::vector<std::string> arguments) {
    Command command;
    command.argv = std::move(arguments);
    command.argv.insert(command.argv.begin(), "ip");
    REQUIRE_OK(commands_->RunChecked(command));
  }

 private:
  std::unique_ptr<CommandRunner> commands_ = MakeLinuxCommandRunner();
  FileDescriptor other_;
  FileDescriptor here_;
};

// Asks again until it is so, at most half a minute.
bool Becomes(const std::function<bool()>& so) {
  const Cancellation never;
  for (int i = 0; i < 300; ++i) {
    if (so()) return true;
    never.WaitFor(milliseconds(100));
  }
  return false;
}

// Namespaces belong to threads: the test's own does not change.
void InItsOwnThread(const std::function<void()>& test) {
  std::exception_ptr failure;
  std::thread([&] {
    try {
      test();
    } catch (...) {
      failure = std::current_exception();
    }
  }).join();
  if (failure) std::rethrow_exception(failure);
}

}  // namespace

TEST_CASE("default routes, gateways and connections are seen as they are, and when they are cut") {
  InItsOwnThread([] {
    Cable cable;
    const auto network = MakeLinuxNetworkState();
    const auto routes = network->DefaultRoutes();
    REQUIRE_OK(routes);
    REQUIRE(*routes == std::vector<DefaultRoute>{{AddressFamily::kIpv4, "here", "192.0.2.1"}});
    // Nobody has talked to the gateway yet: it is asked, and answers.
    CHECK(Becomes([&] {
      return network->GatewayAnswered(routes->front(), std::chrono::minutes(1)).value_or(false);
    }));
    CHECK_FALSE(*network->GatewayAnswered({AddressFamily::kIpv4, "here", "192.0.2.99"},
                                          std::chrono::minutes(1)));
    CHECK(*network->GatewayAnswered({AddressFamily::kIpv4, "here", ""}, milliseconds(1)));

    // A connection from the other host, and two that are none: from here to there, and to itself.
    const FileDescriptor listener(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const sockaddr_in own = AddressOf("0.0.0.0", 2222);
    REQUIRE(bind(listener.get(), reinterpret_cast<const sockaddr*>(&own), sizeof(own)) == 0);
    REQUIRE(listen(listener.get(), 5) == 0);
    FileDescriptor client;
    FileDescriptor foreign;
    cable.There([&] {
      client = FileDescriptor(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
      const sockaddr_in here = AddressOf("192.0.2.5", 2222);
      REQUIRE(connect(client.get(), reinterpret_cast<const sockaddr*>(&here), sizeof(here)) == 0);
      foreign = FileDescriptor(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
      const sockaddr_in there = AddressOf("192.0.2.1", 3333);
      REQUIRE(bind(foreign.get(), reinterpret_cast<const sockaddr*>(&there), sizeof(there)) == 0);
      REQUIRE(listen(foreign.get(), 5) == 0);
    });
    const FileDescriptor accepted(accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    REQUIRE(accepted.valid());
    const FileDescriptor outbound(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const sockaddr_in there = AddressOf("192.0.2.1", 3333);
    REQUIRE(connect(outbound.get(), reinterpret_cast<const sockaddr*>(&there), sizeof(there)) == 0);
    const FileDescriptor itself(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const sockaddr_in here = AddressOf("192.0.2.5", 2222);
    REQUIRE(connect(itself.get(), reinterpret_cast<const sockaddr*>(&here), sizeof(here)) == 0);

    auto inbound = network->InboundConnections();
    REQUIRE_OK(inbound);
    REQUIRE(inbound->size() == 1);
    CHECK(inbound->front().local == "192.0.2.5:2222");
    CHECK_THAT(inbound->front().peer, Catch::StartsWith("192.0.2.1:"));
    CHECK_FALSE(inbound->front().stuck);
    // What is sent is acknowledged.
    REQUIRE(send(accepted.get(), "x", 1, MSG_NOSIGNAL) == 1);
    CHECK(Becomes([&] {
      const auto now = network->InboundConnections();
      return now.ok() && now->size() == 1 && now->front().silence < std::chrono::seconds(2);
    }));

    // The other host is cut off, though the link here stays up.
    cable.There([&] { cable.Ip({"address", "flush", "dev", "there"}); });
    REQUIRE(send(accepted.get(), "y", 1, MSG_NOSIGNAL) == 1);
    CHECK(Becomes([&] {
      const auto now = network->InboundConnections();
      return now.ok() && now->size() == 1 && now->front().stuck;
    }));
    // It does not answer any more, however long ago it did.
    CHECK(Becomes([&] {
      network->GatewayAnswered(routes->front(), milliseconds(500)).IgnoreError();
      return !network->GatewayAnswered(routes->front(), std::chrono::minutes(1)).value_or(true);
    }));

    // The cable is drawn: the route is still in the table, but leads nowhere.
    cable.There([&] { cable.Ip({"link", "set", "there", "down"}); });
    CHECK(Becomes([&] {
      const auto now = network->DefaultRoutes();
      return now.ok() && now->empty();
    }));
  });
}

}  // namespace trident
