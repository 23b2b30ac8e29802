// simdjson's validator, and the rare mending of what it refuses.
#include "record/utf8.hpp"

#include <simdjson.h>

#include "judgeval/text.hpp"

namespace judgeval::detail {

bool is_valid_multibyte_utf8(std::string_view text) noexcept {
    return simdjson::validate_utf8(text.data(), text.size());
}

namespace {

/// How many bytes a character beginning with `lead` has, or 0; and the range its second byte must be in.
struct Lead {
    std::size_t length;
    unsigned char second_from, second_to;
};
Lead classify(unsigned char lead) noexcept {
    if (lead < 0x80) return {1, 0, 0};
    if (lead >= 0xC2 && lead <= 0xDF) return {2, 0x80, 0xBF};
    if (lead == 0xE0) return {3, 0xA0, 0xBF};
    if (lead == 0xED) return {3, 0x80, 0x9F};
    if (lead >= 0xE1 && lead <= 0xEF) return {3, 0x80, 0xBF};
    if (lead == 0xF0) return {4, 0x90, 0xBF};
    if (lead >= 0xF1 && lead <= 0xF3) return {4, 0x80, 0xBF};
    if (lead == 0xF4) return {4, 0x80, 0x8F};
    return {0, 0, 0};
}

}  // namespace

std::string mend_utf8(std::string_view text) {
    std::string mended;
    mended.reserve(text.size() + 16);
    std::size_t at = 0;
    while (at < text.size()) {
        const Lead lead = classify(static_cast<unsigned char>(text[at]));
        std::size_t good = lead.length == 0 ? 0 : 1;
        while (good != 0 && good < lead.length && at + good < text.size()) {
            const auto byte = static_cast<unsigned char>(text[at + good]);
            const unsigned char from = good == 1 ? lead.second_from : 0x80;
            const unsigned char to = good == 1 ? lead.second_to : 0xBF;
            if (byte < from || byte > to) break;
            ++good;
        }
        if (good != 0 && good == lead.length) {
            mended.append(text.substr(at, good));
            at += good;
        } else {
            mended.append("\xEF\xBF\xBD");
            at += good == 0 ? 1 : good;
        }
    }
    return mended;
}

}  // namespace judgeval::detail
