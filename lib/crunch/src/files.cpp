#include "fata/crunch/files.hpp"

namespace fata::crunch {

Files::Files(const Table& table) : table_(table), contents_(table.files.size()) {
  for (const File& file : table.files) contents_.add(file.content);
}

std::optional<Bytes> Files::find(std::string_view key) const {
  const std::optional<std::size_t> slot = crunch::find(table_, key);
  if (!slot) return std::nullopt;
  return table_.files[*slot].content;
}

async::Task<Result<Slice>> Files::get(std::string_view key, async::Wait) {
  const std::optional<std::size_t> slot = crunch::find(table_, key);
  if (!slot) co_return fail(sig::why_missing(*this, key));
  co_return contents_.at(*slot);
}

async::Task<Result<std::vector<sig::KeyEntry>>> Files::list(std::string_view folder, async::Wait) {
  co_return sig::list_keys(*this, folder);
}

}  // namespace fata::crunch
