// See the header.
#include "export/response_text.hpp"

#include <algorithm>

namespace judgeval::detail {

std::string quote(const std::string& said) {
    const auto line = said.substr(0, std::min<std::size_t>(said.find_first_of("\r\n"), 200));
    const bool is_text = std::all_of(line.begin(), line.end(), [](char c) { return c >= ' ' && c <= '~'; });
    return line.empty() || !is_text ? "" : " (" + line + ")";
}

std::string describe(const HttpResponse& response) {
    if (!response.error.empty()) return response.error;
    if (response.status == 0) return "no answer";
    return "HTTP " + std::to_string(response.status) + quote(response.body);
}

}  // namespace judgeval::detail
