#include "common/base/yaml_document.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <utility>

#include "common/base/strings.h"
#include "common/base/utf8.h"
#include "common/base/yaml_fault.h"
#include "common/base/yaml_scalar.h"

namespace trident {
namespace {

// Leaves the parser from inside an event. Caught in LoadYaml, never seen outside.
struct Refused {
  Finding finding;
};

// Builds the tree out of the parser's events, within the bounds.
class TreeBuilder : public YAML::EventHandler {
 public:
  explicit TreeBuilder(std::vector<Finding>& findings) : findings_(findings) {}

  YamlNodePtr TakeRoot() { return std::move(root_); }

  // The innermost bracket that is open, when what was read last is within it.
  std::optional<OpenBracket> bracket() const {
    if (frames_.empty() || !frames_.back().is_flow) return std::nullopt;
    const YamlNode& node = *frames_.back().node;
    return OpenBracket{node.kind == YamlNode::Kind::kSequence, node.line, node.column};
  }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    auto node = NewNode(mark, YamlNode::Kind::kNull, "?");
    // A value that is left out is reported where the next thing stands: its key tells more.
    if (!frames_.empty() && frames_.back().key && frames_.back().key->line != node->line) {
      node->line = frames_.back().key->line;
      node->column = frames_.back().key->column;
    }
    if (frames_.empty()) node->line = node->column = 1;
    Complete(mark, anchor, std::move(node), Extent{});
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    if (value.find('\0') != std::string::npos) {
      Refuse(mark, "a string contains a NUL character", "Remove the escape \\0 or \\x00.");
    }
    auto node = NewNode(mark, YamlNode::Kind::kScalar, tag);
    node->scalar = value;
    Complete(mark, anchor, std::move(node), Extent{.nodes = 1, .bytes = value.size()});
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) {
      Refuse(mark, "an alias stands inside of what it refers to",
             "Write the value out instead of the alias.");
    }
    if (frames_.size() + found->second.extent.height > kMaxYamlDepth) RefuseDepth(mark);
    Complete(mark, 0, found->second.node, found->second.extent);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value style) override {
    Open(mark, anchor, NewNode(mark, YamlNode::Kind::kSequence, tag), style);
  }
  void OnSequenceEnd() override { Close(); }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value style) override {
    Open(mark, anchor, NewNode(mark, YamlNode::Kind::kMapping, tag), style);
  }
  void OnMapEnd() override { Close(); }

 private:
  // How much a node is with everything below it.
  struct Extent {
    size_t nodes = 1;
    size_t bytes = 0;
    size_t height = 0;  // mappings and sequences inside each other
  };

  struct Anchored {
    YamlNodePtr node;
    Extent extent;
  };

  // A mapping or sequence that is still being read.
  struct Frame {
    std::shared_ptr<YamlNode> node;
    YAML::Mark mark;
    YAML::anchor_t anchor = 0;
    bool is_flow = false;  // written with brackets
    Extent extent;
    // Of mappings: the key whose value comes next, and all keys so far with their lines.
    bool has_key = false;
    std::optional<YamlNode::Entry> key;  // unset when the key was refused: its value is dropped
    std::map<std::string, uint32_t> seen;
  };

  static std::shared_ptr<YamlNode> NewNode(const YAML::Mark& mark, YamlNode::Kind kind,
                                           const std::string& tag) {
    auto node = std::make_shared<YamlNode>();
    node->kind = kind;
    node->line = LineOf(mark);
    node->column = ColumnOf(mark);
    // yaml-cpp reports "?" for a plain and "!" for a quoted scalar without a tag.
    if (tag == "!" || tag == "tag:yaml.org,2002:str") {
      node->quoted = true;
    } else if (tag != "?" && !tag.starts_with("tag:yaml.org,2002:")) {
      node->tag = tag;
    }
    return node;
  }

  void Open(const YAML::Mark& mark, YAML::anchor_t anchor, std::shared_ptr<YamlNode> node,
            YAML::EmitterStyle::value style) {
    if (frames_.size() >= kMaxYamlDepth) RefuseDepth(mark);
    Count(mark, 1, 0);
    Frame frame;
    frame.node = std::move(node);
    frame.mark = mark;
    frame.anchor = anchor;
    frame.is_flow = style == YAML::EmitterStyle::Flow;
    frame.extent.height = 1;
    frames_.push_back(std::move(frame));
  }

  void Close() {
    Frame frame = std::move(frames_.back());
    frames_.pop_back();
    // Its nodes were counted one by one.
    Place(frame.mark, frame.anchor, std::move(frame.node), frame.extent);
  }

  void Complete(const YAML::Mark& mark, YAML::anchor_t anchor, YamlNodePtr node,
                const Extent& extent) {
    Count(mark, extent.nodes, extent.bytes);
    Place(mark, anchor, std::move(node), extent);
  }

  void Count(const YAML::Mark& mark, size_t nodes, size_t bytes) {
    nodes_ += nodes;
    bytes_ += bytes;
    if (nodes_ > kMaxYamlNodes || bytes_ > kMaxYamlScalarBytes) {
      Refuse(
          mark,
          StrCat("the document has more than ", kMaxYamlNodes, " values or ", kMaxYamlScalarBytes,
                 " bytes of text, aliases counted as what they "
                 "repeat"),
          "Make the document smaller; use fewer aliases (*name).");
    }
  }

  void Place(const YAML::Mark& mark, YAML::anchor_t anchor, YamlNodePtr node,
             const Extent& extent) {
    if (anchor != 0) anchors_[anchor] = {node, extent};
    if (frames_.empty()) {
      root_ = std::move(node);
      return;
    }
    Frame& frame = frames_.back();
    frame.extent.nodes += extent.nodes;
    frame.extent.bytes += extent.bytes;
    frame.extent.height = std::max(frame.extent.height, extent.height + 1);
    if (frame.node->kind == YamlNode::Kind::kSequence) {
      frame.node->sequence.push_back(std::move(node));
      return;
    }
    if (!frame.has_key) {
      TakeKey(mark, frame, *node);
      return;
    }
    if (frame.key) {
      frame.key->value = std::move(node);
      frame.node->mapping.push_back(*std::move(frame.key));
    }
    frame.key.reset();
    frame.has_key = false;
  }

  void TakeKey(const YAML::Mark& mark, Frame& frame, const YamlNode& node) {
    frame.has_key = true;
    frame.key.reset();
    if (node.kind != YamlNode::Kind::kScalar || !node.tag.empty()) {
      Report(mark, StrCat("a key must be a string, this is ", DescribeYamlNode(node)),
             "Write a plain or quoted string before the colon.");
      return;
    }
    if (node.scalar.size() > kMaxYamlKeyBytes) {
      Report(mark, StrCat("a key is longer than ", kMaxYamlKeyBytes, " bytes"), "Shorten the key.");
      return;
    }
    const auto [seen, is_new] = frame.seen.emplace(node.scalar, LineOf(mark));
    frame.key = YamlNode::Entry{node.scalar, LineOf(mark), ColumnOf(mark), nullptr};
    if (is_new) return;
    Report(mark,
           StrCat("the key \"", Shorten(node.scalar), "\" is there twice, first in line ",
                  seen->second),
           "Keep one of the two.");
    frame.key.reset();
  }

  // Where the parser is: storage.disks[0].device
  std::string Path() const {
    std::string path;
    for (const Frame& frame : frames_) {
      if (frame.node->kind == YamlNode::Kind::kSequence) {
        StrAppend(&path, "[", frame.node->sequence.size(), "]");
      } else if (frame.key) {
        StrAppend(&path, path.empty() ? "" : ".", Shorten(frame.key->key));
      }
    }
    return path;
  }

  void Report(const YAML::Mark& mark, std::string reason, std::string remedy) {
    findings_.push_back(
        {Path(), LineOf(mark), ColumnOf(mark), std::move(reason), std::move(remedy)});
  }

  [[noreturn]] void Refuse(const YAML::Mark& mark, std::string reason, std::string remedy) {
    throw Refused{{Path(), LineOf(mark), ColumnOf(mark), std::move(reason), std::move(remedy)}};
  }

  [[noreturn]] void RefuseDepth(const YAML::Mark& mark) {
    // Without the path: 64 keys tell nobody anything.
    throw Refused{{"", LineOf(mark), ColumnOf(mark),
                   StrCat("mappings and lists are nested deeper than ", kMaxYamlDepth, " levels"),
                   "No valid document needs this; check the brackets and the indentation."}};
  }

  std::vector<Finding>& findings_;
  std::vector<Frame> frames_;
  std::map<YAML::anchor_t, Anchored> anchors_;
  size_t nodes_ = 0;
  size_t bytes_ = 0;
  YamlNodePtr root_;
};

