// Devices as typed values, and functors over them.
//
// A device names a C++ type of the image and its constructor's arguments. Its tag names the `sig/`
// concept that it models. A device with the wrong tag does not compile here, and the generated main
// asserts the concept itself.
#pragma once

#include <array>
#include <concepts>
#include <memory>
#include <optional>
#include <source_location>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "fata/config/context.hpp"
#include "fata/config/parameter.hpp"
#include "fata/plan/form.hpp"

namespace fata::config {

// A tag names a concept: any struct with these three members. Those of `sig/` are in
// fata/config/sig/, and an application may add its own.
// A runnable task: `Task<int> start()`.
struct Job {
  static constexpr std::string_view kName = "Job", kConcept = "fata::sig::Job",
                                    kHeader = "fata/sig/job.hpp";
};
// A stack or similar, which only serves as the owner of its member devices.
struct Bundle {
  static constexpr std::string_view kName = "Bundle", kConcept = "", kHeader = "";
};

template <class T>
concept Tag = requires {
  { T::kName } -> std::convertible_to<std::string_view>;
  { T::kConcept } -> std::convertible_to<std::string_view>;
  { T::kHeader } -> std::convertible_to<std::string_view>;
};

// A C library from a Debian package. On kvm its static archive is linked, and only the named
// headers are visible.
struct ThirdParty {
  std::string name;                  // as in -lz: "z"
  std::string package;               // Debian package that holds header and archive: "zlib1g-dev"
  std::vector<std::string> headers;  // "zlib.h", and the headers that it includes: "zconf.h"
  // Linux system calls that the library needs in a process beyond the default ones: "getrusage".
  std::vector<std::string> system_calls{};
};

using plan::Form;  // how the generated main constructs the device

struct DeviceSpec {
  // "my::Udp"; a template over the types of its devices, if it has any.
  std::string type;
  std::vector<std::string> headers{};    // "my/udp.hpp", or a file of the application
  std::vector<std::string> libraries{};  // Fata's own: "dns"
  // The application's folders that hold include/ and src/.
  std::vector<std::string> local_libraries{};
  std::vector<ThirdParty> third_party{};
  // On linux, system calls that the device needs beyond the default ones: "getrusage". Devices of
  // Fata's platform declare their own needs.
  std::vector<std::string> system_calls{};
  Form form = Form::kValue;
  // True for a network interface of the machine, which `fata run --link` connects.
  bool is_nic = false;
  // True for the source of the boot files, which `fata run --files` provides.
  bool is_boot_files = false;
  std::optional<Target> only_on{};  // the only target with such a device
  std::string called{};             // in messages: "the network device"; otherwise the type
  // The parameters to name in a message about the device, since one of them may be wrong; by
  // default all of its parameters.
  std::optional<std::vector<std::string>> chosen_by{};
  std::source_location where = std::source_location::current();
};

namespace detail {

struct Node;
using NodePtr = std::shared_ptr<const Node>;

struct Literal {
  std::string text;  // C++ source
};
using Argument = std::variant<NodePtr, std::shared_ptr<const ParameterSpec>, Literal>;

struct Node {
  DeviceSpec spec;
  std::string tag, concept_name, concept_header;
  std::vector<Argument> arguments;
  // Devices that are made before it, although it does not use them.
  std::vector<NodePtr> after{};
  std::string member;       // of the only device in `arguments`, for Form::kMember
  std::string data_folder;  // for crunch: the folder of the files to link in
};

Literal quote(std::string_view text);

template <class T>
Argument to_argument(const Parameter<T>& parameter) {
  return parameter.spec();
}
inline Argument to_argument(bool value) { return Literal{value ? "true" : "false"}; }
template <std::integral T>
Argument to_argument(T value) {
  return Literal{std::to_string(value)};
}
inline Argument to_argument(std::string_view value) { return quote(value); }
inline Argument to_argument(const std::string& value) { return quote(value); }
inline Argument to_argument(const char* value) { return quote(value); }

}  // namespace detail

// A device with tag `T`. Copies denote the same device: it is constructed once, however often it is
// used.
template <Tag T>
class Device {
 public:
  explicit Device(detail::NodePtr node) : node_(std::move(node)) {}
  const detail::NodePtr& node() const { return node_; }

 private:
  detail::NodePtr node_;
};

namespace detail {
template <Tag T>
Argument to_argument(const Device<T>& device) {
  return device.node();
}

template <class T>
concept Value = requires(const T& value) { detail::to_argument(value); };

template <Tag T>
Device<T> make_device(DeviceSpec spec, std::vector<Argument> arguments, std::string member = {},
                      std::string data_folder = {}, std::vector<NodePtr> after = {}) {
  return Device<T>(std::make_shared<const Node>(Node{.spec = std::move(spec),
                                                     .tag = std::string(T::kName),
                                                     .concept_name = std::string(T::kConcept),
                                                     .concept_header = std::string(T::kHeader),
                                                     .arguments = std::move(arguments),
                                                     .after = std::move(after),
                                                     .member = std::move(member),
                                                     .data_folder = std::move(data_folder)}));
}

// A device argument with its source location.
template <Tag T>
struct Given {
  Given(const Device<T>& given,
        std::source_location at = std::source_location::current())  // NOLINT: implicit
      : device(given), where(at) {}
  const Device<T>& device;
  std::source_location where;
};

template <class T>
struct IsDevice : std::false_type {};
template <Tag T>
struct IsDevice<Device<T>> : std::true_type {};
template <class... T>
inline constexpr std::size_t kDeviceCount =
    (std::size_t{IsDevice<std::remove_cvref_t<T>>::value} + ... + 0);

// True if the arguments are devices of exactly these tags, followed by parameters and plain values.
template <class... Tags>
struct Fits {
  template <class... Given>
  static consteval bool all() {
    if constexpr (sizeof...(Given) < sizeof...(Tags)) {
      return false;
    } else {
      constexpr std::array<bool, sizeof...(Given)> plain{
          (Value<Given> && !IsDevice<Given>::value)...};
      const std::array<bool, sizeof...(Given)> matches =
          [&]<std::size_t... I>(std::index_sequence<I...>) {
            using Wanted = std::tuple<Tags...>;
            return std::array<bool, sizeof...(Given)>{is_wanted<Wanted, I, Given>(plain[I])...};
          }(std::index_sequence_for<Given...>{});
      for (const bool match : matches) {
        if (!match) return false;
      }
      return true;
    }
  }

