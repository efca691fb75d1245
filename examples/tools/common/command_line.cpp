// SPDX-License-Identifier: MIT
/// See command_line.hpp.
#include "common/command_line.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <expected>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <quoin/quic/config.hpp>

#include "common/text.hpp"

namespace quoin::tools {

namespace {

constexpr const char* help_group = "Help";

/// Help in the order: usage, what the tool does, options by group, the tool's own closing text.
class HelpFormatter : public CLI::Formatter {
 public:
  explicit HelpFormatter(std::string usage) : usage_(std::move(usage)) {
    constexpr std::size_t column = 27;
    column_width(column);
  }

  std::string make_help(const CLI::App* app, std::string /*name*/,
                        CLI::AppFormatMode /*mode*/) const override {
    std::string out =
        "Usage: " + app->get_name() + " " + usage_ + "\n" + app->get_description() + "\n";
    std::vector<std::string> groups = app->get_groups();
    // --help itself was added first and is looked for least.
    std::ranges::rotate(groups, std::ranges::find(groups, help_group) + 1);
    for (const std::string& group : groups) {
      const std::vector<const CLI::Option*> options =
          app->get_options([&](const CLI::Option* option) {
            return option->get_group() == group && option->nonpositional();
          });
      if (!options.empty()) {
        out += make_group(group, false, options);
      }
    }
    return out + app->get_footer();
  }

  std::string make_option_name(const CLI::Option* option, bool positional) const override {
    std::string name = CLI::Formatter::make_option_name(option, positional);
    const std::size_t comma = name.find(',');
    return comma == std::string::npos ? name : name.replace(comma, 1, ", ");
  }

  std::string make_option_opts(const CLI::Option* option) const override {
    const std::string type = option->get_type_size() == 0 ? "" : option->get_type_name();
    return type.empty() ? "" : " " + type;
  }

 private:
  std::string usage_;
};

}  // namespace

void prepare(CLI::App& app, const std::string& version, const std::string& usage) {
  app.formatter(std::make_shared<HelpFormatter>(usage));
  app.set_help_flag("-h,--help", "Show this text")->group(help_group);
  app.set_version_flag("-V,--version", app.get_name() + " " + version, "Show the version")
      ->group(help_group);
}

void add_congestion_control_option(CLI::App& app, quic::CongestionControl& choice,
                                   const std::string& group) {
  const std::map<std::string, quic::CongestionControl> controllers{
      {"cubic", quic::CongestionControl::cubic},
      {"reno", quic::CongestionControl::reno},
      {"bbr", quic::CongestionControl::bbr}};
  const auto set = [&choice, controllers](const std::string& name) {
    const auto found = controllers.find(name);
    if (found == controllers.end()) {
      throw CLI::ValidationError("--cc", in_quotes(name) + " is unknown; write cubic, reno or bbr");
    }
    choice = found->second;
  };
  app.add_option_function<std::string>("--cc", set, "The congestion controller; default: cubic")
      ->type_name("cubic|reno|bbr")
      ->group(group);
}

std::expected<void, Stop> parse(CLI::App& app, std::vector<std::string> arguments) {
  // CLI11 takes them from the back.
  std::ranges::reverse(arguments);
  try {
    app.parse(std::move(arguments));
  } catch (const CLI::CallForHelp&) {
    return std::unexpected(Stop{.text = app.help()});
  } catch (const CLI::CallForVersion& version) {
    return std::unexpected(Stop{.text = std::string{version.what()} + "\n"});
  } catch (const CLI::ParseError& error) {
    return std::unexpected(usage_error(app.get_name(), error.what()));
  }
  return {};
}

Stop usage_error(const std::string& name, const std::string& message) {
  return {.exit_code = exit_usage,
          .text = name + ": " + message + "\nTry '" + name + " --help'.\n",
          .on_stderr = true};
}

int finish(const Stop& stop) {
  std::FILE* const stream = stop.on_stderr ? stderr : stdout;
  std::fputs(stop.text.c_str(), stream);
  std::fflush(stream);
  return stop.exit_code;
}

}  // namespace quoin::tools
