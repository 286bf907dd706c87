#include <fcntl.h>
#include <grpcpp/generic/generic_stub.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstring>

#include "agent/host/loopback_socket.h"
#include "agent/host/unix_socket.h"
#include "tests/agent/api/api_fixture.h"
#include "tests/support/status_matchers.h"

namespace trident::test {
namespace {

absl::StatusOr<std::unique_ptr<Server>> Serve(FakeJobManager& jobs, const std::string& path) {
  ServerOptions options;
  options.socket_path = path;
  return StartServer(jobs, std::move(options));
}

grpc::Status AskVersion(const std::string& target) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  const auto stub = pb::HostManagement::NewStub(
      grpc::CreateCustomChannel(target, grpc::InsecureChannelCredentials(), arguments));
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
  pb::GetVersionResponse response;
  return stub->GetVersion(&context, {}, &response);
}

// A listening socket that its owner then forgets, as a dead process leaves it.
void LeaveStaleSocket(const std::string& path) {
  const int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof(address.sun_path) - 1);
  REQUIRE(bind(descriptor, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0);
  REQUIRE(listen(descriptor, 1) == 0);
  close(descriptor);
}

mode_t ModeOf(const std::string& path) {
  struct stat status = {};
  REQUIRE(lstat(path.c_str(), &status) == 0);
  return status.st_mode;
}

// Calls a method of which no generated code is installed; returns the answer's bytes.
std::string CallRaw(const std::shared_ptr<grpc::Channel>& channel, const std::string& method,
                    const std::string& bytes) {
  grpc::GenericStub stub(channel);
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
  grpc::CompletionQueue queue;
  const grpc::Slice slice(bytes);
  grpc::ByteBuffer response;
  grpc::Status status;
  auto call = stub.PrepareUnaryCall(&context, method, grpc::ByteBuffer(&slice, 1), &queue);
  call->StartCall();
  call->Finish(&response, &status, nullptr);
  void* tag = nullptr;
  bool ok = false;
  queue.Next(&tag, &ok);
  INFO(status.error_message());
  REQUIRE(status.ok());
  grpc::Slice answer;
  REQUIRE(response.DumpToSingleSlice(&answer).ok());
  return {reinterpret_cast<const char*>(answer.begin()), answer.size()};
}

}  // namespace

TEST_CASE("only its owner may connect to the socket, and nobody enters a folder made for it") {
  TemporaryDirectory folder;
  FakeJobManager jobs;
  const mode_t old = umask(0);
  const auto server = Serve(jobs, folder / "a/b/trident.sock");
  umask(old);
  REQUIRE_OK(server);
  CHECK(ModeOf(folder / "a/b/trident.sock") == (S_IFSOCK | 0600));
  CHECK(ModeOf(folder / "a/b") == (S_IFDIR | 0700));
  CHECK(AskVersion("unix:" + (folder / "a/b/trident.sock")).ok());
}

TEST_CASE("the socket goes with the server") {
  TemporaryDirectory folder;
  FakeJobManager jobs;
  const std::string path = folder / "trident.sock";
  {
    auto server = Serve(jobs, path);
    REQUIRE_OK(server);
    (*server)->Shutdown();
    (*server)->Shutdown();  // a second time does nothing
    CHECK(access(path.c_str(), F_OK) != 0);
  }
  REQUIRE_OK(Serve(jobs, path));
}

TEST_CASE("a socket that a dead agent left is replaced") {
  TemporaryDirectory folder;
  FakeJobManager jobs;
  const std::string path = folder / "trident.sock";
  LeaveStaleSocket(path);
  const auto server = Serve(jobs, path);
  REQUIRE_OK(server);
  CHECK(AskVersion("unix:" + path).ok());
}

TEST_CASE("another agent's socket is left alone") {
  TemporaryDirectory folder;
  FakeJobManager jobs;
  const std::string path = folder / "trident.sock";
  const auto first = Serve(jobs, path);
  REQUIRE_OK(first);
  REQUIRE_ERROR(Serve(jobs, path), absl::StatusCode::kAlreadyExists, "another agent");
  CHECK(AskVersion("unix:" + path).ok());
}

