// Serializer: how a value of any type becomes JSON.
//
// Knows booleans, numbers, strings, enumerations, optionals, pointers, ranges, maps, pairs, tuples and
// variants. A user teaches it a type by specialising judgeval::Serializer, or includes judgeval/json.hpp for
// nlohmann::json and types with to_json. Runs on the thread that records the value.
#pragma once

#include <chrono>
#include <concepts>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <ranges>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>

#include "judgeval/json_writer.hpp"

namespace judgeval {

/// Specialise it to record a type of yours:
///
///     template <> struct judgeval::Serializer<Order> {
///         static void write(judgeval::JsonWriter& json, const Order& order) { … }
///     };
///
/// The value is borrowed for the call. What `write` throws is swallowed and the attribute counted as dropped.
template <typename T>
struct Serializer;

namespace detail {

template <typename T>
concept StringLike = std::convertible_to<const T&, std::string_view>;

template <typename T>
concept MapLike = std::ranges::input_range<const T> && requires {
    typename T::key_type;
    typename T::mapped_type;
} && StringLike<typename T::key_type>;

template <typename T>
concept TupleLike = requires {
    typename std::tuple_size<T>::type;
};

template <typename T>
concept PointerLike = requires(const T& value) {
    static_cast<bool>(value);
    *value;
}
&&!std::is_arithmetic_v<T>;

template <typename T>
struct IsVariant : std::false_type {};
template <typename... T>
struct IsVariant<std::variant<T...>> : std::true_type {};

template <typename T>
struct IsDuration : std::false_type {};
template <typename R, typename P>
struct IsDuration<std::chrono::duration<R, P>> : std::true_type {};

/// The type's name as the compiler spells it; stands for a value that nobody said how to write.
template <typename T>
constexpr std::string_view type_name() noexcept {
    std::string_view text = __PRETTY_FUNCTION__;
    const auto from = text.find("T = ");
    if (from == std::string_view::npos) return "object";
    text.remove_prefix(from + 4);
    return text.substr(0, text.find_first_of(";]"));
}

template <typename T>
void write_json(JsonWriter& json, const T& value) {
    Serializer<std::remove_cv_t<T>>::write(json, value);
}

}  // namespace detail

template <typename T>
struct Serializer {
    static void write(JsonWriter& json, const T& value) {
        if constexpr (std::is_same_v<T, bool>) {
            json.boolean(value);
        } else if constexpr (std::is_enum_v<T>) {
            json.integer(static_cast<std::int64_t>(value));
        } else if constexpr (std::unsigned_integral<T>) {
            json.unsigned_integer(value);
        } else if constexpr (std::integral<T>) {
            json.integer(value);
        } else if constexpr (std::floating_point<T>) {
            json.number(static_cast<double>(value));
        } else if constexpr (std::is_same_v<T, std::nullptr_t> || std::is_same_v<T, std::monostate> ||
                             std::is_same_v<T, std::nullopt_t>) {
            json.null();
        } else if constexpr (detail::StringLike<T>) {
            if constexpr (std::is_pointer_v<T>) {
                if (value == nullptr) return json.null();
            }
            json.string(value);
        } else if constexpr (detail::MapLike<T>) {
            json.begin_object();
            for (const auto& [key, mapped] : value) {
                json.key(key);
                detail::write_json(json, mapped);
            }
            json.end_object();
        } else if constexpr (std::ranges::input_range<const T>) {
            json.begin_array();
            for (auto&& element : value) {
                // vector<bool> hands out proxies
                if constexpr (std::is_same_v<std::ranges::range_value_t<const T>, bool>) {
                    json.boolean(element);
                } else {
                    detail::write_json(json, element);
                }
            }
            json.end_array();
        } else if constexpr (detail::IsVariant<T>::value) {
            if (value.valueless_by_exception()) return json.null();
            std::visit([&json](const auto& held) { detail::write_json(json, held); }, value);
        } else if constexpr (detail::IsDuration<T>::value) {
            json.number(std::chrono::duration<double>(value).count());  // seconds
        } else if constexpr (detail::TupleLike<T>) {
            json.begin_array();
            std::apply([&json](const auto&... element) { (detail::write_json(json, element), ...); }, value);
            json.end_array();
        } else if constexpr (std::is_function_v<std::remove_pointer_t<T>> || std::is_member_pointer_v<T> ||
                             std::is_same_v<T, void*> || std::is_same_v<T, const void*>) {
            json.string(detail::type_name<T>());
        } else if constexpr (detail::PointerLike<T>) {
            if (!static_cast<bool>(value)) return json.null();
            detail::write_json(json, *value);
        } else {
            json.string(detail::type_name<T>());
        }
    }
};

}  // namespace judgeval
