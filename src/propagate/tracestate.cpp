// Reading of tracestate.
#include "propagate/tracestate.hpp"

#include <algorithm>
#include <array>
#include <span>

#include "propagate/characters.hpp"

namespace judgeval::detail {

namespace {

constexpr std::size_t kMaxKeyBytes = 256;
constexpr std::size_t kMaxValueBytes = 256;
constexpr std::size_t kLargeMember = 128;

constexpr CharacterSet kKeyStart("");
constexpr CharacterSet kKeyCharacters("_-*/@");
constexpr CharacterSet kValueCharacters(' ', '~', ",=");

struct Members {
    std::array<std::string_view, kMaxTracestateMembers> texts;
    std::array<std::string_view, kMaxTracestateMembers> keys;
    std::size_t count = 0;
};

bool is_valid_key(std::string_view key) noexcept {
    return !key.empty() && key.size() <= kMaxKeyBytes && kKeyStart.contains(key.front()) &&
           kKeyCharacters.contains_all(key);
}

/// Blanks at its end are gone already: they count as optional white space.
bool is_valid_value(std::string_view value) noexcept {
    return !value.empty() && value.size() <= kMaxValueBytes && kValueCharacters.contains_all(value);
}

/// False when a member breaks the grammar, or when there are too many.
bool read_members(std::string_view header, Members& members) noexcept {
    std::size_t count = 0;
    while (!header.empty()) {
        const std::string_view text = header.substr(0, header.find(','));
        header.remove_prefix(std::min(header.size(), text.size() + 1));
        const std::string_view member = trim_white_space(text);
        if (member.empty()) continue;
        if (++count > kMaxTracestateMembers) return false;
        const std::size_t equals = member.find('=');
        if (equals == std::string_view::npos) return false;
        const std::string_view key = member.substr(0, equals);
        if (!is_valid_key(key) || !is_valid_value(member.substr(equals + 1))) return false;
        const std::span known(members.keys.data(), members.count);
        if (std::find(known.begin(), known.end(), key) != known.end()) continue;
        members.texts[members.count] = member;
        members.keys[members.count] = key;
        ++members.count;
    }
    return true;
}

}  // namespace

std::string parse_tracestate(std::string_view header) {
    Members members;
    if (!read_members(header, members)) return {};
    std::size_t bytes = 0;  // with a comma after each
    for (std::size_t i = 0; i < members.count; ++i) bytes += members.texts[i].size() + 1;
    for (const std::size_t least : {kLargeMember + 1, std::size_t{1}}) {
        for (std::size_t i = members.count; i-- > 0 && bytes > kMaxTracestateBytes + 1;) {
            std::string_view& text = members.texts[i];
            if (text.size() < least) continue;
            bytes -= text.size() + 1;
            text = {};
        }
    }
    std::string passed_on;
    passed_on.reserve(bytes);
    for (std::size_t i = 0; i < members.count; ++i) {
        if (members.texts[i].empty()) continue;
        if (!passed_on.empty()) passed_on += ',';
        passed_on += members.texts[i];
    }
    return passed_on;
}

}  // namespace judgeval::detail