TEST_CASE("paths that cannot be listened on are named") {
  TemporaryDirectory folder;
  FakeJobManager jobs;
  WriteFile(folder / "file", "precious");
  REQUIRE_ERROR(Serve(jobs, folder / "file"), absl::StatusCode::kAlreadyExists, folder / "file");
  CHECK(ReadFile(folder / "file") == "precious");
  REQUIRE_ERROR(Serve(jobs, folder / std::string(200, 'x')), absl::StatusCode::kInvalidArgument,
                "107 bytes");
  CHECK_FALSE(Serve(jobs, folder / "file/trident.sock").ok());
  REQUIRE_ERROR(StartServer(jobs, {}), absl::StatusCode::kInvalidArgument, "nowhere to listen");
}

TEST_CASE("an inherited socket is served and its name is left alone") {
  TemporaryDirectory folder;
  FakeJobManager jobs;
  const std::string path = folder / "activated.sock";
  const int descriptor = socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof(address.sun_path) - 1);
  REQUIRE(bind(descriptor, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0);
  REQUIRE(listen(descriptor, 16) == 0);
  {
    ServerOptions options;
    options.inherited_socket = descriptor;
    const auto server = StartServer(jobs, std::move(options));
    REQUIRE_OK(server);
    CHECK(AskVersion("unix:" + path).ok());
    CHECK((fcntl(descriptor, F_GETFD) & FD_CLOEXEC) != 0);
  }
  CHECK(ModeOf(path) != 0);
}

TEST_CASE("an inherited descriptor that is no listening unix socket is refused") {
  TemporaryDirectory folder;
  FakeJobManager jobs;
  int pair[2];
  REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
  close(pair[1]);
  const int file = open(folder.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  for (const int descriptor : {pair[0], file}) {
    ServerOptions options;
    options.inherited_socket = descriptor;
    REQUIRE_ERROR(StartServer(jobs, std::move(options)), absl::StatusCode::kInvalidArgument,
                  "not a listening unix");
  }
}

TEST_CASE("who connected is known") {
  int pair[2];
  REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
  const auto peer = GetPeerCredentials(pair[0]);
  REQUIRE_OK(peer);
  CHECK(peer->uid == geteuid());
  CHECK(peer->pid == getpid());
  close(pair[0]);
  close(pair[1]);
  CHECK_FALSE(GetPeerCredentials(pair[0]).ok());
}

TEST_CASE("plaintext TCP is served on loopback when asked for") {
  TemporaryDirectory folder;
  FakeJobManager jobs;
  ServerOptions options;
  options.socket_path = folder / "trident.sock";
  options.insecure_loopback_port = 0;
  auto server = StartServer(jobs, options);
  REQUIRE_OK(server);
  const uint16_t port = (*server)->port();
  REQUIRE(port != 0);
  CHECK(AskVersion("127.0.0.1:" + std::to_string(port)).ok());
  CHECK(AskVersion("unix:" + options.socket_path).ok());

  ServerOptions second;
  second.socket_path = folder / "second.sock";
  second.insecure_loopback_port = port;
  REQUIRE_ERROR(StartServer(jobs, second), absl::StatusCode::kAlreadyExists, std::to_string(port));
  CHECK(access(second.socket_path.c_str(), F_OK) != 0);
  (*server)->Shutdown();
  REQUIRE_OK(StartServer(jobs, second));
}

TEST_CASE("without being asked for there is no TCP") {
  ApiFixture api;
  CHECK(api.server->port() == 0);
}

TEST_CASE("health checking and reflection answer") {
  ApiFixture api;
  // HealthCheckResponse.status SERVING; ServerReflectionRequest.list_services.
  CHECK(CallRaw(api.channel, "/grpc.health.v1.Health/Check", "") == std::string("\x08\x01"));
  CHECK_THAT(CallRaw(api.channel, "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
                     std::string("\x3a\x00", 2)),
             Catch::Matchers::Contains("trident.HostManagement"));
}

}  // namespace trident::test
