// tracestate: whatever comes, what is passed on keeps the grammar and the caps, is made of members that came,
// in their order, each key once, is itself passed on unchanged; and all of it is kept when an independent
// reading finds nothing to object to.
#include <algorithm>
#include <cstdint>
#include <regex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "propagate/tracestate.hpp"
#include "require.hpp"

namespace judgeval::fuzz {
namespace {

using detail::parse_tracestate;

std::vector<std::string> members_of(const std::string& header) {
    std::vector<std::string> members;
    std::size_t at = 0;
    while (at <= header.size()) {
        const std::size_t end = std::min(header.find(',', at), header.size());
        std::size_t first = at;
        std::size_t last = end;
        while (first < last && (header[first] == ' ' || header[first] == '\t')) ++first;
        while (last > first && (header[last - 1] == ' ' || header[last - 1] == '\t')) --last;
        if (first < last) members.push_back(header.substr(first, last - first));
        at = end + 1;
    }
    return members;
}

bool keeps_grammar(const std::vector<std::string>& members) {
    static const std::regex form(
        "[a-z0-9][a-z0-9_*/"
        "@-]{0,255}=[\\x20-\\x2B\\x2D-\\x3C\\x3E-\\x7E]{0,255}[\\x21-\\x2B\\x2D-\\x3C\\x3E-\\x7E]");
    return members.size() <= detail::kMaxTracestateMembers &&
           std::all_of(members.begin(), members.end(),
                       [](const std::string& member) { return std::regex_match(member, form); });
}

void check(const std::string& header) {
    const std::string passed_on = parse_tracestate(header);
    const std::vector<std::string> came = members_of(header);
    if (!keeps_grammar(came)) {
        require(passed_on.empty(), "what breaks the grammar is discarded");
        return;
    }
    require(passed_on.size() <= detail::kMaxTracestateBytes, "the cap holds");
    const std::vector<std::string> kept = members_of(passed_on);
    require(parse_tracestate(passed_on) == passed_on, "what is passed on is passed on unchanged");

    std::vector<std::string> distinct;
    std::set<std::string> keys;
    std::size_t bytes = 0;
    for (const std::string& member : came) {
        if (!keys.insert(member.substr(0, member.find('='))).second) continue;
        distinct.push_back(member);
        bytes += member.size() + 1;
    }
    if (bytes <= detail::kMaxTracestateBytes + 1) {
        require(kept == distinct, "what is within the cap is kept whole, each key once");
        return;
    }
    auto at = distinct.begin();
    for (const std::string& member : kept) {
        at = std::find(at, distinct.end(), member);
        require(at != distinct.end(), "members are whole and in their order");
        ++at;
    }
    // No small member goes while a large one stays.
    const auto is_small = [](const std::string& member) { return member.size() <= 128; };
    require(std::all_of(kept.begin(), kept.end(), is_small) ||
                std::count_if(kept.begin(), kept.end(), is_small) ==
                    std::count_if(distinct.begin(), distinct.end(), is_small),
            "large members go first");
}

}  // namespace
}  // namespace judgeval::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    judgeval::fuzz::check(std::string(data, data + size));
    return 0;
}
