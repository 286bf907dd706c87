// Shows what a stream tells.
#ifndef TRIDENT_CLIENT_RENDERER_H_
#define TRIDENT_CLIENT_RENDERER_H_

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "client/session.h"
#include "proto/trident.pb.h"

namespace trident::client {

namespace pb = ::trident_proto;

class Renderer {
 public:
  virtual ~Renderer() = default;
  // The next message of the stream.
  virtual void Show(const pb::HostStatusState& message) = 0;
  // What the client itself does, for people.
  virtual void Note(const std::string& text) = 0;
  // How it ended. Nothing is drawn over any more afterwards.
  virtual void End(const pb::Outcome& outcome) = 0;
};

using SteadyClock = std::function<std::chrono::steady_clock::time_point()>;

// text: one line per step, and while one runs a bar that is drawn over (a terminal) or a line every
// ten seconds (otherwise). yaml: each message's Host Status as a document. json: each message as a
// line. The session must outlive the renderer.
std::unique_ptr<Renderer> MakeRenderer(Session& session,
                                       SteadyClock now = std::chrono::steady_clock::now);

}  // namespace trident::client

#endif  // TRIDENT_CLIENT_RENDERER_H_
