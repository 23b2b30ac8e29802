// libcurl, set up for a client that must neither block nor trust.
#include "export/curl_transport.hpp"

#include <curl/curl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <mutex>
#include <new>
#include <string>

#include "judgeval/version.hpp"

namespace judgeval::detail {

namespace {

void start_curl() {
    static std::once_flag once;
    std::call_once(once, [] { ::curl_global_init(CURL_GLOBAL_DEFAULT); });
}

/// A program that the application starts with exec must not hold the connection open, nor read from it.
curl_socket_t open_socket(void* /*self*/, curlsocktype /*purpose*/, curl_sockaddr* address) {
    return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

struct FreeCurlUrl {
    void operator()(CURLU* url) const noexcept { ::curl_url_cleanup(url); }
};

}  // namespace

struct CurlTransport::Request {
    std::uint64_t id = 0;
    CURL* easy = nullptr;
    curl_slist* headers = nullptr;
    std::vector<std::string_view> body;
    std::size_t piece = 0;   ///< of the body: read so far
    std::size_t offset = 0;  ///< in the piece
    HttpResponse response;
    char error[CURL_ERROR_SIZE] = {};

    Request() = default;
    Request(const Request&) = delete;
    Request& operator=(const Request&) = delete;
    ~Request() {
        ::curl_easy_cleanup(easy);
        ::curl_slist_free_all(headers);
    }

    static std::size_t read_body(char* to, std::size_t size, std::size_t count, void* self) {
        auto& request = *static_cast<Request*>(self);
        std::size_t room = size * count;
        std::size_t total = 0;
        while (room != 0 && request.piece < request.body.size()) {
            const std::string_view piece = request.body[request.piece].substr(request.offset);
            const std::size_t copied = std::min(room, piece.size());
            std::memcpy(to + total, piece.data(), copied);
            total += copied;
            room -= copied;
            request.offset += copied;
            if (copied == piece.size()) {
                ++request.piece;
                request.offset = 0;
            }
        }
        return total;
    }

    /// libcurl sends again on a fresh connection when a kept one turns out to be dead.
    static int seek_body(void* self, curl_off_t offset, int origin) {
        auto& request = *static_cast<Request*>(self);
        if (offset != 0 || origin != SEEK_SET) return CURL_SEEKFUNC_CANTSEEK;
        request.piece = request.offset = 0;
        return CURL_SEEKFUNC_OK;
    }

    static std::size_t write_response(char* from, std::size_t size, std::size_t count, void* self) try {
        auto& body = static_cast<Request*>(self)->response.body;
        const std::size_t bytes = size * count;
        const std::size_t taken = std::min(bytes, kResponseMost - body.size());
        body.append(from, taken);
        return taken;  // less than all ends the transfer: nobody needs more of an answer
    } catch (...) {
        return 0;
    }

    static std::size_t read_header(char* from, std::size_t size, std::size_t count, void* self) try {
        constexpr std::string_view kName = "retry-after:";
        const std::string_view line(from, size * count);
        const bool is_it = line.size() > kName.size() &&
                           std::equal(kName.begin(), kName.end(), line.begin(), [](char name, char c) {
                               return name == (c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c);
                           });
        if (is_it) {
            std::string_view value = line.substr(kName.size());
            value = value.substr(0, value.find_first_of("\r\n"));
            static_cast<Request*>(self)->response.retry_after = value.substr(0, 100);
        }
        return line.size();
    } catch (...) {
        return 0;
    }
};

struct CurlTransport::State {
    CURLM* multi = nullptr;
    PipelineOptions options;
    std::map<std::uint64_t, std::unique_ptr<Request>> requests;
    std::vector<Completion> failed;  ///< requests that could not even begin

