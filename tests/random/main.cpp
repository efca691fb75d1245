// SPDX-License-Identifier: MIT
/// Runs random scenarios, one for each seed, and says which seed to look at. See scenario.hpp.

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <exception>
#include <iostream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>

#include <quoin/time.hpp>

#include "random/scenario.hpp"

namespace {

using quoin::test::Outcome;

constexpr std::string_view usage =
    "usage: quoin_random_scenarios [--seed N] [--count N] [--capture FILE] [--qlog FOLDER] "
    "[--verbose]\n"
    "Runs `count` random scenarios (default 1), from `seed` (default 1) on.\n"
    "The environment variable QUOIN_RANDOM_SCENARIOS overrides --count.\n";

struct Options {
  std::uint64_t seed = 1;
  std::uint64_t count = 1;
  quoin::test::Record record;
  bool verbose = false;
};

std::uint64_t number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc{} || end != text.data() + text.size()) {
    throw std::invalid_argument{std::string{text}};
  }
  return value;
}

Options parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string_view name = argv[i];
    const bool has_value = i + 1 < argc;
    if (name == "--verbose") {
      options.verbose = true;
    } else if (name == "--seed" && has_value) {
      options.seed = number(argv[++i]);
    } else if (name == "--count" && has_value) {
      options.count = number(argv[++i]);
    } else if (name == "--capture" && has_value) {
      options.record.capture = argv[++i];
    } else if (name == "--qlog" && has_value) {
      options.record.qlog = argv[++i];
    } else {
      throw std::invalid_argument{argv[i]};
    }
  }
  const char* const count = std::getenv("QUOIN_RANDOM_SCENARIOS");
  if (count != nullptr && options.count > 1) options.count = number(count);
  return options;
}

bool run(const Options& options, const std::string& program) {
  const quoin::test::Identity identity = quoin::test::scenario_identity();
  (void)quoin::test::run_scenario(0, identity);  // fills what is made once
  std::uint64_t datagrams = 0;
  std::uint64_t failures = 0;
  std::size_t most_memory = 0;
  std::size_t leaked = 0;
  quoin::Duration virtual_time{};
  const std::clock_t start = std::clock();
  for (std::uint64_t seed = options.seed; seed < options.seed + options.count; ++seed) {
    const Outcome outcome = quoin::test::run_scenario(seed, identity, options.record);
    datagrams += outcome.datagrams;
    virtual_time += outcome.virtual_time;
    most_memory = std::max(most_memory, outcome.most_memory);
    leaked += outcome.leaked;
    if (options.verbose) {
      std::cout << "seed " << seed << ": " << outcome.datagrams << " datagrams, "
                << std::chrono::duration<double>(outcome.virtual_time).count() << " s, at most "
                << outcome.most_memory << " bytes of heap, " << outcome.leaked << " left, trace "
                << outcome.trace << '\n';
    }
    if (outcome.problems.empty()) continue;
    ++failures;
    std::cout << "seed " << seed << " FAILED; again with: " << program << " --verbose --seed "
              << seed << " --capture scenario.pcap --qlog .\n";
    for (const std::string& problem : outcome.problems) std::cout << "    " << problem << '\n';
  }
  const double cpu = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
  std::cout << options.count << " scenarios, " << failures << " failed; " << datagrams
            << " datagrams in "
            << std::chrono::duration_cast<std::chrono::seconds>(virtual_time).count()
            << " s of virtual and " << cpu << " s of processor time; at most " << most_memory / 1024
            << " KiB of heap, " << leaked << " bytes left\n";
  return failures == 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(parse(argc, argv), argv[0]) ? 0 : 1;
  } catch (const std::invalid_argument& wrong) {
    std::cerr << "cannot make sense of " << wrong.what() << '\n' << usage;
    return 2;
  } catch (const std::exception& failure) {
    std::cerr << failure.what() << '\n';
    return 1;
  }
}
