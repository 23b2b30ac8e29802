// traceparent: whatever comes is taken when an independent reading (a regular expression) takes it, with the
// same ids; what is written is version 00 and reads alike.
#include <fuzzer/FuzzedDataProvider.h>

#include <array>
#include <cstdint>
#include <optional>
#include <regex>
#include <string>

#include "propagate/traceparent.hpp"
#include "require.hpp"

namespace judgeval::fuzz {
namespace {

using detail::kTraceparentBytes;

std::optional<SpanIdentity> parsed(const std::string& header) {
    SpanIdentity identity;
    return detail::parse_traceparent(header, identity) ? std::optional(identity) : std::nullopt;
}

std::string formatted(const SpanIdentity& identity) {
    std::array<char, kTraceparentBytes> text;
    detail::format_traceparent(identity, text);
    return {text.data(), text.size()};
}

void check_header(const std::string& header) {
    static const std::regex form("[ \\t]*([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-[^,]*)?");
    std::smatch parts;
    const std::string trimmed = header.substr(0, header.find_last_not_of(" \t") + 1);
    const bool is_expected = std::regex_match(trimmed, parts, form) && parts[1] != "ff" &&
                             (parts[1] != "00" || !parts[5].matched) && parts[2] != std::string(32, '0') &&
                             parts[3] != std::string(16, '0');
    const auto identity = parsed(header);
    require(identity.has_value() == is_expected, "a header is taken when it keeps the grammar");
    if (!identity) return;
    require(identity->trace_id.to_hex() == parts[2], "the trace id");
    require(identity->span_id.to_hex() == parts[3], "the parent id");
    require(identity->is_remote && !identity->is_shed, "it came from elsewhere");
    const auto flags = static_cast<unsigned>(std::stoul(parts[4], nullptr, 16));
    require(identity->trace_flags == (flags & 3U), "the flags that are defined");
    require(formatted(*identity) == "00-" + std::string(parts[2]) + "-" + std::string(parts[3]) + "-0" +
                                        std::to_string(flags & 3U),
            "it is passed on in version 00");
}

void check_identity(FuzzedDataProvider& choices) {
    SpanIdentity identity;
    for (auto& byte : identity.trace_id.bytes) byte = choices.ConsumeIntegral<std::uint8_t>();
    for (auto& byte : identity.span_id.bytes) byte = choices.ConsumeIntegral<std::uint8_t>();
    identity.trace_flags = choices.ConsumeIntegral<std::uint8_t>();
    identity.is_shed = choices.ConsumeBool();
    const auto read = parsed(formatted(identity));
    require(read.has_value() == identity.is_valid(), "what is valid can be read");
    if (!read) return;
    require(read->trace_id == identity.trace_id && read->span_id == identity.span_id, "ids survive");
    require(read->is_sampled() == (identity.is_sampled() && !identity.is_shed), "and so does the decision");
}

}  // namespace
}  // namespace judgeval::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    judgeval::fuzz::check_header(std::string(data, data + size));
    FuzzedDataProvider choices(data, size);
    judgeval::fuzz::check_identity(choices);
    return 0;
}