// Refuses whatever comes: for what follows the first document.
class NothingMore : public YamlIgnorer {
 public:
  void OnDocumentStart(const YAML::Mark& mark) override {
    throw Refused{{"", LineOf(mark), ColumnOf(mark), "a second document begins here",
                   "Send one document; remove this one and the line \"---\" before it."}};
  }
};

// What cannot be told by the parser: it takes the byte 4 for the end of the text, and guesses
// UTF-16 from NUL bytes.
std::optional<Finding> CheckBytes(std::string_view text) {
  if (text.size() > kMaxYamlBytes) {
    Finding finding;
    finding.reason =
        StrCat("the document has ", text.size(), " bytes, at most ", kMaxYamlBytes, " are taken");
    finding.remedy = "Make the document smaller.";
    return finding;
  }
  // yaml-cpp may read a whole line or bracket into its token queue before it reports anything, at
  // some 200 bytes per token: a document of brackets would cost a gigabyte.
  const auto indicators = std::count_if(text.begin(), text.end(), [](char c) {
    return std::string_view("[]{},:?&*!'\"").find(c) != std::string_view::npos;
  });
  if (static_cast<size_t>(indicators) > kMaxYamlIndicators) {
    Finding finding;
    finding.reason = StrCat("the document has ", indicators,
                            " brackets, commas, colons, quotes and the like, at most ",
                            kMaxYamlIndicators, " are taken");
    finding.remedy = "Make the document smaller; keep large files out of it.";
    return finding;
  }
  for (size_t offset = 0; offset < text.size(); ++offset) {
    const auto byte = static_cast<unsigned char>(text[offset]);
    if ((byte >= 0x20 && byte != 0x7F) || byte == '\t' || byte == '\n' || byte == '\r') continue;
    return FindingAtOffset(
        text, offset,
        StrCat("the document contains ", byte == 0 ? "a NUL byte" : "a control character", " (",
               HexByte(byte), " hexadecimal)"),
        "Send plain UTF-8 text; write control characters as escapes in double "
        "quotes.");
  }
  if (const size_t offset = FindInvalidUtf8(text); offset != std::string_view::npos) {
    return FindingAtOffset(text, offset, "the document is not valid UTF-8 here",
                           "Save the document as UTF-8.");
  }
  return std::nullopt;
}

}  // namespace

