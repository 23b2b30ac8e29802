// baggage: whatever comes, what is read is within the caps, valid UTF-8 and each key once; what is written of
// it is a header within the caps, and reads alike; and a header of plain pairs is read as an independent
// reading does. Entries made of any bytes give a header that is safe to send.
#include <fuzzer/FuzzedDataProvider.h>

#include <algorithm>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "propagate/baggage.hpp"
#include "record/utf8.hpp"
#include "require.hpp"

namespace judgeval::fuzz {
namespace {

using detail::format_baggage;
using detail::InheritedEntry;
using detail::parse_baggage;

void check_header(const std::string& header) {
    require(header.size() <= detail::kBaggageBytesMost, "the cap holds on the way out");
    require(
        static_cast<std::size_t>(std::count(header.begin(), header.end(), ',')) < detail::kBaggageEntriesMost,
        "so does that on pairs");
    for (const char character : header) {
        require((character >= ' ' && character <= '~') || character == '\t', "a header is one line of ASCII");
    }
}

/// Letters and digits, an equals sign, letters and digits, between commas: nothing that would need care.
bool is_plain(const std::string& header) {
    return header.size() <= detail::kBaggageEntryMost &&
           std::all_of(header.begin(), header.end(), [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '=' || c == ',';
           });
}

std::vector<InheritedEntry> read_plain(const std::string& header) {
    std::vector<InheritedEntry> entries;
    std::size_t pairs = 0;
    for (std::size_t at = 0; at <= header.size() && pairs < detail::kBaggageEntriesMost;) {
        const std::size_t end = std::min(header.find(',', at), header.size());
        const std::string pair = header.substr(at, end - at);
        at = end + 1;
        if (!pair.empty()) ++pairs;
        const std::size_t equals = pair.find('=');
        if (equals == 0 || equals == std::string::npos) continue;
        InheritedEntry entry{pair.substr(0, equals), pair.substr(equals + 1), ""};
        bool is_known = false;
        for (InheritedEntry& other : entries) {
            if (other.key != entry.key) continue;
            other = entry;
            is_known = true;
        }
        if (!is_known) entries.push_back(entry);
    }
    return entries;
}

void check_reading(const std::string& header) {
    const std::vector<InheritedEntry> entries = parse_baggage(header);
    require(entries.size() <= detail::kBaggageEntriesMost, "the cap on pairs holds on the way in");
    std::set<std::string> keys;
    std::size_t bytes = 0;
    for (const InheritedEntry& entry : entries) {
        require(!entry.key.empty(), "a key is not empty");
        require(keys.insert(entry.key).second, "a key is there once");
        require(detail::is_valid_utf8(entry.key) && detail::is_valid_utf8(entry.value), "text is UTF-8");
        const std::size_t size = entry.key.size() + entry.value.size() + entry.properties.size();
        require(size < detail::kBaggageEntryMost, "a pair is within its cap");
        bytes += size;
    }
    require(bytes <= detail::kBaggageBytesMost, "all of them are within theirs");
    if (is_plain(header)) require(entries == read_plain(header), "plain pairs are read as they are");

    const std::string written = format_baggage(entries);
    check_header(written);
    const std::vector<InheritedEntry> again = parse_baggage(written);
    auto at = entries.begin();
    for (const InheritedEntry& entry : again) {
        at = std::find(at, entries.end(), entry);
        require(at != entries.end(), "what is written reads alike");
        ++at;
    }
    // Encoded, an entry is at most three times as long; a replaced byte, nine times what it was.
    if (header.size() <= detail::kBaggageEntryMost / 9) {
        require(again == entries, "nothing is left out without need");
    }
}

void check_writing(FuzzedDataProvider& choices) {
    std::vector<InheritedEntry> entries;
    while (choices.remaining_bytes() != 0) {
        entries.push_back({choices.ConsumeRandomLengthString(64), choices.ConsumeRandomLengthString(),
                           choices.ConsumeRandomLengthString(32)});
    }
    check_header(format_baggage(entries));
}

}  // namespace
}  // namespace judgeval::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    judgeval::fuzz::check_reading(std::string(data, data + size));
    FuzzedDataProvider choices(data, size);
    judgeval::fuzz::check_writing(choices);
    return 0;
}
