// Optional adapter: records nlohmann::json, and every type that has a to_json for it.
//
// Include it beside judgeval/judgeval.hpp in programs that use nlohmann/json (Debian: nlohmann-json3-dev);
// the umbrella header leaves it out, so that the library asks nothing of programs that do not.
#pragma once

#include <nlohmann/json.hpp>

#include "judgeval/serializer.hpp"

namespace judgeval {

namespace detail {

template <typename T>
concept HasToJson = std::is_class_v<T> && requires(nlohmann::json& json, const T& value) {
    to_json(json, value);  // found by argument-dependent lookup: the user's own
} && !StringLike<T>;

inline void write_dump(JsonWriter& json, const nlohmann::json& value) {
    // replace: text that is not UTF-8 must not turn into an exception
    json.raw(value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

}  // namespace detail

template <>
struct Serializer<nlohmann::json> {
    static void write(JsonWriter& json, const nlohmann::json& value) { detail::write_dump(json, value); }
};

template <typename T>
requires(detail::HasToJson<T> && !std::is_same_v<T, nlohmann::json>) struct Serializer<T> {
    static void write(JsonWriter& json, const T& value) {
        nlohmann::json converted;
        to_json(converted, value);
        detail::write_dump(json, converted);
    }
};

}  // namespace judgeval
