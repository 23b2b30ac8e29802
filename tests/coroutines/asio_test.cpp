// Boost.Asio's coroutines: the current span across what they await, beside others on the same thread, on the
// threads of a pool, and when they end or are given up.
#include "judgeval/adapters/asio.hpp"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/connect_pair.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/asio/write.hpp>
#include <concepts>
#include <coroutine>
#include <future>
#include <judgeval/testing.hpp>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "client.hpp"

namespace judgeval::test {
namespace {

namespace asio = boost::asio;
using judgeval::testing::CapturedSpans;
using judgeval::testing::SpanCapture;

/// What may be awaited in a coroutine of type C.
template <typename C, typename A>
concept Awaits = requires(typename std::coroutine_traits<C>::promise_type& promise, A awaitable) {
    promise.await_transform(std::move(awaitable));
};
static_assert(Awaits<Awaitable<int>, Awaitable<std::string>>);
// Neither what asio::use_awaitable makes of an operation nor a coroutine that may await that.
static_assert(!Awaits<Awaitable<int>, asio::awaitable<void>>);
static_assert(!Awaits<asio::awaitable<int>, Awaitable<>>);

/// Suspends until the test opens it.
class Gate {
  public:
    explicit Gate(asio::io_context& io) : timer_(io, asio::steady_timer::time_point::max()) {}
    Awaitable<> pass() {
        boost::system::error_code cancelled;
        co_await timer_.async_wait(asio::redirect_error(use_awaitable, cancelled));
    }
    /// As an operation that fails.
    Awaitable<> fail() { co_await timer_.async_wait(use_awaitable); }
    void open() { timer_.cancel(); }

  private:
    asio::steady_timer timer_;
};

class AsioTest : public ::testing::Test {
  protected:
    void TearDown() override {
        EXPECT_FALSE(tracer_.current_context().is_valid());
        spans();  // waits until all is exported
        expect_balanced(tracer_.stats());
    }
    /// Runs what is ready.
    void poll() {
        io_->restart();
        io_->poll();
    }
    CapturedSpans spans() const { return capture_.spans(); }
    static void expect_child(const CapturedSpans& spans, const std::string& child,
                             const std::string& parent) {
        EXPECT_EQ(spans.find(child).parent_span_id, spans.find(parent).span_id) << child << '\n'
                                                                                << spans.tree();
        EXPECT_EQ(spans.find(child).trace_id, spans.find(parent).trace_id) << child << '\n' << spans.tree();
    }

