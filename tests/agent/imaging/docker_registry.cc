#include "tests/agent/imaging/docker_registry.h"

#include <curl/curl.h>

#include <catch2/catch.hpp>

#include "tests/agent/imaging/test_images.h"

namespace trident::test {
namespace {

// bcrypt of "secret": the one kind of password file that the registry reads.
constexpr char kPasswords[] = "me:$2b$04$tmq4DyT7uZBPGEFhJAgZFOdnrh4t2rbteXUBDj5s2zwD63iFOqX8K\n";
constexpr char kImageType[] = "application/vnd.oci.image.manifest.v1+json";

struct Answer {
  long status = 0;
  std::string location;
};

size_t OnHeader(char* data, size_t size, size_t count, void* user) {
  const std::string line(data, size * count);
  if (line.starts_with("Location: ")) {
    static_cast<Answer*>(user)->location = line.substr(10, line.find('\r') - 10);
  }
  return size * count;
}

size_t DropBody(char*, size_t size, size_t count, void*) { return size * count; }

Answer Send(const std::string& method, const std::string& url, const std::string& media_type,
            const std::string& body, bool with_password) {
  Answer answer;
  const std::unique_ptr<CURL, void (*)(CURL*)> curl(curl_easy_init(), &curl_easy_cleanup);
  const std::unique_ptr<curl_slist, void (*)(curl_slist*)> headers(
      curl_slist_append(nullptr, ("Content-Type: " + media_type).c_str()), &curl_slist_free_all);
  curl_easy_setopt(curl.get(), CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl.get(), CURLOPT_CUSTOMREQUEST, method.c_str());
  curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDS, body.data());
  curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
  curl_easy_setopt(curl.get(), CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(curl.get(), CURLOPT_HEADERFUNCTION, &OnHeader);
  curl_easy_setopt(curl.get(), CURLOPT_HEADERDATA, &answer);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, &DropBody);
  if (with_password) curl_easy_setopt(curl.get(), CURLOPT_USERPWD, "me:secret");
  REQUIRE(curl_easy_perform(curl.get()) == CURLE_OK);
  curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &answer.status);
  return answer;
}

}  // namespace

DockerRegistry::DockerRegistry(Access access) : port_(FreePort()), access_(access) {
  WriteFile(directory_ / "passwords", kPasswords);
  const std::string auth =
      access == Access::kOpen
          ? ""
          : "auth: {htpasswd: {realm: tests, path: " + (directory_ / "passwords") + "}}\n";
  WriteFile(directory_ / "config.yml",
            "version: 0.1\nlog: {level: warn}\nstorage: {filesystem: "
            "{rootdirectory: " +
                (directory_ / "storage") + "}}\nhttp: {addr: '" + name() + "'}\n" + auth);
  process_ = std::make_unique<ServerProcess>(
      std::vector<std::string>{"/usr/bin/docker-registry", "serve", directory_ / "config.yml"},
      port_, directory_ / "output.log");
}

std::string DockerRegistry::Url(const std::string& path) const {
  return "http://" + name() + "/v2/" + path;
}

std::string DockerRegistry::PushBlob(const std::string& repository,
                                     const std::string& content) const {
  const bool password = access_ == Access::kPassword;
  const std::string digest = "sha256:" + Sha256Hex(content);
  const std::string type = "application/octet-stream";
  const Answer begun = Send("POST", Url(repository + "/blobs/uploads/"), type, "", password);
  REQUIRE(begun.status == 202);
  const char separator = begun.location.find('?') == std::string::npos ? '?' : '&';
  const Answer done =
      Send("PUT", begun.location + separator + "digest=" + digest, type, content, password);
  REQUIRE(done.status == 201);
  return digest;
}

std::string DockerRegistry::PushManifest(const std::string& repository,
                                         const std::string& reference,
                                         const std::string& media_type,
                                         const std::string& json) const {
  const Answer done = Send("PUT", Url(repository + "/manifests/" + reference), media_type, json,
                           access_ == Access::kPassword);
  REQUIRE(done.status == 201);
  return "sha256:" + Sha256Hex(json);
}

std::string DockerRegistry::PushImage(
    const std::string& repository, const std::string& tag,
    const std::vector<std::pair<std::string, std::string>>& layers) const {
  const std::string config = "{}";
  std::string list;
  for (const auto& [title, content] : layers) {
    list += list.empty() ? "" : ",";
    list += R"({"mediaType":"application/vnd.trident.image","digest":")" +
            PushBlob(repository, content) + R"(","size":)" + std::to_string(content.size()) +
            R"(,"annotations":{"org.opencontainers.image.title":")" + title + "\"}}";
  }
  return PushManifest(repository, tag, kImageType,
                      std::string(R"({"schemaVersion":2,"mediaType":")") + kImageType +
                          R"(","config":{"mediaType":"application/vnd.oci.empty.v1+json",)" +
                          R"("digest":")" + PushBlob(repository, config) +
                          R"(","size":2},"layers":[)" + list + "]}");
}

}  // namespace trident::test
