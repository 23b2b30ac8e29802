// Ways of going asynchronous, and how the work that is done elsewhere stays below the span that asked for it:
// the recipes of docs/async.md, which are taken from here.
//
// Set JUDGMENT_API_KEY, JUDGMENT_ORG_ID and JUDGMENT_API_URL; without them it runs just the same and sends
// nothing.
// clang-format off: Boost.Asio 1.74 leaves it out
#include <utility>
// clang-format on
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_future.hpp>
#include <chrono>
#include <condition_variable>
#include <coroutine>
#include <deque>
#include <functional>
#include <future>
#include <iostream>
#include <judgeval/adapters/asio.hpp>
#include <judgeval/generator.hpp>
#include <judgeval/judgeval.hpp>
#include <judgeval/task.hpp>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace asio = boost::asio;

namespace {

/// A thread pool as there are many: it runs functions, and does what was submitted before it ends.
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
    Pool(const Pool&) = delete;
    Pool& operator=(const Pool&) = delete;

    void submit(std::function<void()> work) {
        {
            const std::lock_guard lock(mutex_);
            waiting_.push_back(std::move(work));
        }
        changed_.notify_one();
    }

    /// `co_await pool.hop()`: goes on on one of the pool's threads.
    auto hop() {
        struct Hop {
            bool await_ready() const noexcept { return false; }
            void await_suspend(std::coroutine_handle<> handle) const { pool->submit(handle); }
            void await_resume() const noexcept {}
            Pool* pool;
        };
        return Hop{this};
    }

  private:
    void run() {
        std::unique_lock lock(mutex_);
        while (true) {
            changed_.wait(lock, [this] { return is_over_ || !waiting_.empty(); });
            if (waiting_.empty()) return;
            const auto work = std::move(waiting_.front());
            waiting_.pop_front();
            lock.unlock();
            work();
            lock.lock();
        }
    }

    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<std::function<void()>> waiting_;
    bool is_over_ = false;
    std::vector<std::thread> threads_;
};

void thread_pool(const judgeval::Tracer& tracer) {
    Pool pool(2);
    auto span = tracer.span("thread_pool");
    pool.submit(tracer.bind([&] {
        auto work = tracer.span("pooled_work");  // below thread_pool
    }));
}

void standard_async(const judgeval::Tracer& tracer) {
    auto span = tracer.span("std_async");
    auto answer = std::async(std::launch::async, tracer.bind([&] {
        auto work = tracer.span("async_work");  // below std_async
        return 42;
    }));
    span.set_output(answer.get());
}

/// A client as there are many: it calls back on a thread of its own.
std::thread fetch(const std::string& url, std::function<void(std::string)> when_done) {
    return std::thread([url, when_done = std::move(when_done)] { when_done("the page at " + url); });
}

void callbacks(const judgeval::Tracer& tracer) {
    auto span = tracer.span("callbacks");
    std::thread fetching = fetch("http://example.org/", tracer.bind([&](std::string page) {
        auto work = tracer.span("handle_page");  // below callbacks
        work.set_output(page);
    }));
    fetching.join();
}

judgeval::Task<int> count_words(judgeval::Tracer tracer, Pool& pool) {
    auto span = tracer.span("count_words");  // below coroutine
    co_await pool.hop();                     // on another thread, and span is still current
    auto counting = tracer.span("count");    // below count_words
    co_return 7;
}

judgeval::Task<int> coroutine(judgeval::Tracer tracer, Pool& pool) {
    auto span = tracer.span("coroutine");
    const int words = co_await count_words(tracer, pool);
    auto after = tracer.span("after_the_hop");  // below coroutine
    co_return words;
}

void coroutines(const judgeval::Tracer& tracer) {
    Pool pool(2);
    std::cout << judgeval::start(coroutine(tracer, pool)).get() << " words\n";
}

judgeval::Generator<std::string> tokens(judgeval::Tracer tracer) {
    for (const std::string text : {"Hello", ", ", "world"}) {
        auto span = tracer.span("next_token", {.type = "llm"});  // below stream
        co_yield text;
    }
}

void generators(const judgeval::Tracer& tracer) {
    auto span = tracer.span("generators");
    for (const std::string& token : judgeval::observe_items(tracer, tokens(tracer), {.name = "stream"})) {
        auto work = tracer.span("show");  // below generators: the stream's span is its own affair
        std::cout << token;
    }
    std::cout << '\n';
}

void asio_callbacks(const judgeval::Tracer& tracer) {
    asio::thread_pool pool(2);
    {
        auto span = tracer.span("asio_post");
        asio::post(pool, tracer.bind([&] {
            auto work = tracer.span("posted_work");  // below asio_post
        }));
    }
    pool.join();
}

judgeval::Awaitable<std::string> read_page(judgeval::Tracer tracer) {
    auto span = tracer.span("read_page");  // below asio_coroutine
    asio::steady_timer timer(co_await asio::this_coro::executor, std::chrono::milliseconds(1));
    co_await timer.async_wait(judgeval::use_awaitable);  // on any thread, and span is still current
    auto work = tracer.span("parse_page");               // below read_page
    co_return "a page";
}

judgeval::Awaitable<> serve(judgeval::Tracer tracer) {
    auto span = tracer.span("asio_coroutine");
    const std::string page = co_await read_page(tracer);
    auto after = tracer.span("awaited_work");  // below asio_coroutine
    after.set_output(page);
}

void asio_coroutines(const judgeval::Tracer& tracer) {
    asio::thread_pool pool(2);
    auto served = asio::co_spawn(pool, serve(tracer), asio::use_future);
    served.get();
    pool.join();
}

}  // namespace

int main() {
    judgeval::Judgeval client({.project_name = "default_project"});
    auto tracer = client.tracer.create();
    thread_pool(tracer);
    standard_async(tracer);
    callbacks(tracer);
    coroutines(tracer);
    generators(tracer);
    asio_callbacks(tracer);
    asio_coroutines(tracer);
    tracer.force_flush();
    const auto stats = tracer.stats();
    std::cout << "spans: " << stats.started << " started, " << stats.exported << " exported ("
              << stats.partial_emissions << " while they were open), " << stats.dropped_total()
              << " dropped, " << stats.in_flight << " in flight\n";
}