    void finish(CURL* easy, CURLcode result, std::vector<Completion>& completions) {
        Request* request = nullptr;
        ::curl_easy_getinfo(easy, CURLINFO_PRIVATE, reinterpret_cast<char**>(&request));
        HttpResponse& response = request->response;
        long status = 0;
        ::curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
        // An answer that is longer than anybody reads is an answer all the same.
        const bool was_cut = result == CURLE_WRITE_ERROR && response.body.size() == kResponseMost;
        if (result == CURLE_OK || was_cut) {
            response.status = static_cast<int>(status);
        } else {
            response.error = request->error[0] != '\0' ? request->error : ::curl_easy_strerror(result);
        }
        completions.push_back({request->id, std::move(response)});
        ::curl_multi_remove_handle(multi, easy);
        requests.erase(completions.back().id);
    }
};

CurlTransport::CurlTransport(const PipelineOptions& options) : state_(std::make_unique<State>()) {
    start_curl();
    state_->options = options;
    state_->multi = ::curl_multi_init();
    if (state_->multi == nullptr) throw std::bad_alloc();
    const long connections = static_cast<long>(options.max_requests_in_flight) + 1;
    ::curl_multi_setopt(state_->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, connections);
    ::curl_multi_setopt(state_->multi, CURLMOPT_MAXCONNECTS, connections);
}

CurlTransport::~CurlTransport() {
    for (const auto& [id, request] : state_->requests)
        ::curl_multi_remove_handle(state_->multi, request->easy);
    state_->requests.clear();
    ::curl_multi_cleanup(state_->multi);
}

void CurlTransport::send(std::uint64_t id, const HttpRequest& what) {
    auto request = std::make_unique<Request>();
    request->id = id;
    request->body = what.body;
    CURL* const easy = request->easy = ::curl_easy_init();
    if (easy == nullptr) {
        state_->failed.push_back({id, {0, "libcurl has no memory", {}, {}}});
        return;
    }
    for (const auto& header : what.headers)
        request->headers = ::curl_slist_append(request->headers, header.c_str());
    request->headers = ::curl_slist_append(request->headers, "Expect:");  // no round trip before the body
    curl_off_t size = 0;
    for (const auto piece : what.body) size += static_cast<curl_off_t>(piece.size());

    const PipelineOptions& options = state_->options;
    ::curl_easy_setopt(easy, CURLOPT_URL, what.url.c_str());
    ::curl_easy_setopt(easy, CURLOPT_HTTPHEADER, request->headers);
    // OTLP exporter specification, "User Agent"; a header of that name among the caller's own wins.
    ::curl_easy_setopt(easy, CURLOPT_USERAGENT, ("judgeval-cpp/" + std::string(version)).c_str());
    ::curl_easy_setopt(easy, what.is_get ? CURLOPT_HTTPGET : CURLOPT_POST, 1L);
    if (!what.is_get) ::curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, size);
    ::curl_easy_setopt(easy, CURLOPT_READFUNCTION, &Request::read_body);
    ::curl_easy_setopt(easy, CURLOPT_READDATA, request.get());
    ::curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, &Request::seek_body);
    ::curl_easy_setopt(easy, CURLOPT_SEEKDATA, request.get());
    ::curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, 256L << 10U);
    ::curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &Request::write_response);
    ::curl_easy_setopt(easy, CURLOPT_WRITEDATA, request.get());
    ::curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, &Request::read_header);
    ::curl_easy_setopt(easy, CURLOPT_HEADERDATA, request.get());
    ::curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, request->error);
    ::curl_easy_setopt(easy, CURLOPT_PRIVATE, request.get());
    ::curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    ::curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);      // a resolver that hangs must not hang us
    ::curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);  // the key goes to the host it was meant for
    ::curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    ::curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(options.connect_timeout.count()));
    ::curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(options.request_timeout.count()));
    ::curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    ::curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    ::curl_easy_setopt(easy, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    if (!options.ca_file.empty()) ::curl_easy_setopt(easy, CURLOPT_CAINFO, options.ca_file.c_str());
    ::curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    ::curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, &open_socket);

    if (const CURLMcode result = ::curl_multi_add_handle(state_->multi, easy); result != CURLM_OK) {
        state_->failed.push_back({id, {0, ::curl_multi_strerror(result), {}, {}}});
        return;
    }
    state_->requests.emplace(id, std::move(request));
}

void CurlTransport::cancel(std::uint64_t id) {
    const auto found = state_->requests.find(id);
    if (found == state_->requests.end()) {
        std::erase_if(state_->failed, [id](const Completion& completion) { return completion.id == id; });
        return;
    }
    ::curl_multi_remove_handle(state_->multi, found->second->easy);
    state_->requests.erase(found);
}

void CurlTransport::wait(std::chrono::nanoseconds at_most, std::vector<Completion>& completions) {
    int running = 0;
    ::curl_multi_perform(state_->multi, &running);
    // What is done already is not waited for.
    int messages = 0;
    const CURLMsg* message = ::curl_multi_info_read(state_->multi, &messages);
    if (message == nullptr && state_->failed.empty()) {
        using std::chrono::milliseconds;
        const auto rounded = std::chrono::ceil<milliseconds>(std::max(at_most, std::chrono::nanoseconds(0)));
        const auto timeout = std::min<milliseconds>(rounded, std::chrono::hours(1));
        ::curl_multi_poll(state_->multi, nullptr, 0, static_cast<int>(timeout.count()), nullptr);
        ::curl_multi_perform(state_->multi, &running);
        message = ::curl_multi_info_read(state_->multi, &messages);
    }
    for (; message != nullptr; message = ::curl_multi_info_read(state_->multi, &messages)) {
        if (message->msg == CURLMSG_DONE)
            state_->finish(message->easy_handle, message->data.result, completions);
    }
    for (auto& completion : state_->failed) completions.push_back(std::move(completion));
    state_->failed.clear();
}

void CurlTransport::wake() noexcept { ::curl_multi_wakeup(state_->multi); }

std::string check_url(const std::string& url, bool may_have_query) {
    start_curl();
    const std::unique_ptr<CURLU, FreeCurlUrl> parsed(::curl_url());
    if (!parsed) return "no memory to parse it";
    if (const CURLUcode result = ::curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0);
        result != CURLUE_OK) {
        return ::curl_url_strerror(result);
    }
    char* text = nullptr;
    if (::curl_url_get(parsed.get(), CURLUPART_SCHEME, &text, 0) != CURLUE_OK) return "no scheme";
    const std::string scheme = text;
    ::curl_free(text);
    if (scheme != "http" && scheme != "https") return "the scheme must be http or https";
    if (::curl_url_get(parsed.get(), CURLUPART_USER, &text, 0) == CURLUE_OK) {
        ::curl_free(text);
        return "it must not carry a user name or password";
    }
    // Looked for in the text, since even an empty one would swallow the path that is appended.
    if (url.find('#') != std::string::npos || (!may_have_query && url.find('?') != std::string::npos)) {
        return may_have_query ? "it must not carry a fragment" : "it must not carry a query or a fragment";
    }
    return {};
}

}  // namespace judgeval::detail
