#include "agent/reporting/metrics_server.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "agent/host/loopback_socket.h"
#include "agent/reporting/metrics.h"
#include "common/base/error.h"
#include "common/base/strings.h"

namespace trident {
namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kLargestRequest = 8192;
constexpr std::string_view kEndOfHead = "\r\n\r\n";

std::string Response(std::string_view status, std::string_view more_headers,
                     std::string_view content_type, const std::string& body, bool with_body) {
  std::string text = StrCat("HTTP/1.1 ", status, "\r\nContent-Type: ", content_type,
                            "\r\nContent-Length: ", body.size(), "\r\n", more_headers,
                            "Connection: close\r\n\r\n");
  if (with_body) text += body;
  return text;
}

std::string Refusal(std::string_view status, std::string_view more_headers = "") {
  return Response(status, more_headers, "text/plain; charset=utf-8", StrCat(status, "\n"), true);
}

// False: not within the time, or stopped.
bool WaitFor(int descriptor, short events, int stop, Clock::time_point deadline) {
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now());
  if (left.count() <= 0) return false;
  std::array<pollfd, 2> wanted = {pollfd{descriptor, events, 0}, pollfd{stop, POLLIN, 0}};
  const int ready = poll(wanted.data(), wanted.size(), static_cast<int>(left.count()));
  if (ready < 0 && errno == EINTR) return WaitFor(descriptor, events, stop, deadline);
  return ready > 0 && wanted[1].revents == 0 && wanted[0].revents != 0;
}

}  // namespace

std::string AnswerToMetricsRequest(std::string_view head,
                                   const std::function<std::string()>& text) {
  const std::string_view line = head.substr(0, head.find("\r\n"));
  const std::vector<std::string_view> words = StrSplit(line, ' ');
  if (words.size() != 3 || !words[2].starts_with("HTTP/1.")) return Refusal("400 Bad Request");
  const bool head_only = words[0] == "HEAD";
  if (words[0] != "GET" && !head_only) {
    return Refusal("405 Method Not Allowed", "Allow: GET, HEAD\r\n");
  }
  if (words[1].substr(0, words[1].find('?')) != "/metrics") return Refusal("404 Not Found");
  return Response("200 OK", "", kMetricsContentType, text(), !head_only);
}

absl::StatusOr<std::unique_ptr<MetricsServer>> MetricsServer::Start(
    uint16_t port, std::function<std::string()> text, std::chrono::milliseconds limit) {
  absl::StatusOr<LoopbackSockets> sockets = ListenOnLoopback(port);
  if (!sockets.ok()) {
    ErrorDetail detail = GetErrorDetail(sockets.status());
    detail.message = absl::StrCat("serve metrics: ", detail.message);
    detail.remedy = "Stop the other process, or set another metrics.listenPort.";
    return MakeError(sockets.status().code(), std::move(detail));
  }
  Opened opened;
  for (const int descriptor : sockets->descriptors) opened.listeners.emplace_back(descriptor);
  opened.port = sockets->port;
  opened.stop = FileDescriptor(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!opened.stop.valid()) return ErrnoError(errno, "environment", "eventfd", "serve metrics");
  return std::make_unique<MetricsServer>(std::move(opened), std::move(text), limit);
}

MetricsServer::MetricsServer(Opened opened, std::function<std::string()> text,
                             std::chrono::milliseconds limit)
    : listeners_(std::move(opened.listeners)),
      stop_(std::move(opened.stop)),
      port_(opened.port),
      text_(std::move(text)),
      limit_(limit),
      thread_([this] { Serve(); }) {}

MetricsServer::~MetricsServer() {
  const uint64_t one = 1;
  // An eventfd takes its first number in any case.
  (void)!write(stop_.get(), &one, sizeof(one));
  thread_.join();
}

void MetricsServer::Serve() {
  while (true) {
    std::vector<pollfd> wanted = {{stop_.get(), POLLIN, 0}};
    for (const FileDescriptor& listener : listeners_) {
      wanted.push_back({listener.get(), POLLIN, 0});
    }
    if (poll(wanted.data(), wanted.size(), -1) < 0 && errno != EINTR) return;
    if (wanted[0].revents != 0) return;
    for (size_t i = 1; i < wanted.size(); ++i) {
      if (wanted[i].revents == 0) continue;
      const FileDescriptor client(
          accept4(wanted[i].fd, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
      if (client.valid()) {
        Answer(client);
      } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
        // The connection stays in the queue: do not turn round it at full speed.
        WaitFor(-1, 0, stop_.get(), Clock::now() + limit_);
      }
    }
  }
}

void MetricsServer::Answer(const FileDescriptor& client) const {
  const Clock::time_point deadline = Clock::now() + limit_;
  std::string request;
  std::array<char, 2048> piece{};
  while (request.find(kEndOfHead) == std::string::npos) {
    if (request.size() > kLargestRequest) return;
    if (!WaitFor(client.get(), POLLIN, stop_.get(), deadline)) return;
    const ssize_t bytes = recv(client.get(), piece.data(), piece.size(), 0);
    if (bytes < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (bytes <= 0) return;
    request.append(piece.data(), static_cast<size_t>(bytes));
  }
  const std::string answer = AnswerToMetricsRequest(request, text_);
  std::string_view rest = answer;
  while (!rest.empty()) {
    const ssize_t bytes = send(client.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
    if (bytes > 0) {
      rest.remove_prefix(static_cast<size_t>(bytes));
    } else if (errno == EAGAIN) {
      if (!WaitFor(client.get(), POLLOUT, stop_.get(), deadline)) return;
    } else if (errno != EINTR) {
      return;
    }
  }
  // So that a client with more to say is not cut off by a reset before it has read the answer.
  shutdown(client.get(), SHUT_WR);
}

}  // namespace trident
