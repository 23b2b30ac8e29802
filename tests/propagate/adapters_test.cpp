// The adapters for HTTP libraries, each with its library: requests are sent, and taken, for real.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/beast/http.hpp>
#include <map>
#include <mutex>
#include <sstream>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "judgeval/adapters/beast.hpp"
#include "judgeval/adapters/curl.hpp"
#include "judgeval/adapters/httplib.hpp"
#include "judgeval/judgeval.hpp"

namespace judgeval::test {
namespace {

namespace http = boost::beast::http;
using ::testing::ElementsAre;
using Headers = std::map<std::string, std::string>;

const std::string kTraceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const std::string kOther = "00-11111111111111111111111111111111-2222222222222222-00";
const Headers kAll = {
    {"traceparent", kTraceparent}, {"tracestate", "rojo=1,congo=2"}, {"baggage", "user=ann"}};

Headers headers_of(const Context& context) {
    Headers headers;
    inject(headers, context);
    return headers;
}

/// Says what context the requests it gets carry.
class Server {
  public:
    Server() {
        server_.Get("/", [this](const httplib::Request& request, httplib::Response& response) {
            {
                const std::lock_guard lock(mutex_);
                came_ = request.headers;
            }
            const auto scope = continue_trace(request);
            inject(response);  // and says so in its answer, too
        });
        port_ = server_.bind_to_any_port("127.0.0.1");
        thread_ = std::thread([this] { server_.listen_after_bind(); });
        while (!server_.is_running()) std::this_thread::yield();
    }
    ~Server() {
        server_.stop();
        thread_.join();
    }
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    [[nodiscard]] int port() const { return port_; }
    /// With the last request.
    [[nodiscard]] httplib::Headers came() const {
        const std::lock_guard lock(mutex_);
        return came_;
    }

  private:
    httplib::Server server_;
    mutable std::mutex mutex_;
    httplib::Headers came_;  // guarded by mutex_
    int port_ = 0;
    std::thread thread_;
};

TEST(Httplib, ARequestCarriesTheContext) {
    Server server;
    httplib::Client client("127.0.0.1", server.port());
    httplib::Headers headers = {{"Traceparent", kOther}};
    inject(headers, extract(kAll));
    const auto answer = client.Get("/", headers);
    ASSERT_TRUE(answer);
    EXPECT_EQ(headers_of(extract(*answer)), kAll);

    httplib::Request request;
    request.method = "GET";
    request.path = "/";
    request.headers = {{"X-Other", "x"}, {"TRACEPARENT", kOther}};
    inject(request, extract(kAll));
    const auto second = client.send(request);
    ASSERT_TRUE(second);
    EXPECT_EQ(headers_of(extract(*second)), kAll);
    EXPECT_EQ(server.came().count("traceparent"), 1U);
    EXPECT_EQ(server.came().count("X-Other"), 1U);
}

TEST(Httplib, SeveralHeadersOfOneNameAreJoined) {
    Server server;
    httplib::Client client("127.0.0.1", server.port());
    const auto answer = client.Get("/", httplib::Headers{{"traceparent", kTraceparent},
                                                         {"tracestate", "rojo=1"},
                                                         {"TraceState", "congo=2"},
                                                         {"baggage", "user=ann"}});
    ASSERT_TRUE(answer);
    EXPECT_EQ(headers_of(extract(*answer)), kAll);
}

TEST(Beast, ARequestCarriesTheContext) {
    http::request<http::string_body> request(http::verb::post, "/process", 11, "{}");
    request.set("X-Other", "x");
    request.insert("TraceParent", kOther);
    request.insert("traceparent", kOther);
    inject(request, extract(kAll));
    request.prepare_payload();
    std::ostringstream wire;
    wire << request;

    http::request_parser<http::string_body> parser;
    parser.eager(true);
    boost::beast::error_code error;
    const std::string text = wire.str();
    parser.put(boost::asio::buffer(text), error);
    ASSERT_FALSE(error) << error.message() << " in " << text;
    EXPECT_EQ(headers_of(extract(parser.get())), kAll) << text;
    EXPECT_EQ(parser.get().count("traceparent"), 1U);
    EXPECT_EQ(parser.get()["X-Other"], "x");

    const ContextScope scope = continue_trace(parser.get().base());
    EXPECT_EQ(headers_of(Tracer().current_context()), kAll);
}

TEST(Beast, FieldsAloneAreACarrier) {
    http::fields fields;
    inject(fields, extract(kAll));
    EXPECT_EQ(headers_of(extract(fields)), kAll);
    inject(fields, extract(Headers{{"traceparent", kOther}}));
    EXPECT_EQ(headers_of(extract(fields)), (Headers{{"traceparent", kOther}}));
    fields.insert("tracestate", "rojo=1");
    fields.insert("Tracestate", "congo=2");
    EXPECT_EQ(headers_of(extract(fields)).at("tracestate"), "rojo=1,congo=2");
}

std::vector<std::string> lines_of(const curl_slist* list) {
    std::vector<std::string> lines;
    for (; list != nullptr; list = list->next) lines.emplace_back(list->data);
    return lines;
}

TEST(Curl, ARequestCarriesTheContext) {
    Server server;
    curl_slist* headers = nullptr;
    inject(headers, extract(kAll));
    CURL* const request = curl_easy_init();
    const std::string url = "http://127.0.0.1:" + std::to_string(server.port()) + "/";
    curl_easy_setopt(request, CURLOPT_URL, url.c_str());
    curl_easy_setopt(request, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(request, CURLOPT_NOPROXY, "*");
    EXPECT_EQ(curl_easy_perform(request), CURLE_OK);
    curl_easy_cleanup(request);
    curl_slist_free_all(headers);
    EXPECT_EQ(headers_of(extract(server.came())), kAll);
}

TEST(Curl, HeadersThatAreThereAreReplaced) {
    curl_slist* headers = nullptr;
    for (const std::string& line :
         {std::string("Traceparent: ") + kOther, std::string("Accept: */*"), std::string("tracestate;"),
          std::string("BAGGAGE:user=bob"), std::string("X-Traceparent: x"), std::string("baggage")}) {
        headers = curl_slist_append(headers, line.c_str());
    }
    inject(headers, extract(kAll));
    EXPECT_THAT(lines_of(headers),
                ElementsAre("Accept: */*", "X-Traceparent: x", "traceparent: " + kTraceparent,
                            "tracestate: rojo=1,congo=2", "baggage: user=ann"));
    inject(headers, extract(Headers{{"traceparent", kOther}}));
    EXPECT_THAT(lines_of(headers), ElementsAre("Accept: */*", "X-Traceparent: x", "traceparent: " + kOther));
    curl_slist_free_all(headers);
}

TEST(Curl, AListIsLeftAloneOutsideOfAnySpan) {
    curl_slist* headers = nullptr;
    inject(headers);
    EXPECT_EQ(headers, nullptr);
}

static_assert(OutgoingCarrier<curl_slist*> && !IncomingCarrier<curl_slist*>);
static_assert(OutgoingCarrier<http::response<http::empty_body>> &&
              IncomingCarrier<http::response<http::empty_body>>);

}  // namespace
}  // namespace judgeval::test
