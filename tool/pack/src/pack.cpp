#include "pack.hpp"

#include <elf.h>
#include <libdeflate.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <optional>
#include <string>

#include "inflate.hpp"
#include "packed.hpp"

extern "C" {
// The unpacking code as it appears in the file; it begins with room for the header.
extern const std::uint8_t fata_unpack_code[], fata_unpack_code_end[];
}

namespace fata::pack {
namespace {

using unpack::Header;

constexpr std::uint32_t kPage = 4096;
constexpr std::uint64_t kMaxMemory = 1ULL << 31;  // below a PC's devices
constexpr std::uint32_t kPhysicalEntry = 18;      // XEN_ELFNOTE_PHYS32_ENTRY

template <class T>
T read(std::span<const std::uint8_t> from, std::uint64_t place) {
  if (place > from.size() || from.size() - place < sizeof(T))
    throw Unsuitable("not a complete ELF file");
  T value;
  std::memcpy(&value, from.data() + place, sizeof(T));
  return value;
}

std::span<const std::uint8_t> part(std::span<const std::uint8_t> from, std::uint64_t place,
                                   std::uint64_t size) {
  if (place > from.size() || from.size() - place < size)
    throw Unsuitable("not a complete ELF file");
  return from.subspan(place, size);
}

template <class T>
void append(Bytes& to, const T& value) {
  const auto* const bytes = reinterpret_cast<const std::uint8_t*>(&value);
  to.insert(to.end(), bytes, bytes + sizeof(T));
}

// The entry address from the PVH note, if it is among these notes.
std::optional<std::uint32_t> find_entry(std::span<const std::uint8_t> notes) {
  constexpr std::uint64_t kAlign = 4;
  for (std::uint64_t place = 0; place + sizeof(Elf64_Nhdr) <= notes.size();) {
    const auto note = read<Elf64_Nhdr>(notes, place);
    const std::uint64_t name = place + sizeof note;
    const std::uint64_t value = name + (note.n_namesz + kAlign - 1) / kAlign * kAlign;
    if (note.n_type == kPhysicalEntry && note.n_namesz == 4 &&
        std::memcmp(part(notes, name, 4).data(), "Xen", 4) == 0)
      return read<std::uint32_t>(notes, value);
    place = value + (note.n_descsz + kAlign - 1) / kAlign * kAlign;
  }
  return std::nullopt;
}

Bytes deflate(const Bytes& bytes) {
  constexpr int kHardest = 12;
  const std::unique_ptr<libdeflate_compressor, decltype(&libdeflate_free_compressor)> compressor(
      libdeflate_alloc_compressor(kHardest), libdeflate_free_compressor);
  if (!compressor) throw std::bad_alloc();
  Bytes out(libdeflate_deflate_compress_bound(compressor.get(), bytes.size()));
  out.resize(libdeflate_deflate_compress(compressor.get(), bytes.data(), bytes.size(), out.data(),
                                         out.size()));
  return out;
}

Bytes inflate(std::span<const std::uint8_t> packed, std::size_t size, std::uint32_t code_size,
              std::uint32_t range) {
  constexpr std::size_t kOverread = 8, kOverrun = 4;
  Bytes in(packed.begin(), packed.end()), out(size + kOverrun);
  in.resize(in.size() + kOverread);
  const auto scratch = std::make_unique<unpack::Scratch>();
  const std::uint8_t* const end = unpack::inflate(in.data(), out.data(), *scratch);
  if (end != out.data() + size)
    throw std::logic_error("a packed image has not its size once unpacked");
  unpack::map_addresses<false>(out.data(), code_size, range);
  out.resize(size);
  return out;
}

std::uint32_t address(std::uint64_t value) {
  if (value >= kMaxMemory) throw Unsuitable("the kernel wants memory beyond 2 GiB");
  return static_cast<std::uint32_t>(value);
}

Elf64_Ehdr elf_header(std::uint32_t entry, std::uint16_t segments) {
  Elf64_Ehdr header{};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_ident[EI_VERSION] = EV_CURRENT;
  header.e_type = ET_EXEC;
  header.e_machine = EM_X86_64;
  header.e_version = EV_CURRENT;
  header.e_entry = entry;
  header.e_phoff = sizeof(Elf64_Ehdr);
  header.e_ehsize = sizeof(Elf64_Ehdr);
  header.e_phentsize = sizeof(Elf64_Phdr);
  header.e_phnum = segments;
  return header;
}

}  // namespace

Kernel read_kernel(std::span<const std::uint8_t> elf) {
  const auto header = read<Elf64_Ehdr>(elf, 0);
  if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_ident[EI_CLASS] != ELFCLASS64 ||
      header.e_machine != EM_X86_64 || header.e_phentsize != sizeof(Elf64_Phdr))
    throw Unsuitable("not an ELF file for x86-64");
  std::vector<Elf64_Phdr> loads;
  std::optional<std::uint32_t> entry;
  for (unsigned i = 0; i < header.e_phnum; ++i) {
    const auto segment =
        read<Elf64_Phdr>(elf, header.e_phoff + std::uint64_t{i} * sizeof(Elf64_Phdr));
    if (segment.p_type == PT_LOAD && segment.p_memsz != 0) loads.push_back(segment);
    if (segment.p_type == PT_NOTE && !entry)
      entry = find_entry(part(elf, segment.p_offset, segment.p_filesz));
  }
  if (loads.empty()) throw Unsuitable("an ELF file that loads nothing");
  if (!entry) throw Unsuitable("a kernel without the PVH note");
  std::ranges::sort(loads, {}, &Elf64_Phdr::p_paddr);
  Kernel kernel{.begin = address(loads.front().p_paddr), .bytes = {}, .entry = *entry};
  if ((loads.front().p_flags & PF_X) != 0) kernel.code_size = address(loads.front().p_filesz);
  for (const Elf64_Phdr& segment : loads) {
    const std::uint32_t place = address(segment.p_paddr) - kernel.begin;
    if (place < kernel.bytes.size() || segment.p_filesz > segment.p_memsz)
      throw Unsuitable("a kernel whose segments overlap");
    const auto bytes = part(elf, segment.p_offset, segment.p_filesz);
    kernel.bytes.resize(place);
    kernel.bytes.insert(kernel.bytes.end(), bytes.begin(), bytes.end());
    kernel.memory_end = std::max(kernel.memory_end, address(segment.p_paddr + segment.p_memsz));
  }
  return kernel;
}

