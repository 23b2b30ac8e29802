// What both readers find fault with in a span that is well-formed otherwise: its texts and its ids.
//
// Part of the readers, on whatever thread reads.
#pragma once

#include <simdjson.h>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

namespace judgeval::encode {

/// Collects the first objection to what is being read.
struct Objection {
    std::string reason;

    void raise(std::string_view text) {
        if (reason.empty()) {
            reason = text;
        }
    }
    void check_text(std::string_view text, std::string_view what) {
        if (!text.empty() && !simdjson::validate_utf8(text.data(), text.size())) {
            raise(std::string{what} + " is not valid UTF-8");
        }
    }
    void check_id(std::string_view id, std::size_t length, std::string_view what) {
        if (id.size() != length) {
            raise(std::string{what} + " has " + std::to_string(id.size()) + " bytes, not " +
                  std::to_string(length));
        } else if (is_all_zero(id)) {
            raise(std::string{what} + " is all zeros");
        }
    }
    /// Some exporters write a root's absent parent as zeros: it is made empty.
    void check_parent_id(std::string& id) {
        if (id.size() == 8 && is_all_zero(id)) {
            id.clear();
        }
        if (!id.empty()) {
            check_id(id, 8, "the parent span id");
        }
    }

    static bool is_all_zero(std::string_view id) {
        return std::all_of(id.begin(), id.end(), [](char byte) { return byte == 0; });
    }
};

}  // namespace judgeval::encode
