// Tasks: the current span across suspension, other tasks on the same thread, other threads, and the end.
#include "judgeval/task.hpp"

#include <gtest/gtest.h>

#include <condition_variable>
#include <coroutine>
#include <deque>
#include <judgeval/testing.hpp>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "client.hpp"

namespace judgeval::test {
namespace {

using judgeval::testing::CapturedSpans;
using judgeval::testing::SpanCapture;

/// Suspends until the test resumes it.
class Gate {
  public:
    bool await_ready() noexcept { return false; }
    void await_suspend(std::coroutine_handle<> handle) noexcept { handle_ = handle; }
    void await_resume() noexcept {}
    void open() { std::exchange(handle_, nullptr).resume(); }

  private:
    std::coroutine_handle<> handle_;
};

/// Threads that resume what awaits hop().
class Pool {
  public:
    explicit Pool(int threads) {
        for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { run(); });
    }
    ~Pool() {
        {
            const std::lock_guard lock(mutex_);
            is_over_ = true;
        }
        changed_.notify_all();
        for (auto& thread : threads_) thread.join();
    }
    auto hop() {
        struct Hop {
            bool await_ready() noexcept { return false; }
            void await_suspend(std::coroutine_handle<> handle) { pool->add(handle); }
            void await_resume() noexcept {}
            Pool* pool;
        };
        return Hop{this};
    }

  private:
    void add(std::coroutine_handle<> handle) {
        {
            const std::lock_guard lock(mutex_);
            ready_.push_back(handle);
        }
        changed_.notify_one();
    }
    void run() {
        std::unique_lock lock(mutex_);
        while (true) {
            changed_.wait(lock, [this] { return is_over_ || !ready_.empty(); });
            if (ready_.empty()) return;
            const auto handle = ready_.front();
            ready_.pop_front();
            lock.unlock();
            handle.resume();
            lock.lock();
        }
    }
    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<std::coroutine_handle<>> ready_;
    bool is_over_ = false;
    std::vector<std::thread> threads_;
};

/// Somebody else's coroutine, which owns a task and can be given up.
struct Owner {
    struct promise_type {
        Owner get_return_object() { return {std::coroutine_handle<promise_type>::from_promise(*this)}; }
        std::suspend_never initial_suspend() noexcept { return {}; }
        std::suspend_always final_suspend() noexcept { return {}; }
        void return_void() noexcept {}
        void unhandled_exception() { throw; }
    };
    std::coroutine_handle<promise_type> handle;
};
Owner own(Task<> task) { co_await std::move(task); }

class TaskTest : public ::testing::Test {
  protected:
    void TearDown() override {
        EXPECT_FALSE(tracer_.current_context().is_valid());
        spans();  // waits until all is exported
        expect_balanced(tracer_.stats());
    }
    CapturedSpans spans() const { return capture_.spans(); }
    static void expect_child(const CapturedSpans& spans, const std::string& child,
                             const std::string& parent) {
        EXPECT_EQ(spans.find(child).parent_span_id, spans.find(parent).span_id) << spans.tree();
        EXPECT_EQ(spans.find(child).trace_id, spans.find(parent).trace_id) << spans.tree();
    }