Bytes pack(const Kernel& kernel) {
  const std::uint32_t place = (kernel.memory_end + kPage - 1) / kPage * kPage;
  Bytes mapped = kernel.bytes;
  unpack::map_addresses<true>(mapped.data(), kernel.code_size, place - kernel.begin);
  const Bytes packed = deflate(mapped);
  if (inflate(packed, kernel.bytes.size(), kernel.code_size, place - kernel.begin) != kernel.bytes)
    throw std::logic_error("a packed image differs once unpacked");

  const Bytes code(fata_unpack_code, fata_unpack_code_end);
  const auto size = static_cast<std::uint32_t>(code.size() + packed.size());
  const std::uint32_t words = (size + 3) / 4;
  Header header{.checksum = 0,
                .words = words - 1,
                .place = place,
                .end = 0,
                .image = kernel.begin,
                .code_size = kernel.code_size,
                .entry = kernel.entry,
                .packed = static_cast<std::uint32_t>(code.size())};
  header.end = address(std::uint64_t{header.place} + words * 4 + sizeof(unpack::Scratch) +
                       unpack::kStackSize);

  // The image is unpacked over the loaded file, from a copy. It must overwrite the whole file, as
  // the memory after the image must be zeros.
  const std::uint32_t file_end = unpack::kHeaderPlace + words * 4;
  if (kernel.begin < unpack::kLoadBase ||
      unpack::kLoadBase + file_end > kernel.begin + kernel.bytes.size() ||
      kernel.begin + kernel.bytes.size() + 4 > kernel.memory_end)
    throw DoesNotPay("packing does not make it smaller");

  Bytes tail = code;
  tail.insert(tail.end(), packed.begin(), packed.end());
  tail.resize(words * 4);
  std::memcpy(tail.data(), &header, sizeof header);
  std::vector<std::uint32_t> summed(words - 1);
  std::memcpy(summed.data(), tail.data() + 4, summed.size() * 4);
  header.checksum = unpack::checksum(summed.data(), header.words);
  std::memcpy(tail.data(), &header, sizeof header);

  struct Note {
    Elf64_Nhdr header;
    char name[4];
    std::uint64_t entry;
  };
  const std::uint32_t entry = unpack::kLoadBase + unpack::kHeaderPlace + sizeof(Header);
  const Note note{{4, 8, kPhysicalEntry}, {'X', 'e', 'n', 0}, entry};
  constexpr std::uint64_t kNotePlace = sizeof(Elf64_Ehdr) + 2 * sizeof(Elf64_Phdr);
  static_assert(kNotePlace + sizeof note == unpack::kHeaderPlace);
  Elf64_Phdr load{}, notes{};
  load.p_type = PT_LOAD;
  load.p_flags = PF_R | PF_X;
  load.p_vaddr = load.p_paddr = unpack::kLoadBase;
  load.p_filesz = file_end;
  load.p_memsz = header.end - unpack::kLoadBase;
  load.p_align = kPage;
  notes.p_type = PT_NOTE;
  notes.p_flags = PF_R;
  notes.p_offset = kNotePlace;
  notes.p_vaddr = notes.p_paddr = unpack::kLoadBase + kNotePlace;
  notes.p_filesz = notes.p_memsz = sizeof note;
  notes.p_align = 4;
  Bytes file;
  append(file, elf_header(entry, 2));
  append(file, load);
  append(file, notes);
  append(file, note);
  file.insert(file.end(), tail.begin(), tail.end());
  return file;
}

}  // namespace fata::pack
