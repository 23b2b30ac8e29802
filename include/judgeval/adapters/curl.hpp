// A libcurl request's header list as a carrier, for outgoing requests.
//
//     curl_slist* headers = curl_slist_append(nullptr, "Content-Type: application/json");
//     judgeval::inject(headers);
//     curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers);  // and later curl_slist_free_all(headers)
#pragma once

#include <curl/curl.h>

#include <string>
#include <string_view>
#include <utility>

#include "judgeval/propagation.hpp"

namespace judgeval {

/// The list may be null, and is the caller's to free, as with curl_slist_append.
template <>
struct CarrierTraits<curl_slist*> {
    static void set(curl_slist*& list, std::string_view name, std::string_view value) {
        for (curl_slist** at = &list; *at != nullptr;) {
            const std::string_view line((*at)->data);
            // "name: value", or "name;" for one without a value
            if (!detail::is_header(line.substr(0, line.find_first_of(":;")), name)) {
                at = &(*at)->next;
                continue;
            }
            curl_slist* const removed = std::exchange(*at, (*at)->next);
            removed->next = nullptr;
            curl_slist_free_all(removed);
        }
        if (value.empty()) return;
        std::string line(name);
        line += ": ";
        line += value;
        curl_slist* const longer = curl_slist_append(list, line.c_str());
        if (longer != nullptr) list = longer;  // null: no memory
    }
};

}  // namespace judgeval
