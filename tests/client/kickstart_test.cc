#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "common/config/document.h"
#include "tests/client/client_fixture.h"
#include "tests/support/status_matchers.h"

namespace trident::client::test {

using Catch::Matchers::Contains;
using trident::test::WriteFile;

TEST_CASE("kickstart prints the Host Configuration and needs no agent") {
  ClientFixture client;
  WriteFile(client.folder / "ks.cfg", "part / --grow\n%include more.ks\n");
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"kickstart", client.folder / "ks.cfg"},
        {"kickstart", client.folder / "ks.cfg", "-o", "yaml"}}) {
    client.out.str("");
    client.err.str("");
    CHECK(client.Run(arguments) == 0);
    REQUIRE_OK(ParseHostConfiguration(client.out.str()));
    CHECK_THAT(client.err.str(),
               Catch::StartsWith((client.folder / "ks.cfg") + ":2: warning: %include"));
  }
  CHECK(client.Run({"kickstart", "/nonexistent/ks.cfg"}) == 1);
  CHECK(client.Run({"kickstart"}) == 1);
}

TEST_CASE("kickstart tells all that is wrong with file and line, and exits with 2") {
  ClientFixture client;
  client.in.str("bogus\nrootpw secret\n");
  CHECK(client.Run({"kickstart", "-"}) == 2);
  CHECK(client.out.str().empty());
  CHECK_THAT(client.err.str(), Contains("<kickstart>:1: \"bogus\" is no command") &&
                                   Contains("<kickstart>:2: rootpw: passwords are refused:") &&
                                   !Contains("secret"));
}

TEST_CASE("kickstart has its result and its problems as JSON") {
  ClientFixture client;
  WriteFile(client.folder / "ks.cfg", "rootpw secret\n");
  CHECK(client.Run({"kickstart", client.folder / "ks.cfg", "-o", "json"}) == 2);
  auto json = nlohmann::json::parse(client.out.str());
  CHECK(json.at("hostConfiguration").is_null());
  CHECK(json.at("problems").at(0).at("error").contains("DisallowedCommand"));
  CHECK(client.err.str().empty());

  client.out.str("");
  CHECK(client.Run({"kickstart", client.folder / "ks.cfg", "-o", "json", "--dangerous-options"}) ==
        0);
  json = nlohmann::json::parse(client.out.str());
  REQUIRE_OK(ParseHostConfiguration(json.at("hostConfiguration").get<std::string>()));
  CHECK(json.at("problems").empty());
}

}  // namespace trident::client::test
