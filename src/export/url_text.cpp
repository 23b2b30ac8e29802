// See the header. libcurl's encoder.
#include "export/url_text.hpp"

#include <curl/curl.h>

#include <memory>
#include <new>

namespace judgeval::detail {

std::string url_text(const std::string& text) {
    const std::unique_ptr<char, decltype(&::curl_free)> escaped(
        ::curl_easy_escape(nullptr, text.data(), static_cast<int>(text.size())), ::curl_free);
    if (!escaped) throw std::bad_alloc();
    return escaped.get();
}

}  // namespace judgeval::detail
