#include <fata/crunch/build.hpp>

#include <algorithm>

#include "error.hpp"
#include "files.hpp"
#include "generate.hpp"
#include "paths.hpp"
#include "private_key.hpp"
#include "progress.hpp"

namespace fata::tool {

namespace {
// FNV-1a.
std::uint64_t content_hash(std::string_view content) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : content) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return hash;
}

// A path to the file that #embed accepts: in quotes, without escapes.
std::string embeddable(const fs::path& file, const std::string& key, const fs::path& build) {
  const bool fits = std::ranges::all_of(file.string(), [](char c) {
    return static_cast<unsigned char>(c) >= 0x20 && c != 0x7f && c != '"' && c != '\\';
  });
  if (fits && is_utf8(file.string())) return file.string();
  const fs::path links = build / "embedded";
  const fs::path link = links / std::to_string(content_hash(key));
  std::error_code error;
  files::make_folders(links);
  if (fs::read_symlink(link, error) != file) files::make_link(file, link);
  return link.string();
}

// Who can read an image can read the files in it, and an image is copied, stored and handed on.
void warn_of_keys(const plan::Device& device, std::span<const std::string> keys) {
  if (keys.empty()) return;
  const std::string more =
      keys.size() == 1 ? "" : " and " + std::to_string(keys.size() - 1) + " more";
  say("warning: " + device.where.file + ":" + std::to_string(device.where.line) + ": crunch(\"" +
      device.data_folder + "\") links " + (keys.size() == 1 ? "a private key" : "private keys") +
      " into the image, for every reader of the image: " + keys.front() + more +
      "; boot_files() passes files at the image's start instead");
}
}  // namespace

std::string generate_crunch(std::string_view space, const plan::Device& device, const fs::path& app,
                            const fs::path& build) {
  const fs::path folder = app / device.data_folder;
  if (!files::is_folder(folder)) {
    throw UsageError(device.where.file + ":" + std::to_string(device.where.line) + ": crunch(\"" +
                     device.data_folder + "\"): there is no folder " + folder.string());
  }
  std::vector<std::string> keys;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file())
      keys.push_back(fs::relative(entry.path(), folder).generic_string());
  }
  std::ranges::sort(keys);
  const crunch::Layout layout = crunch::build_layout({keys.begin(), keys.end()});

  std::string out = "// The files of " + cpp_string(device.data_folder) +
                    ", written by `fata configure`. Changes here are lost.\n"
                    "#include <fata/crunch/files.hpp>\n\n#include <array>\n\n"
                    "namespace " +
                    std::string(space) +
                    " {\nnamespace {\n\n"
                    "#pragma clang diagnostic ignored \"-Wc23-extensions\"\n";
  std::string files;
  std::vector<std::string> private_keys;
  for (std::size_t slot = 0; slot < layout.slots.size(); ++slot) {
    const std::string& key = keys[layout.slots[slot]];
    const std::string name = "kFile" + std::to_string(slot);
    const fs::path path = plain_alias(app) / device.data_folder / key;
    const bool empty = files::size(path) == 0;
    if (!empty) {
      // Changes this source when the file changes: ccache does not read the files of #embed.
      const std::string content = read_file(path);
      if (holds_private_key(content)) private_keys.push_back(key);
      out += "// content " + std::to_string(content_hash(content)) + "\n";
      out += "alignas(16) constexpr unsigned char " + name + "[] = {\n#embed \"" +
             embeddable(path, device.data_folder + "/" + key, plain_alias(build)) + "\"\n};\n";
    }
    files += "    {" + cpp_string(key) + ", " +
             (empty ? "{}" : "std::as_bytes(std::span(" + name + "))") + "},\n";
  }
  std::ranges::sort(private_keys);
  warn_of_keys(device, private_keys);
  const std::string count = std::to_string(layout.slots.size());
  out += "\nconst std::array<fata::crunch::File, " + count + "> kFiles{{\n" + files + "}};\n";
  out += "constexpr std::array<std::uint32_t, " + std::to_string(layout.seeds.size()) + "> kSeeds{";
  for (const std::uint32_t seed : layout.seeds) out += std::to_string(seed) + ", ";
  out += "};\n\n}  // namespace\n\nconst fata::crunch::Table& " + device.name +
         "_table();\n"
         "const fata::crunch::Table& " +
         device.name +
         "_table() {\n"
         "  static const fata::crunch::Table table{kSeeds, kFiles};\n  return table;\n}\n\n}  // "
         "namespace " +
         std::string(space) + "\n";
  return out;
}

}  // namespace fata::tool