const YamlNode* YamlNode::Find(std::string_view key) const {
  for (const Entry& entry : mapping) {
    if (entry.key == key) return entry.value.get();
  }
  return nullptr;
}

YamlDocument LoadYaml(std::string_view text) {
  YamlDocument document;
  if (auto finding = CheckBytes(text)) {
    document.findings.push_back(*std::move(finding));
    return document;
  }
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  TreeBuilder builder(document.findings);
  try {
    std::istringstream stream(EndYamlDocument(text));
    YAML::Parser parser(stream);
    const bool has_document = parser.HandleNextDocument(builder);
    document.root = builder.TakeRoot();
    if (document.root == nullptr) {
      auto empty = std::make_shared<YamlNode>();
      empty->line = empty->column = 1;
      document.root = std::move(empty);
    }
    NothingMore nothing_more;
    if (has_document) parser.HandleNextDocument(nothing_more);
  } catch (const Refused& refused) {
    document.findings.push_back(refused.finding);
  } catch (const YAML::Exception& error) {
    document.findings.push_back(DescribeYamlFault(text, error, builder.bracket()));
  } catch (const std::exception& error) {
    document.findings.push_back({"", 0, 0, StrCat("the YAML cannot be read: ", error.what()),
                                 "Check indentation, colons and quotes."});
  }
  return document;
}