    SpanCapture capture_;
    const Tracer& tracer_ = capture_.tracer();
};

Task<> around(const Tracer& tracer, Gate& gate, std::string name) {
    auto span = tracer.span(name);
    tracer.span(name + " before").end();
    co_await gate;
    tracer.set_attribute("after", name);
    tracer.span(name + " after").end();
}

TEST_F(TaskTest, TasksTakeTurnsOnOneThread) {
    Gate first;
    Gate second;
    {
        auto request = tracer_.span("request");
        auto a = start(around(tracer_, first, "a"));
        auto b = start(around(tracer_, second, "b"));
        tracer_.span("beside").end();
        first.open();
        tracer_.span("between").end();
        second.open();
        a.get();
        b.get();
    }
    const auto all = spans();
    for (const auto* child : {"a", "b", "beside", "between"}) expect_child(all, child, "request");
    for (const std::string name : {"a", "b"}) {
        expect_child(all, name + " before", name);
        expect_child(all, name + " after", name);
        EXPECT_NE(all.find(name).attribute("after"), nullptr);
    }
}

TEST_F(TaskTest, TheSpanStaysCurrentOnAnotherThread) {
    Gate gate;
    std::future<void> done;
    {
        auto request = tracer_.span("request");
        done = start(around(tracer_, gate, "task"));
    }
    std::thread([&] {
        auto elsewhere = tracer_.span("elsewhere");
        gate.open();  // ends the task's span here
        tracer_.span("still elsewhere").end();
    }).join();
    done.get();
    const auto all = spans();
    expect_child(all, "task", "request");
    expect_child(all, "task after", "task");
    expect_child(all, "still elsewhere", "elsewhere");
    EXPECT_TRUE(all.find("elsewhere").is_root());
}

Task<int> leaf(const Tracer& tracer, Gate& gate) {
    auto span = tracer.span("leaf");
    co_await gate;
    tracer.span("in leaf").end();
    co_return 20;
}
Task<int> middle(const Tracer& tracer, Gate& gate) {
    auto span = tracer.span("middle");
    const int value = co_await leaf(tracer, gate);
    tracer.span("in middle").end();
    co_return value + 1;
}

TEST_F(TaskTest, ATaskRunsBelowTheOneThatAwaitsIt) {
    Gate gate;
    auto result = start(middle(tracer_, gate));
    EXPECT_FALSE(tracer_.current_context().is_valid());
    std::thread([&] { gate.open(); }).join();
    EXPECT_EQ(result.get(), 21);
    const auto all = spans();
    expect_child(all, "leaf", "middle");
    expect_child(all, "in leaf", "leaf");
    expect_child(all, "in middle", "middle");
}

Task<> fail(const Tracer& tracer, Gate& gate) {
    auto span = tracer.span("failing");
    co_await gate;
    throw std::runtime_error("no");
}
Task<> pass_on(const Tracer& tracer, Gate& gate) {
    auto span = tracer.span("caller");
    try {
        co_await fail(tracer, gate);
    } catch (const std::runtime_error&) {
        tracer.span("recovery").end();
    }
    co_await fail(tracer, gate);
}

TEST_F(TaskTest, AnExceptionEndsTheSpansThatItLeaves) {
    Gate gate;
    auto result = start(pass_on(tracer_, gate));
    gate.open();
    gate.open();
    EXPECT_THROW(result.get(), std::runtime_error);
    const auto all = spans();
    expect_child(all, "recovery", "caller");
    EXPECT_EQ(all.find("caller").status, StatusCode::kError);
    EXPECT_EQ(all.children_of(all.find("caller")).size(), 3U) << all.tree();
}

TEST_F(TaskTest, ATaskThatIsGivenUpEndsItsSpans) {
    Gate gate;
    {
        auto request = tracer_.span("request");
        const Owner owner = own(around(tracer_, gate, "task"));
        auto beside = tracer_.span("beside");
        owner.handle.destroy();
        tracer_.span("below").end();
    }
    const auto all = spans();
    expect_child(all, "task", "request");
    expect_child(all, "below", "beside");
    EXPECT_EQ(all.size(), 5U) << all.tree();
}

Task<> with_session(const Tracer& tracer, Gate& gate) {
    auto span = tracer.span("task");
    tracer.set_session_id("session-1");
    auto inner = tracer.span("inner");
    co_await gate;
    tracer.span("after").end();
}

TEST_F(TaskTest, WhatIsInheritedStaysWithTheTask) {
    Gate gate;
    auto done = start(with_session(tracer_, gate));
    std::thread([&] {
        {
            auto resumer = tracer_.span("resumer");
            gate.open();
            tracer_.span("in resumer").end();
        }
    }).join();
    done.get();
    tracer_.span("here").end();
    const auto all = spans();
    for (const auto* name : {"task", "inner", "after"}) {
        ASSERT_NE(all.find(name).attribute("judgment.session_id"), nullptr) << name;
    }
    for (const auto* name : {"resumer", "in resumer", "here"}) {
        EXPECT_EQ(all.find(name).attribute("judgment.session_id"), nullptr) << name;
    }
}

Task<> hopping(const Tracer& tracer, Pool& pool, std::string name) {
    auto span = tracer.span(name);
    for (int i = 0; i < 20; ++i) {
        auto step = tracer.span(name + " step");
        co_await pool.hop();
        tracer.span(name + " leaf").end();
    }
}

TEST_F(TaskTest, TasksHopBetweenThreads) {
    {
        Pool pool(2);
        std::vector<std::future<void>> done;
        for (int i = 0; i < 8; ++i) done.push_back(start(hopping(tracer_, pool, "task" + std::to_string(i))));
        for (auto& each : done) each.get();
    }
    const auto all = spans();
    EXPECT_EQ(all.size(), 8U * 41U);
    for (int i = 0; i < 8; ++i) {
        const std::string name = "task" + std::to_string(i);
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

/// Starts a span where it suspends, and does not suspend after all.
struct Synchronous {
    bool await_ready() noexcept { return false; }
    bool await_suspend(std::coroutine_handle<>) {
        tracer->span("begun").end();
        if (throws) throw std::runtime_error("not begun");
        return false;
    }
    void await_resume() noexcept {}
    const Tracer* tracer;
    bool throws;
};
Task<> awaits_at_once(const Tracer& tracer, bool throws) {
    auto span = tracer.span("task");
    Synchronous awaitable{&tracer, throws};
    try {
        co_await awaitable;
    } catch (const std::runtime_error&) {
    }
    tracer.span("after").end();
}

TEST_F(TaskTest, WhatIsBegunWhileSuspendingIsBelowTheTask) {
    for (const bool throws : {false, true}) {
        capture_.clear();
        start(awaits_at_once(tracer_, throws)).get();
        const auto all = spans();
        expect_child(all, "begun", "task");
        expect_child(all, "after", "task");
    }
}

}  // namespace
}  // namespace judgeval::test
