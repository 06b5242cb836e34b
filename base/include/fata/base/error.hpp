// Error: a failure that a peer, a disk or a user can cause, as a 16-byte value.
//
// Each layer defines its own small enum, `enum class Errc : std::uint32_t`, and a function found by
// argument-dependent lookup, `const ErrorDomain& error_domain(Errc)`. The enum then converts to
// `Error`. The `sig/` concepts use `Error`; a layer's own interface may use its enum.
#pragma once

#include <concepts>
#include <cstdint>
#include <string_view>
#include <type_traits>

namespace fata {

class TextWriter;

// Names a layer and turns its codes into text. One constant object per layer, compared by address.
struct ErrorDomain {
  std::string_view name;                            // "udp", "dns", "os"
  std::string_view (*message)(std::uint32_t code);  // static text, never empty
};

template <class E>
concept ErrorEnum = std::is_enum_v<E> && requires(E e) {
  { error_domain(e) } -> std::same_as<const ErrorDomain&>;
};

class Error {
 public:
  template <ErrorEnum E>
  constexpr Error(E code, std::uint32_t detail = 0) noexcept  // NOLINT: implicit by design
      : domain_(&error_domain(code)), code_(static_cast<std::uint32_t>(code)), detail_(detail) {}

  const ErrorDomain& domain() const noexcept { return *domain_; }
  std::uint32_t code() const noexcept { return code_; }
  // A number defined by the layer's documentation (errno, a size, a port); 0 if none.
  std::uint32_t detail() const noexcept { return detail_; }
  std::string_view message() const noexcept { return domain_->message(code_); }

  template <ErrorEnum E>
  bool is(E code) const noexcept {
    return domain_ == &error_domain(code) && code_ == static_cast<std::uint32_t>(code);
  }
  friend bool operator==(const Error&, const Error&) = default;

 private:
  const ErrorDomain* domain_;
  std::uint32_t code_;
  std::uint32_t detail_;
};
static_assert(sizeof(Error) == 16 && std::is_trivially_copyable_v<Error>);

// Writes "domain: message", then " (detail)" unless the detail is 0.
void write_text(TextWriter& out, const Error& error);

}  // namespace fata