YamlValue ToYamlValue(const YamlNode& node) {
  YamlValue value;
  switch (node.kind) {
    case YamlNode::Kind::kNull:
      break;
    case YamlNode::Kind::kScalar:
      value.kind = YamlValue::Kind::kScalar;
      value.scalar = node.scalar;
      // An empty scalar that is not null was quoted, or had a tag of its own.
      value.quoted = node.scalar.empty() || (node.quoted && LooksLikeNonString(node.scalar));
      break;
    case YamlNode::Kind::kSequence:
      value.kind = YamlValue::Kind::kSequence;
      for (const YamlNodePtr& item : node.sequence) value.sequence.push_back(ToYamlValue(*item));
      break;
    case YamlNode::Kind::kMapping:
      value.kind = YamlValue::Kind::kMapping;
      for (const YamlNode::Entry& entry : node.mapping) {
        value.mapping.emplace_back(entry.key, ToYamlValue(*entry.value));
      }
      break;
  }
  return value;
}

YamlNode FromYamlValue(const YamlValue& value) {
  YamlNode node;
  switch (value.kind) {
    case YamlValue::Kind::kNull:
      break;
    case YamlValue::Kind::kScalar:
      node.kind = YamlNode::Kind::kScalar;
      node.scalar = value.scalar;
      node.quoted = value.quoted;
      break;
    case YamlValue::Kind::kSequence:
      node.kind = YamlNode::Kind::kSequence;
      for (const YamlValue& item : value.sequence) {
        node.sequence.push_back(std::make_shared<YamlNode>(FromYamlValue(item)));
      }
      break;
    case YamlValue::Kind::kMapping:
      node.kind = YamlNode::Kind::kMapping;
      for (const auto& [key, item] : value.mapping) {
        node.mapping.push_back({key, 0, 0, std::make_shared<YamlNode>(FromYamlValue(item))});
      }
      break;
  }
  return node;
}

std::string DescribeYamlNode(const YamlNode& node) {
  const std::string tag = node.tag.empty() ? "" : StrCat(" tagged ", Shorten(node.tag, 30));
  switch (node.kind) {
    case YamlNode::Kind::kNull:
      return StrCat("null", tag);
    case YamlNode::Kind::kScalar:
      return StrCat("\"", Shorten(node.scalar), "\"", tag);
    case YamlNode::Kind::kSequence:
      return StrCat("a list", tag);
    case YamlNode::Kind::kMapping:
      return StrCat("a mapping", tag);
  }
  return "a value";
}

std::string Shorten(std::string_view text, size_t limit) {
  std::string shortened;
  size_t offset = 0;
  while (offset < text.size()) {
    const size_t length = std::max<size_t>(1, Utf8CharacterLength(text.substr(offset)));
    if (shortened.size() + length > limit) return shortened + "...";
    const auto first = static_cast<unsigned char>(text[offset]);
    const bool is_control = first < 0x20 || first == 0x7F;
    StrAppend(&shortened, is_control ? "?" : text.substr(offset, length));
    offset += length;
  }
  return shortened;
}

}  // namespace trident
