#include "tests/support/scripted_http_server.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <chrono>
#include <sstream>

namespace trident::test {
namespace {

// False: the client has gone before it finished its request.
bool ReadRequest(const Socket& client, const StopSignal& stop, HttpAsked& asked) {
  std::string text;
  std::array<char, 4096> piece{};
  while (text.find("\r\n\r\n") == std::string::npos) {
    if (!stop.WaitReadable(client)) return false;
    const size_t bytes = Receive(client, piece.data(), piece.size());
    if (bytes == 0) return false;
    text.append(piece.data(), bytes);
  }
  std::istringstream lines(text);
  std::string line;
  std::getline(lines, line);
  std::istringstream(line) >> asked.method >> asked.path;
  while (std::getline(lines, line) && line != "\r") {
    line.pop_back();
    const size_t colon = line.find(": ");
    if (colon == std::string::npos) continue;
    std::string name = line.substr(0, colon);
    std::transform(name.begin(), name.end(), name.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    asked.headers[name] = line.substr(colon + 2);
  }
  const std::string length = asked.Header("content-length");
  const size_t wanted = length.empty() ? 0 : std::stoull(length);
  asked.body = text.substr(text.find("\r\n\r\n") + 4);
  while (asked.body.size() < wanted) {
    if (!stop.WaitReadable(client)) return false;
    const size_t bytes = Receive(client, piece.data(), piece.size());
    if (bytes == 0) return false;
    asked.body.append(piece.data(), bytes);
  }
  return true;
}

}  // namespace

HttpAnswer Serve(const HttpAsked& asked, const ServedFile& file) {
  HttpAnswer answer;
  if (!file.etag.empty()) answer.headers.push_back("ETag: " + file.etag);
  if (!file.last_modified.empty()) answer.headers.push_back("Last-Modified: " + file.last_modified);
  answer.headers.push_back("Date: Sat, 02 Nov 2024 10:00:00 GMT");
  answer.body = file.content;
  const std::string range = asked.Header("range");
  const std::string condition = asked.Header("if-range");
  const bool same = condition.empty() || condition == file.etag || condition == file.last_modified;
  if (!file.ranges || range.empty() || !same) return answer;
  const size_t dash = range.find('-');
  const size_t first = std::stoull(range.substr(6, dash - 6));
  if (first >= file.content.size()) {
    answer.status = 416;
    answer.body.clear();
    answer.headers.push_back("Content-Range: bytes */" + std::to_string(file.content.size()));
    return answer;
  }
  size_t last = file.content.size() - 1;
  if (dash + 1 < range.size()) last = std::min<size_t>(last, std::stoull(range.substr(dash + 1)));
  answer.status = 206;
  answer.body = file.content.substr(first, last - first + 1);
  answer.headers.push_back("Content-Range: bytes " + std::to_string(first) + "-" +
                           std::to_string(last) + "/" + std::to_string(file.content.size()));
  return answer;
}

ScriptedHttpServer::ScriptedHttpServer(Script script)
    : script_(std::move(script)), listener_(Listen(&port_)), acceptor_([this] { Accept(); }) {}

ScriptedHttpServer::~ScriptedHttpServer() {
  stop_.Set();
  acceptor_.join();
  for (std::thread& connection : connections_) connection.join();
}

std::string ScriptedHttpServer::Url(const std::string& path) const {
  return "http://127.0.0.1:" + std::to_string(port_) + path;
}

std::vector<HttpAsked> ScriptedHttpServer::Requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

bool ScriptedHttpServer::AwaitRequests(size_t count) const {
  std::unique_lock lock(mutex_);
  return asked_.wait_for(lock, std::chrono::seconds(30), [&] { return requests_.size() >= count; });
}

void ScriptedHttpServer::Accept() {
  while (stop_.WaitReadable(listener_)) {
    Socket client(accept4(listener_.descriptor(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!client.valid()) continue;
    connections_.emplace_back([this, client = std::move(client)] { Handle(client); });
  }
}

void ScriptedHttpServer::Handle(const Socket& client) {
  HttpAsked asked;
  if (!ReadRequest(client, stop_, asked)) return;
  HttpAnswer answer;
  {
    const std::lock_guard lock(mutex_);
    answer = script_(asked, requests_.size());
    requests_.push_back(asked);
  }
  asked_.notify_all();
  std::string head = "HTTP/1.1 " + std::to_string(answer.status) + " Scripted\r\n";
  for (const std::string& header : answer.headers) head += header + "\r\n";
  if (!answer.no_length) {
    head +=
        "Content-Length: " + std::to_string(answer.announced.value_or(answer.body.size())) + "\r\n";
  }
  head += "Connection: close\r\n\r\n";
  const size_t bytes =
      std::min(answer.break_after.value_or(answer.body.size()), answer.body.size());
  if (!SendAll(client, head) || !SendAll(client, std::string_view(answer.body).substr(0, bytes)) ||
      !answer.stall) {
    return;
  }
  stop_.WaitReadable(client);  // until the client hangs up
}

}  // namespace trident::test
