#include <optional>
#include <utility>

#include "common/base/strings.h"
#include "common/base/yaml_document.h"
#include "common/base/yaml_writer.h"
#include "common/config/finding_list.h"
#include "common/config/reader.h"
#include "common/config/servicing_kind.h"
#include "common/config/writer.h"
#include "common/status/host_status.h"
#include "common/status/host_status_schema.h"

namespace trident {
namespace {

constexpr char kUpdateTag[] = "!update-in-progress";
constexpr char kImageTag[] = "!image";

}  // namespace

void ValueCodec<ReconcileValue>::Read(Reader& reader, const YamlNode& node, const std::string& path,
                                      ReconcileValue& out) {
  const auto fail = [&] {
    reader.Fail(node, path,
                StrCat("expected ready, clean-install or !update-in-progress with a "
                       "servicing kind, found ",
                       DescribeYamlNode(node)),
                "Write one of these.");
  };
  if (node.kind != YamlNode::Kind::kScalar) return fail();
  if (node.tag == kUpdateTag) {
    const auto kind = ServicingKindFromName(node.scalar);
    if (!kind) return fail();
    out = {.state = ReconcileState::kUpdateInProgress, .update_kind = *kind};
  } else if (node.tag.empty() && node.scalar == "ready") {
    out = {.state = ReconcileState::kReady};
  } else if (node.tag.empty() && node.scalar == "clean-install") {
    out = {.state = ReconcileState::kCleanInstall};
  } else {
    fail();
  }
}

YamlNode ValueCodec<ReconcileValue>::Write(const ReconcileValue& value) {
  if (value.state == ReconcileState::kReady) return StringNode("ready");
  if (value.state == ReconcileState::kCleanInstall) return StringNode("clean-install");
  YamlNode node = StringNode(ServicingKindName(value.update_kind));
  node.tag = kUpdateTag;
  return node;
}

void ValueCodec<Contents>::Read(Reader& reader, const YamlNode& node, const std::string& path,
                                Contents& out) {
  Contents contents;
  if (node.kind == YamlNode::Kind::kMapping && node.tag == kImageTag) {
    contents.kind = Contents::Kind::kImage;
    reader.ReadFields(node, path, contents);
  } else if (node.kind == YamlNode::Kind::kScalar && node.tag.empty() && node.scalar == "zeroed") {
    contents.kind = Contents::Kind::kZeroed;
  } else if (node.kind == YamlNode::Kind::kScalar && node.tag.empty() &&
             node.scalar == "initialized") {
    contents.kind = Contents::Kind::kInitialized;
  } else if (node.kind != YamlNode::Kind::kScalar || !node.tag.empty() ||
             node.scalar != "unknown") {
    reader.Fail(node, path,
                StrCat("expected unknown, zeroed, initialized or !image with a mapping, "
                       "found ",
                       DescribeYamlNode(node)),
                "Write one of these.");
    return;
  }
  out = std::move(contents);
}

YamlNode ValueCodec<Contents>::Write(const Contents& value) {
  switch (value.kind) {
    case Contents::Kind::kUnknown:
      return StringNode("unknown");
    case Contents::Kind::kZeroed:
      return StringNode("zeroed");
    case Contents::Kind::kInitialized:
      return StringNode("initialized");
    case Contents::Kind::kImage:
      break;
  }
  YamlNode node;
  node.kind = YamlNode::Kind::kMapping;
  node.tag = kImageTag;
  FieldWriter<Contents> fields(value, node);
  Schema<Contents>::Visit(fields);
  return node;
}

std::string WriteHostStatus(const HostStatus& status) {
  const HostStatusDocument document = {
      .reconcile_state = {.state = status.reconcile_state, .update_kind = status.update_kind},
      .management = status.management,
      .storage = status.storage,
      .os = status.os,
      .last_job = status.last_job};
  return WriteYaml(ToYaml(document));
}

absl::StatusOr<HostStatus> ParseHostStatus(std::string_view yaml) {
  FindingList findings;
  HostStatusDocument document;
  YamlDocument loaded = LoadYaml(yaml);
  findings.Append(std::move(loaded.findings));
  if (loaded.root != nullptr) {
    Reader reader(findings, UnknownKeys::kIgnore);
    reader.ReadObject(*loaded.root, "", document);
  }
  TRIDENT_RETURN_IF_ERROR(findings.ToStatus("host-status", "Host Status"));
  return HostStatus{.reconcile_state = document.reconcile_state.state,
                    .update_kind = document.reconcile_state.update_kind,
                    .management = std::move(document.management),
                    .storage = std::move(document.storage),
                    .os = std::move(document.os),
                    .last_job = std::move(document.last_job)};
}

}  // namespace trident
