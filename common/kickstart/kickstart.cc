#include "common/kickstart/kickstart.h"

#include <exception>
#include <memory>
#include <utility>

#include "common/base/error.h"
#include "common/base/strings.h"
#include "common/kickstart/loader.h"
#include "common/kickstart/parser.h"
#include "common/kickstart/translator.h"

namespace trident::kickstart {
namespace {

std::shared_ptr<const Source> SourceOf(const std::string& file) {
  auto source = std::make_shared<Source>();
  source->kind = file.empty() ? Source::Kind::kInputString : Source::Kind::kFile;
  source->file = file;
  return source;
}

// Runs the %pre scripts of `lines`. False: not all of them ran, so that what they make is missing.
bool RunPreScripts(const std::vector<Line>& lines, Loader& loader, const Options& options,
                   ProblemList& problems) {
  ProblemList first_look;
  const Kickstart kickstart =
      Parser(loader, {Includes::kIgnore, options.dangerous_passwords}, first_look).Parse(lines);
  for (const ScriptSection& script : kickstart.scripts) {
    if (script.kind != ScriptSection::Kind::kPre) continue;
    if (first_look.has_errors() || problems.has_errors()) return false;
    const absl::Status status = options.pre_scripts->Run(script);
    if (status.ok()) continue;
    problems.Add(ProblemKind::kPreScriptFailed, script.line,
                 StrCat("%pre: ", std::string{status.message()}));
    return false;
  }
  return true;
}

Translation TranslateOrThrow(const std::string& text, const std::string& file,
                             const SourceFiles& files, const Options& options) {
  const std::shared_ptr<const Source> source = SourceOf(file);
  const Line whole{source, 0, ""};
  ProblemList problems;
  Loader loader(files, problems);
  Translation translation;
  const auto loaded = loader.LoadText(text, source);
  if (!loaded.ok()) {
    problems.Add(ProblemKind::kSyntaxError, whole, std::string{loaded.status().message()});
    translation.problems = problems.Take();
    return translation;
  }
  const std::vector<Line> lines = Preprocess(*loaded, loader, problems);
  bool is_complete = !options.missing_includes_allowed;
  if (options.pre_scripts != nullptr) {
    is_complete = RunPreScripts(lines, loader, options, problems) && is_complete;
  }
  const Includes includes = is_complete ? Includes::kFollow : Includes::kFollowIfThere;
  const Kickstart kickstart =
      Parser(loader, {includes, options.dangerous_passwords}, problems).Parse(lines);
  HostConfiguration configuration = TranslateModel(kickstart, whole, problems);
  if (!problems.has_errors()) translation.configuration = std::move(configuration);
  translation.problems = problems.Take();
  return translation;
}

}  // namespace

Translation Translate(const std::string& text, const std::string& file, const SourceFiles& files,
                      const Options& options) {
  try {
    return TranslateOrThrow(text, file, files, options);
  } catch (const std::exception& exception) {
    // Of the libraries, when memory or what they can hold runs out.
    ProblemList problems;
    problems.Add(ProblemKind::kTranslationError, {SourceOf(file), 0, ""},
                 StrCat("the kickstart could not be translated: ", std::string(exception.what())));
    return {std::nullopt, problems.Take()};
  }
}

}  // namespace trident::kickstart