 private:
  template <class Wanted, std::size_t I, class Given>
  static consteval bool is_wanted(bool plain) {
    if constexpr (I < sizeof...(Tags)) {
      return std::same_as<Given, Device<std::tuple_element_t<I, Wanted>>>;
    } else {
      return plain;
    }
  }
};
}  // namespace detail

// A device outside the catalogue. The arguments are the devices that its type is a template over,
// then parameters and values.
template <Tag T, detail::Value... Arguments>
Device<T> device(DeviceSpec spec, const Arguments&... arguments) {
  return detail::make_device<T>(std::move(spec), {detail::to_argument(arguments)...});
}
// A device owned by another one: `owner.member()` in the image.
template <Tag T, Tag Owner>
Device<T> member(const Device<Owner>& owner, std::string_view name,
                 std::source_location where = std::source_location::current()) {
  return detail::make_device<T>({.type = std::string(name), .form = Form::kMember, .where = where},
                                {owner.node()}, std::string(name));
}

template <class Signature>
class Functor;

// A class template of the image, which makes `Result` from `Devices`. A call returns a device;
// parameters and plain values after the devices become the last constructor arguments.
template <Tag Result, Tag... Devices>
class Functor<Result(Devices...)> {
 public:
  explicit Functor(DeviceSpec spec) : spec_(std::move(spec)) {}

  template <detail::Value... Rest>
    requires(detail::Fits<Devices...>::template all<Device<Devices>..., Rest...>())
  Device<Result> operator()(detail::Given<Devices>... devices, const Rest&... rest) const {
    DeviceSpec spec = spec_;
    if constexpr (sizeof...(Devices) > 0) {
      const std::array<std::source_location, sizeof...(Devices)> places{devices.where...};
      spec.where = places.front();
    }
    return detail::make_device<Result>(std::move(spec), {detail::Argument(devices.device.node())...,
                                                         detail::to_argument(rest)...});
  }

#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wc++26-extensions"
  template <class... Given>
    requires(detail::kDeviceCount<Given...> != sizeof...(Devices))
  Device<Result> operator()(const Given&... given) const = delete(
      "this functor was given more or fewer devices than its signature, functor<...>(), lists");
  template <class... Given>
    requires(detail::kDeviceCount<Given...> == sizeof...(Devices) &&
             !detail::Fits<Devices...>::template all<Given...>())
  Device<Result> operator()(const Given&... given) const = delete(
      "a device of the wrong kind, or an argument that is neither a parameter nor a plain value; "
      "the devices "
      "come first, in the order of functor<...>()");
#pragma clang diagnostic pop

  // The required Fata libraries, library folders of the application, and C libraries from Debian.
  Functor library(std::string_view name) const {
    return with([&](auto& s) { s.libraries.emplace_back(name); });
  }
  Functor local_library(std::string_view folder) const {
    return with([&](auto& s) { s.local_libraries.emplace_back(folder); });
  }
  Functor third_party(ThirdParty library) const {
    return with([&](auto& s) { s.third_party.push_back(library); });
  }
  // A system call to allow in the sandbox of a process.
  Functor system_call(std::string_view name) const {
    return with([&](auto& s) { s.system_calls.emplace_back(name); });
  }

 private:
  template <class Change>
  Functor with(Change change) const {
    Functor copy(*this);
    change(copy.spec_);
    return copy;
  }
  DeviceSpec spec_;
};

namespace detail {
template <class S>
struct Signature : std::false_type {};
template <Tag Result, Tag... Devices>
struct Signature<Result(Devices...)> : std::true_type {
  static constexpr bool kIsJob = std::same_as<Result, Job>;
};
}  // namespace detail
// A tag made from tags, written as a function type: `Job(Udp, KeyValue)`.
template <class S>
concept SignatureOfTags = detail::Signature<S>::value;

// `functor<Job(Udp, KeyValue)>("dns_app::Server", "server.hpp")`
template <SignatureOfTags S>
Functor<S> functor(std::string_view type, std::string_view header,
                   std::source_location where = std::source_location::current()) {
  return Functor<S>({.type = std::string(type),
                     .headers = {std::string(header)},
                     .form = detail::Signature<S>::kIsJob ? Form::kJob : Form::kValue,
                     .where = where});
}

}  // namespace fata::config
