// SPDX-License-Identifier: MIT
/// Runs a fuzz target over files and folders of inputs, with any compiler: how the ordinary test
/// run replays the corpus, and how a crash of a fuzzer is looked at.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

std::vector<std::filesystem::path> inputs_of(const std::filesystem::path& place) {
  if (!std::filesystem::is_directory(place)) return {place};
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator{place}) {
    if (entry.is_regular_file()) files.push_back(entry.path());
  }
  std::ranges::sort(files);
  return files;
}

bool replay(const std::filesystem::path& file) {
  std::ifstream stream{file, std::ios::binary};
  if (!stream) {
    std::cerr << "cannot read " << file << '\n';
    return false;
  }
  const std::string text{std::istreambuf_iterator<char>{stream}, {}};
  std::cout << file.string() << std::endl;  // flushed: a crash comes without a word
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  std::size_t count = 0;
  try {
    for (int i = 1; i < argc; ++i) {
      for (const auto& file : inputs_of(argv[i])) {
        if (!replay(file)) return EXIT_FAILURE;
        ++count;
      }
    }
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return EXIT_FAILURE;
  }
  if (count == 0) {
    std::cerr << "no inputs; usage: " << (argc > 0 ? argv[0] : "replay") << " FILE|FOLDER...\n";
    return EXIT_FAILURE;
  }
  std::cout << count << " inputs replayed\n";
  return EXIT_SUCCESS;
}