    SpanCapture capture_;
    const Tracer& tracer_ = capture_.tracer();
    std::unique_ptr<asio::io_context> io_ = std::make_unique<asio::io_context>();
};

Awaitable<> around(const Tracer& tracer, Gate& gate, std::string name) {
    auto span = tracer.span(name);
    tracer.span(name + " before").end();
    co_await gate.pass();
    tracer.set_attribute("after", name);
    tracer.span(name + " after").end();
}

TEST_F(AsioTest, CoroutinesTakeTurnsOnOneThread) {
    Gate first(*io_);
    Gate second(*io_);
    {
        auto request = tracer_.span("request");
        asio::co_spawn(*io_, around(tracer_, first, "a"), asio::detached);
        asio::co_spawn(*io_, around(tracer_, second, "b"), asio::detached);
        tracer_.span("not begun").end();
    }
    {
        auto loop = tracer_.span("loop");
        poll();
        tracer_.span("both wait").end();
        first.open();
        poll();
        tracer_.span("one waits").end();
        second.open();
        poll();
        tracer_.span("none waits").end();
    }
    const auto all = spans();
    for (const auto* child : {"a", "b", "not begun"}) expect_child(all, child, "request");
    for (const auto* child : {"both wait", "one waits", "none waits"}) expect_child(all, child, "loop");
    for (const std::string name : {"a", "b"}) {
        expect_child(all, name + " before", name);
        expect_child(all, name + " after", name);
        EXPECT_NE(all.find(name).attribute("after"), nullptr);
    }
}

TEST_F(AsioTest, TheSpanStaysCurrentOnAnotherThread) {
    Gate gate(*io_);
    {
        auto request = tracer_.span("request");
        asio::co_spawn(*io_, around(tracer_, gate, "coroutine"), asio::detached);
    }
    poll();
    std::thread([&] {
        auto elsewhere = tracer_.span("elsewhere");
        gate.open();
        poll();  // ends the coroutine's span here
        tracer_.span("still elsewhere").end();
    }).join();
    const auto all = spans();
    expect_child(all, "coroutine", "request");
    expect_child(all, "coroutine after", "coroutine");
    expect_child(all, "still elsewhere", "elsewhere");
    EXPECT_TRUE(all.find("elsewhere").is_root());
}

TEST_F(AsioTest, SpawnedOutsideOfAnySpanItIsARoot) {
    Gate gate(*io_);
    asio::co_spawn(*io_, around(tracer_, gate, "coroutine"), asio::detached);
    {
        auto loop = tracer_.span("loop");
        poll();
        gate.open();
        poll();
    }
    const auto all = spans();
    EXPECT_TRUE(all.find("coroutine").is_root()) << all.tree();
    expect_child(all, "coroutine after", "coroutine");
}

Awaitable<int> leaf(const Tracer& tracer, Gate& gate) {
    auto span = tracer.span("leaf");
    co_await gate.pass();
    tracer.span("in leaf").end();
    co_return 20;
}
Awaitable<int> middle(const Tracer& tracer, Gate& gate) {
    auto span = tracer.span("middle");
    const int value = co_await leaf(tracer, gate);
    tracer.span("in middle").end();
    co_return value + 1;
}

TEST_F(AsioTest, ACoroutineRunsBelowTheOneThatAwaitsIt) {
    Gate gate(*io_);
    auto result = asio::co_spawn(*io_, middle(tracer_, gate), asio::use_future);
    poll();
    EXPECT_FALSE(tracer_.current_context().is_valid());
    gate.open();
    std::thread([&] { poll(); }).join();
    EXPECT_EQ(result.get(), 21);
    const auto all = spans();
    expect_child(all, "leaf", "middle");
    expect_child(all, "in leaf", "leaf");
    expect_child(all, "in middle", "middle");
}

Awaitable<> spawning(const Tracer& tracer, Gate& own, Gate& others) {
    auto span = tracer.span("spawning");
    const auto executor = co_await asio::this_coro::executor;
    asio::co_spawn(executor, around(tracer, others, "spawned"), asio::detached);
    co_await own.pass();
    tracer.span("meanwhile").end();
    co_await asio::co_spawn(executor, around(tracer, own, "awaited"), use_awaitable);
    tracer.span("afterwards").end();
}

TEST_F(AsioTest, ACoroutineSpawnsOthersBelowItsSpan) {
    Gate own(*io_);
    Gate others(*io_);
    asio::co_spawn(*io_, spawning(tracer_, own, others), asio::detached);
    for (auto* gate : {&own, &own, &others}) {
        poll();
        EXPECT_FALSE(tracer_.current_context().is_valid());
        gate->open();
    }
    poll();
    const auto all = spans();
    for (const auto* child : {"spawned", "meanwhile", "awaited", "afterwards"}) {
        expect_child(all, child, "spawning");
    }
    expect_child(all, "spawned after", "spawned");
    expect_child(all, "awaited after", "awaited");
}

Awaitable<> fail(const Tracer& tracer, Gate& gate) {
    auto span = tracer.span("failing");
    co_await gate.pass();
    throw std::runtime_error("no");
}
Awaitable<> be_cancelled(const Tracer& tracer, Gate& gate) {
    auto span = tracer.span("cancelled");
    co_await gate.fail();
}
Awaitable<> pass_on(const Tracer& tracer, Gate& gate) {
    auto span = tracer.span("caller");
    try {
        co_await be_cancelled(tracer, gate);
    } catch (const boost::system::system_error& error) {
        EXPECT_EQ(error.code(), asio::error::operation_aborted);
        tracer.span("recovery").end();
    }
    co_await fail(tracer, gate);
}

TEST_F(AsioTest, AnExceptionEndsTheSpansThatItLeaves) {
    Gate gate(*io_);
    auto result = asio::co_spawn(*io_, pass_on(tracer_, gate), asio::use_future);
    for (int i = 0; i < 2; ++i) {
        poll();
        gate.open();
    }
    poll();
    EXPECT_THROW(result.get(), std::runtime_error);
    const auto all = spans();
    for (const auto* child : {"cancelled", "recovery", "failing"}) expect_child(all, child, "caller");
    for (const auto* name : {"caller", "cancelled", "failing"}) {
        EXPECT_EQ(all.find(name).status, StatusCode::kError) << name;
    }
}

/// Starts a span where it goes.
struct CleansUp {
    explicit CleansUp(const Tracer& with) : tracer(with) {}
    CleansUp(const CleansUp&) = delete;
    CleansUp& operator=(const CleansUp&) = delete;
    ~CleansUp() { tracer.span("cleanup").end(); }
    const Tracer& tracer;
};
Awaitable<> wait_forever(const Tracer& tracer) {
    auto span = tracer.span("given up");
    tracer.set_session_id("session-1");
    const CleansUp cleans_up(tracer);
    asio::steady_timer timer(co_await asio::this_coro::executor, asio::steady_timer::time_point::max());
    co_await timer.async_wait(use_awaitable);
}
Awaitable<> lose_its_handler(const Tracer& tracer) {
    auto span = tracer.span("given up");
    tracer.set_session_id("session-1");
    const CleansUp cleans_up(tracer);
    co_await asio::async_initiate<decltype(use_awaitable), void()>([](auto) {}, use_awaitable);
}
Awaitable<> await_it(const Tracer& tracer, Awaitable<> given_up) {
    auto span = tracer.span("outer");
    co_await std::move(given_up);
}

TEST_F(AsioTest, ACoroutineThatIsGivenUpEndsItsSpans) {
    for (const bool is_lost : {false, true}) {
        capture_.clear();
        auto coroutine = is_lost ? lose_its_handler(tracer_) : wait_forever(tracer_);
        asio::co_spawn(*io_, await_it(tracer_, std::move(coroutine)), asio::detached);
        if (!is_lost) poll();
        {
            auto shutdown = tracer_.span("shutdown");
            if (is_lost) {
                poll();
            } else {
                io_.reset();
            }
            tracer_.span("below").end();
        }
        const auto all = spans();
        EXPECT_EQ(all.size(), 5U) << all.tree();
        EXPECT_TRUE(all.find("outer").is_root()) << all.tree();
        expect_child(all, "given up", "outer");
        expect_child(all, "cleanup", "given up");
        EXPECT_NE(all.find("cleanup").attribute("judgment.session_id"), nullptr);
        expect_child(all, "below", "shutdown");
        EXPECT_FALSE(tracer_.current_context().is_valid());
        if (!io_) io_ = std::make_unique<asio::io_context>();
    }
}

Awaitable<> with_session(const Tracer& tracer, Gate& gate) {
    auto span = tracer.span("coroutine");
    tracer.set_session_id("session-1");
    auto inner = tracer.span("inner");
    co_await gate.pass();
    tracer.span("after").end();
}

TEST_F(AsioTest, WhatIsInheritedStaysWithTheCoroutine) {
    Gate gate(*io_);
    asio::co_spawn(*io_, with_session(tracer_, gate), asio::detached);
    poll();
    std::thread([&] {
        auto resumer = tracer_.span("resumer");
        gate.open();
        poll();
        tracer_.span("in resumer").end();
    }).join();
    tracer_.span("here").end();
    const auto all = spans();
    for (const auto* name : {"coroutine", "inner", "after"}) {
        ASSERT_NE(all.find(name).attribute("judgment.session_id"), nullptr) << name;
    }
    for (const auto* name : {"resumer", "in resumer", "here"}) {
        EXPECT_EQ(all.find(name).attribute("judgment.session_id"), nullptr) << name;
    }
}

Awaitable<> runs_others(const Tracer& tracer, asio::io_context& io, Gate& others, Gate& own) {
    auto span = tracer.span("outer");
    others.open();
    io.poll();  // the other goes on, and ends, inside of this one
    tracer.span("in outer").end();
    co_await own.pass();
    for (int i = 0; i < 3; ++i) co_await asio::dispatch(use_awaitable);  // goes on before it has returned
    tracer.span("still in outer").end();
}

TEST_F(AsioTest, CoroutinesRunInsideOfEachOther) {
    Gate others(*io_);
    Gate own(*io_);
    asio::co_spawn(*io_, around(tracer_, others, "inner"), asio::detached);
    poll();
    asio::co_spawn(*io_, runs_others(tracer_, *io_, others, own), asio::detached);
    poll();
    EXPECT_FALSE(tracer_.current_context().is_valid());
    own.open();
    poll();
    const auto all = spans();
    expect_child(all, "inner after", "inner");
    expect_child(all, "in outer", "outer");
    expect_child(all, "still in outer", "outer");
    EXPECT_TRUE(all.find("inner").is_root());
    EXPECT_TRUE(all.find("outer").is_root());
}

asio::awaitable<int> plain() {
    co_await asio::post(asio::use_awaitable);
    co_return 3;
}
Awaitable<int> spawns_plain(const Tracer& tracer) {
    auto span = tracer.span("span");
    const int value = co_await asio::co_spawn(co_await asio::this_coro::executor, plain(), use_awaitable);
    tracer.span("after").end();
    co_return value;
}
asio::awaitable<int> is_spawned_by_plain(const Tracer& tracer) {
    const asio::any_io_executor executor = co_await asio::this_coro::executor;
    co_return co_await asio::co_spawn(executor, spawns_plain(tracer), asio::use_awaitable);
}

TEST_F(AsioTest, CoroutinesOfThePlainTypeAreSpawned) {
    auto value = asio::co_spawn(*io_, is_spawned_by_plain(tracer_), asio::use_future);
    poll();
    EXPECT_EQ(value.get(), 3);
    const auto all = spans();
    EXPECT_TRUE(all.find("span").is_root()) << all.tree();
    expect_child(all, "after", "span");
}

Awaitable<> hopping(const Tracer& tracer, asio::thread_pool& other, std::string name) {
    auto span = tracer.span(name);
    for (int i = 0; i < 20; ++i) {
        auto step = tracer.span(name + " step");
        co_await asio::post(use_awaitable);
        co_await asio::post(other, use_awaitable);
        tracer.span(name + " leaf").end();
    }
}

TEST_F(AsioTest, CoroutinesHopBetweenThreads) {
    {
        asio::thread_pool pool(4);
        asio::thread_pool other(1);
        std::vector<std::future<void>> done;
        for (int i = 0; i < 8; ++i) {
            done.push_back(asio::co_spawn(pool, hopping(tracer_, other, "coroutine" + std::to_string(i)),
                                          asio::use_future));
        }
        for (auto& each : done) each.get();
        pool.join();
        other.join();
    }
    const auto all = spans();
    EXPECT_EQ(all.size(), 8U * 41U);
    for (int i = 0; i < 8; ++i) {
        const std::string name = "coroutine" + std::to_string(i);
        const auto steps = all.children_of(all.find(name));
        EXPECT_EQ(steps.size(), 20U);
        for (const auto& step : steps) {
            EXPECT_EQ(step.name, name + " step");
            const auto leaves = all.children_of(step);
            ASSERT_EQ(leaves.size(), 1U);
            EXPECT_EQ(leaves[0].name, name + " leaf");
        }
    }
}

using Socket = asio::local::stream_protocol::socket;

Awaitable<> answer(const Tracer& tracer, Socket& socket, int requests) {
    for (int i = 0; i < requests; ++i) {
        auto span = tracer.span("answer");
        char request = 0;
        co_await asio::async_read(socket, asio::buffer(&request, 1), use_awaitable);
        tracer.span("work", {.type = "tool"}).end();
        co_await asio::async_write(socket, asio::buffer(&request, 1), use_awaitable);
        span.set_attribute("answered", true);
    }
}
Awaitable<> ask(const Tracer& tracer, Socket& socket, int requests) {
    for (int i = 0; i < requests; ++i) {
        auto span = tracer.span("ask");
        char text = 'x';
        co_await asio::async_write(socket, asio::buffer(&text, 1), use_awaitable);
        co_await asio::async_read(socket, asio::buffer(&text, 1), use_awaitable);
        tracer.span("use", {.type = "tool"}).end();
    }
}

TEST_F(AsioTest, ServesSocketsOnAPool) {
    {
        asio::thread_pool pool(2);
        Socket client(pool);
        Socket server(pool);
        asio::local::connect_pair(client, server);
        auto answered = asio::co_spawn(pool, answer(tracer_, server, 20), asio::use_future);
        asio::co_spawn(pool, ask(tracer_, client, 20), asio::use_future).get();
        answered.get();
        pool.join();
    }
    const auto all = spans();
    EXPECT_EQ(all.size(), 80U);
    for (const auto& span : all) {
        if (!span.is_root()) continue;
        const auto children = all.children_of(span);
        ASSERT_EQ(children.size(), 1U) << all.tree();
        EXPECT_EQ(children[0].name, span.name == "answer" ? "work" : "use") << all.tree();
    }
}

}  // namespace
}  // namespace judgeval::test
