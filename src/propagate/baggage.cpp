// Reading and writing of baggage.
#include "propagate/baggage.hpp"

#include <algorithm>
#include <utility>

#include "propagate/characters.hpp"
#include "record/utf8.hpp"

namespace judgeval::detail {

namespace {

// baggage-octet, and token of RFC 7230
constexpr CharacterSet kValueCharacters('!', '~', "\",;\\");
constexpr CharacterSet kKeyCharacters('!', '~', "\"(),/:;<=>?@[\\]{}");
constexpr CharacterSet kPropertyCharacters(' ', '~', "\",\\");

// What is written as it is. A plus sign would be, too, but there are readers that take it for a blank.
constexpr CharacterSet kPlainInValue('!', '~', "\",;\\%+");
constexpr CharacterSet kPlainInKey('!', '~', "\"(),/:;<=>?@[\\]{}%+");

bool is_valid_properties(std::string_view text) noexcept {
    return std::all_of(text.begin(), text.end(),
                       [](char c) { return c == '\t' || kPropertyCharacters.contains(c); });
}

/// A percent sign without two digits behind it stands for itself.
std::string percent_decoded(std::string_view text) {
    std::string decoded;
    decoded.reserve(text.size());
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (text[at] == '%' && text.size() - at > 2) {
            const std::uint8_t high = kHexValues[static_cast<unsigned char>(text[at + 1])];
            const std::uint8_t low = kHexValues[static_cast<unsigned char>(text[at + 2])];
            if (((high | low) & kNoDigit) == 0) {
                decoded += static_cast<char>(high << 4U | low);
                at += 2;
                continue;
            }
        }
        decoded += text[at];
    }
    return is_valid_utf8(decoded) ? decoded : mend_utf8(decoded);
}

void append_percent_encoded(std::string& to, std::string_view text, const CharacterSet& plain) {
    for (const char character : text) {
        if (plain.contains(character)) {
            to += character;
        } else {
            const auto byte = static_cast<unsigned char>(character);
            to += '%';
            to += "0123456789ABCDEF"[byte >> 4U];
            to += "0123456789ABCDEF"[byte & 15U];
        }
    }
}

/// Puts the member among the entries, unless it breaks the grammar.
void take_member(std::string_view member, std::vector<InheritedEntry>& entries) {
    const std::size_t semicolon = std::min(member.find(';'), member.size());
    const std::string_view pair = member.substr(0, semicolon);
    const std::string_view properties =
        trim_white_space(member.substr(std::min(semicolon + 1, member.size())));
    const std::size_t equals = pair.find('=');
    if (equals == std::string_view::npos) return;
    const std::string_view key = trim_white_space(pair.substr(0, equals));
    const std::string_view value = trim_white_space(pair.substr(equals + 1));
    if (key.empty() || !kKeyCharacters.contains_all(key) || !kValueCharacters.contains_all(value) ||
        !is_valid_properties(properties)) {
        return;
    }
    InheritedEntry entry{percent_decoded(key), percent_decoded(value), std::string(properties)};
    const auto known = std::find_if(entries.begin(), entries.end(),
                                    [&](const InheritedEntry& other) { return other.key == entry.key; });
    if (known != entries.end()) {
        *known = std::move(entry);
    } else {
        entries.push_back(std::move(entry));
    }
}

}  // namespace

std::vector<InheritedEntry> parse_baggage(std::string_view header) {
    std::vector<InheritedEntry> entries;
    if (header.size() > kBaggageBytesMost) {
        // Up to the last member that ends by then.
        const std::size_t end = header.rfind(',', kBaggageBytesMost);
        header = header.substr(0, end == std::string_view::npos ? 0 : end);
    }
    std::size_t pairs = 0;
    while (!header.empty() && pairs < kBaggageEntriesMost) {
        const std::string_view text = header.substr(0, header.find(','));
        header.remove_prefix(std::min(header.size(), text.size() + 1));
        const std::string_view member = trim_white_space(text);
        if (member.empty()) continue;
        ++pairs;
        if (member.size() <= kBaggageEntryMost) take_member(member, entries);
    }
    return entries;
}

std::string format_baggage(std::span<const InheritedEntry> entries) {
    std::string header;
    std::size_t pairs = 0;
    for (const InheritedEntry& entry : entries) {
        if (pairs == kBaggageEntriesMost) break;
        if (!entry.is_baggage || entry.key.empty() || !is_valid_properties(entry.properties)) continue;
        // encoded it is no shorter
        if (entry.key.size() + entry.value.size() > kBaggageEntryMost) continue;
        const std::size_t before = header.size();
        if (before != 0) header += ',';
        const std::size_t start = header.size();
        append_percent_encoded(header, entry.key, kPlainInKey);
        header += '=';
        append_percent_encoded(header, entry.value, kPlainInValue);
        if (!entry.properties.empty()) {
            header += ';';
            header += entry.properties;
        }
        if (header.size() - start > kBaggageEntryMost || header.size() > kBaggageBytesMost) {
            header.resize(before);
        } else {
            ++pairs;
        }
    }
    return header;
}

}  // namespace judgeval::detail
