#include "judgeval/adapters/asio.hpp"
#include <gtest/gtest.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <judgeval/testing.hpp>
#include "client.hpp"
namespace judgeval::test {
namespace {
namespace asio = boost::asio;
using judgeval::testing::SpanCapture;
Awaitable<int> inner(const Tracer& tracer) {
    auto span = tracer.span("inner");
    asio::steady_timer timer(co_await asio::this_coro::executor, std::chrono::milliseconds(1));
    co_await timer.async_wait(use_awaitable);
    tracer.span("in inner").end();
    co_return 7;
}
Awaitable<> serve(const Tracer& tracer) {
    auto span = tracer.span("serve");
    EXPECT_EQ(co_await inner(tracer), 7);
    tracer.span("in serve").end();
}
TEST(Asio, Works) {
    const SpanCapture capture;
    const Tracer& tracer = capture.tracer();
    asio::io_context io;
    {
        auto request = tracer.span("request");
        asio::co_spawn(io, serve(tracer), asio::detached);
    }
    io.run();
    EXPECT_FALSE(tracer.current_context().is_valid());
    std::cout << capture.spans().tree();
}
}
}
