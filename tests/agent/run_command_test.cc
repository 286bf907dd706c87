#include <catch2/catch.hpp>
#include <string>

#include "agent/commands.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_directory.h"

namespace trident::test {
namespace {

TEST_CASE("the Host Status is written also when what is configured is refused") {
  struct Case {
    const char* name;
    const char* configuration;
    const char* error;
  };
  const Case cases[] = {
      {"a kickstart with an error", "kickstart: 'netwrok --device=eth0'\n", "netwrok"},
      {"a Host Configuration that is not there", "hostConfigurationFile: /not/there.yaml\n",
       "/not/there.yaml"},
  };
  for (const Case& test : cases) {
    DYNAMIC_SECTION(test.name) {
      const TemporaryDirectory folder;
      AgentOptions options;
      options.config_path = folder / "config.yaml";
      options.socket_path = folder / "nobody-serves.sock";
      options.datastore_path = folder / "none-yet.sqlite";
      options.status_path = folder / "status.yaml";
      WriteFile(options.config_path, test.configuration);
      const absl::Status status = RunCommand(options);
      CHECK_FALSE(status.ok());
      CHECK_THAT(std::string(status.message()), Catch::Matchers::Contains(test.error));
      CHECK_THAT(ReadFile(*options.status_path), Catch::Matchers::Contains("reconcileState: "));
    }
  }
}

}  // namespace
}  // namespace trident::test
