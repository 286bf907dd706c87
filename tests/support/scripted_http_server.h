// An HTTP server that does exactly what a test wants, good or bad.
#ifndef TRIDENT_TESTS_SUPPORT_SCRIPTED_HTTP_SERVER_H_
#define TRIDENT_TESTS_SUPPORT_SCRIPTED_HTTP_SERVER_H_

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/loopback.h"

namespace trident::test {

struct HttpAsked {
  std::string method = {};
  std::string path = {};
  std::map<std::string, std::string> headers = {};  // names in lower case
  std::string body = {};

  std::string Header(const std::string& name) const {
    const auto found = headers.find(name);
    return found == headers.end() ? "" : found->second;
  }
};

struct HttpAnswer {
  int status = 200;
  std::vector<std::string> headers = {};
  std::string body = {};
  std::optional<uint64_t> announced = {};  // Content-Length, when it is not the body's
  bool no_length = false;                  // the end of the connection is the end of the body
  // Only so much of the body is sent, then the connection is closed or (stall) kept.
  std::optional<size_t> break_after = {};
  bool stall = false;
};

// A file as a good server serves it; each part can be left out.
struct ServedFile {
  std::string content = {};
  std::string etag = "\"one\"";
  std::string last_modified = {};
  bool ranges = true;
};
// RFC 9110: 206 for a range that If-Range (if any) allows, else 200; 416.
HttpAnswer Serve(const HttpAsked& asked, const ServedFile& file);

class ScriptedHttpServer {
 public:
  // `index`: how many requests came before. Called from the server's threads, one at a time.
  using Script = std::function<HttpAnswer(const HttpAsked& asked, size_t index)>;

  explicit ScriptedHttpServer(Script script);
  ~ScriptedHttpServer();
  ScriptedHttpServer(const ScriptedHttpServer&) = delete;
  ScriptedHttpServer& operator=(const ScriptedHttpServer&) = delete;

  std::string Url(const std::string& path = "/image") const;
  // Everything that was asked so far.
  std::vector<HttpAsked> Requests() const;
  // Waits until there were so many requests; false when that takes more than half a minute.
  bool AwaitRequests(size_t count) const;

 private:
  void Accept();
  void Handle(const Socket& client);

  Script script_;
  uint16_t port_ = 0;
  Socket listener_;
  StopSignal stop_;
  mutable std::mutex mutex_;
  mutable std::condition_variable asked_;
  std::vector<HttpAsked> requests_;
  std::vector<std::thread> connections_;
  std::thread acceptor_;
};

}  // namespace trident::test

#endif  // TRIDENT_TESTS_SUPPORT_SCRIPTED_HTTP_SERVER_H_
