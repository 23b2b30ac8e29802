// Optional adapter: records nlohmann::json, its kin such as ordered_json, and every type that has a to_json.
//
// Include it beside judgeval/judgeval.hpp in programs that use nlohmann/json (Debian: nlohmann-json3-dev);
// the umbrella header leaves it out, so that the library asks nothing of programs that do not.
#pragma once

#include <nlohmann/json.hpp>

#include "judgeval/serializer.hpp"

namespace judgeval {

namespace detail {

template <typename T>
concept BasicJson = nlohmann::detail::is_basic_json<T>::value;

template <typename T>
concept HasToJson =
    std::is_class_v<T> && !BasicJson<T> && !StringLike<T> && requires(nlohmann::json & json, const T& value) {
    to_json(json, value);  // found by argument-dependent lookup: the user's own
};

template <BasicJson T>
void write_dump(JsonWriter& json, const T& value) {
    // replace: text that is not UTF-8 must not turn into an exception
    json.raw(value.dump(-1, ' ', false, T::error_handler_t::replace));
}

}  // namespace detail

/// Each of them is a range of its own kind, also when it holds a number: never to be taken for a range.
template <typename T>
requires detail::BasicJson<T>
struct Serializer<T> {
    static void write(JsonWriter& json, const T& value) { detail::write_dump(json, value); }
};

template <typename T>
requires detail::HasToJson<T>
struct Serializer<T> {
    static void write(JsonWriter& json, const T& value) {
        nlohmann::json converted;
        to_json(converted, value);
        detail::write_dump(json, converted);
    }
};

}  // namespace judgeval
