// See probe.hpp.
#include "doctor/probe.hpp"

#include <curl/curl.h>

#include <algorithm>
#include <array>
#include <memory>
#include <stdexcept>
#include <string_view>

namespace judgeval::doctor {

namespace {

constexpr std::size_t kBodyMost = std::size_t{64} << 10U;

struct FreeHandle {
    void operator()(CURL* handle) const noexcept { ::curl_easy_cleanup(handle); }
};
struct FreeList {
    void operator()(curl_slist* list) const noexcept { ::curl_slist_free_all(list); }
};
using Handle = std::unique_ptr<CURL, FreeHandle>;
using ErrorText = std::array<char, CURL_ERROR_SIZE>;

Handle make_handle(const ProbeOptions& options, ErrorText& error) {
    Handle handle(::curl_easy_init());
    if (!handle) throw std::runtime_error("libcurl cannot be started");
    CURL* const easy = handle.get();
    const auto timeout = static_cast<long>(options.timeout.count());
    ::curl_easy_setopt(easy, CURLOPT_URL, options.url.c_str());
    ::curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, error.data());
    ::curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    ::curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    ::curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    ::curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, timeout);
    ::curl_easy_setopt(easy, CURLOPT_TIMEOUT, timeout);
    ::curl_easy_setopt(easy, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    if (!options.ca_file.empty()) ::curl_easy_setopt(easy, CURLOPT_CAINFO, options.ca_file.c_str());
    return handle;
}

std::string words(CURLcode result, const ErrorText& error) {
    return error[0] != '\0' ? error.data() : ::curl_easy_strerror(result);
}

Reached failed_at(CURLcode result) {
    switch (result) {
        case CURLE_OK:
            return Reached::kAll;
        case CURLE_COULDNT_RESOLVE_PROXY:
            return Reached::kProxyName;
        case CURLE_COULDNT_RESOLVE_HOST:
            return Reached::kHostName;
        case CURLE_SSL_CONNECT_ERROR:
        case CURLE_PEER_FAILED_VERIFICATION:
        case CURLE_SSL_CACERT_BADFILE:
        case CURLE_SSL_CERTPROBLEM:
        case CURLE_SSL_CIPHER:
        case CURLE_SSL_ISSUER_ERROR:
            return Reached::kTls;
        default:
            return Reached::kHost;
    }
}

std::size_t take_body(char* from, std::size_t size, std::size_t count, void* to) {
    auto& body = *static_cast<std::string*>(to);
    body.append(from, std::min(size * count, kBodyMost - body.size()));
    return size * count;
}

std::size_t take_header(char* from, std::size_t size, std::size_t count, void* to) {
    constexpr std::string_view kDate = "date:";
    const std::string line(from, size * count);
    const bool is_date =
        line.size() > kDate.size() && ::curl_strnequal(line.c_str(), kDate.data(), kDate.size()) != 0;
    if (is_date) {
        const std::time_t date = ::curl_getdate(line.c_str() + kDate.size(), nullptr);
        if (date >= 0) *static_cast<std::optional<std::time_t>*>(to) = date;
    }
    return size * count;
}

}  // namespace

Connection connect(const ProbeOptions& options) {
    ErrorText error{};
    const Handle handle = make_handle(options, error);
    ::curl_easy_setopt(handle.get(), CURLOPT_CONNECT_ONLY, 1L);
    const CURLcode result = ::curl_easy_perform(handle.get());
    Connection connection{failed_at(result), {}, {}};
    curl_off_t lookup = 0;
    ::curl_easy_getinfo(handle.get(), CURLINFO_NAMELOOKUP_TIME_T, &lookup);
    if (result == CURLE_OPERATION_TIMEDOUT && lookup == 0) connection.failed_at = Reached::kHostName;
    if (result != CURLE_OK) connection.error = words(result, error);
    const char* address = nullptr;
    ::curl_easy_getinfo(handle.get(), CURLINFO_PRIMARY_IP, &address);
    if (address != nullptr) connection.address = address;
    return connection;
}

Answer post(const ProbeOptions& options, const std::vector<std::string>& headers, const std::string& body) {
    ErrorText error{};
    const Handle handle = make_handle(options, error);
    std::unique_ptr<curl_slist, FreeList> list;
    for (const std::string& header : headers) {
        curl_slist* const longer = ::curl_slist_append(list.get(), header.c_str());
        static_cast<void>(list.release());
        list.reset(longer);
    }
    Answer answer;
    CURL* const easy = handle.get();
    ::curl_easy_setopt(easy, CURLOPT_HTTPHEADER, list.get());
    ::curl_easy_setopt(easy, CURLOPT_POST, 1L);
    ::curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body.data());
    ::curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
    ::curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &take_body);
    ::curl_easy_setopt(easy, CURLOPT_WRITEDATA, &answer.body);
    ::curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, &take_header);
    ::curl_easy_setopt(easy, CURLOPT_HEADERDATA, &answer.date);
    const CURLcode result = ::curl_easy_perform(easy);
    if (result == CURLE_OK) {
        long status = 0;
        ::curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
        answer.status = static_cast<int>(status);
    } else {
        answer.error = words(result, error);
    }
    return answer;
}

}  // namespace judgeval::doctor
