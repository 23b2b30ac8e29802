// No allocation and no system call per span in steady state, counted: allocations by standing in for what
// allocates, system calls by a parent process that stops the traced thread at each one. Both counters are
// first shown to count.
#include <gtest/gtest.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <string>

#include "client.hpp"
#include "judgeval/judgeval.hpp"
#include "local/backend.hpp"

namespace {

/// Of the calling thread, while it is counting. Atomic because the compiler knows malloc, and that it touches
/// nothing of ours.
thread_local std::atomic<bool> is_counting{false};
thread_local std::atomic<std::uint64_t> allocations{0};

void count_allocation() noexcept {
    if (is_counting) ++allocations;
}

/// The compiler may leave out an allocation that nobody looks at.
void look_at(void* memory) { asm volatile("" : : "r"(memory) : "memory"); }

}  // namespace

// The linker sends this program's and the library's calls here (see CMakeLists.txt); operator new below
// catches those of the standard library.
extern "C" {
void* __real_malloc(std::size_t size);
void* __real_calloc(std::size_t count, std::size_t size);
void* __real_realloc(void* memory, std::size_t size);
void* __real_aligned_alloc(std::size_t alignment, std::size_t size);
int __real_posix_memalign(void** memory, std::size_t alignment, std::size_t size);

void* __wrap_malloc(std::size_t size) {
    count_allocation();
    return __real_malloc(size);
}
void* __wrap_calloc(std::size_t count, std::size_t size) {
    count_allocation();
    return __real_calloc(count, size);
}
void* __wrap_realloc(void* memory, std::size_t size) {
    count_allocation();
    return __real_realloc(memory, size);
}
void* __wrap_aligned_alloc(std::size_t alignment, std::size_t size) {
    count_allocation();
    return __real_aligned_alloc(alignment, size);
}
int __wrap_posix_memalign(void** memory, std::size_t alignment, std::size_t size) {
    count_allocation();
    return __real_posix_memalign(memory, alignment, size);
}
}

// Out of line: where only one of a pair is inlined, the compiler takes malloc and delete for a mismatch.
[[gnu::noinline]] void* operator new(std::size_t size) {
    if (void* const memory = std::malloc(size == 0 ? 1 : size)) return memory;
    throw std::bad_alloc();
}
[[gnu::noinline]] void* operator new(std::size_t size, std::align_val_t alignment) {
    const auto unit = static_cast<std::size_t>(alignment);
    if (void* const memory = std::aligned_alloc(unit, (size + unit - 1) / unit * unit)) return memory;
    throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
    std::free(memory);
}

namespace judgeval::test {
namespace {

using namespace std::chrono_literals;

constexpr int kWarmUp = 20'000;
constexpr int kSpans = 100'000;

/// A tracer and its exporter, with memory for all that the tests record.
class Traced {
  public:
    explicit Traced(const std::string& url)
        // Over an eighth of the budget the exporter is asked for help, with a system call for many chunks;
        // the burst counted here stays below.
        : tracer_(make_tracer(url, {.pipeline = {.memory_budget_bytes = std::size_t{512} << 20U}})) {}

    /// What a traced request does: nested spans with attributes of each type, short and long.
    void make_spans(int count) const {
        const std::string question(200, 'q');
        for (int i = 0; i < count; i += 2) {
            auto outer = tracer_.span("handle_request", {.type = "function"});
            outer.set_attribute("user_id", i);
            outer.set_attribute("share", 0.25);
            outer.set_attribute("is_new", true);
            outer.set_input(question);
            auto inner = tracer_.span("tool", {.type = "tool"});
            inner.set_attribute("name", "weather");
            inner.set_attribute("user_id", i + 1);
            inner.set_attribute("user_id", i);
            inner.add_event("asked", {{"count", i}});
            inner.set_status(StatusCode::kOk);
        }
    }

    /// Brings everything to its steady state: arena, queues, memory, connection.
    bool warm_up() const {
        make_spans(kWarmUp);
        return tracer_.force_flush(60s);
    }

    const Tracer& tracer() const { return tracer_; }

  private:
    Tracer tracer_;
};

template <typename Work>
std::uint64_t count_allocations(Work work) {
    allocations = 0;
    is_counting = true;
    work();
    is_counting = false;
    return allocations;
}

void expect_all_delivered(const Tracer& tracer) {
    ASSERT_TRUE(tracer.force_flush(60s));
    const Stats stats = tracer.stats();
    EXPECT_EQ(stats.exported, stats.started);
    expect_balanced(stats);
}

TEST(AllocationCounter, Counts) {
    EXPECT_EQ(count_allocations([] {}), 0U);
    EXPECT_EQ(count_allocations([] {
                  for (int i = 0; i < 1000; ++i) {
                      void* const memory = std::malloc(8);
                      look_at(memory);
                      std::free(memory);
                  }
              }),
              1000U);
    EXPECT_EQ(count_allocations([] {
                  for (int i = 0; i < 1000; ++i) {
                      int* const number = new int(i);
                      look_at(number);
                      delete number;
                  }
              }),
              1000U);
    // inside the standard library's own compiled code
    EXPECT_GE(count_allocations([] {
                  std::string text(100, 'x');
                  look_at(text.data());
                  look_at(text.append(1000, 'y').data());
              }),
              2U);
}

TEST(SteadyState, SpansDoNotAllocate) {
    local::LocalBackend backend({});
    backend.start();
    const Traced traced(backend.url());
    ASSERT_TRUE(traced.warm_up());
    // One string a call, made by make_spans itself.
    EXPECT_EQ(count_allocations([&] { traced.make_spans(kSpans); }), 1U);
    EXPECT_EQ(count_allocations([&] {
                  for (int i = 0; i < 200; ++i) {
                      auto span = traced.tracer().span("large");
                      static const std::string kLarge(50'000, 'x');
                      span.set_attribute("prompt", kLarge);
                  }
              }),
              1U + 1U)  // kLarge itself, and the thread's first spill buffer
        << "a large value should reuse the thread's buffer";
    expect_all_delivered(traced.tracer());
}

TEST(SteadyState, SpansBelowASessionDoNotAllocate) {
    local::LocalBackend backend({});
    backend.start();
    const Traced traced(backend.url());
    ASSERT_TRUE(traced.warm_up());
    const auto session = traced.tracer().scoped_context({.session_id = "session", .customer_id = "customer"});
    // One string a call, made by make_spans itself.
    EXPECT_EQ(count_allocations([&] { traced.make_spans(kSpans); }), 1U);
    expect_all_delivered(traced.tracer());
}

/// Runs `work(mark)` in a child process, and counts the system calls that the thread makes between the two
/// calls of mark(). Fails the test when the child does.
template <typename Work>
std::uint64_t count_system_calls(Work work) {
    const pid_t child = ::fork();
    if (child == 0) {
        if (::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) ::_exit(3);
        ::raise(SIGSTOP);
        ::_exit(work([] { ::getppid(); }) ? 0 : 1);
    }
    int status = 0;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFSTOPPED(status));
    ::ptrace(PTRACE_SETOPTIONS, child, nullptr, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
    std::uint64_t calls = 0;
    int marks = 0;
    bool is_entry = true;
    int signal = 0;
    for (;;) {
        // Only the child's first thread is traced; the exporter's runs on.
        if (::ptrace(PTRACE_SYSCALL, child, nullptr, signal) != 0 || ::waitpid(child, &status, 0) != child) {
            ADD_FAILURE() << "lost the child";
            return 0;
        }
        signal = 0;
        if (WIFEXITED(status) || WIFSIGNALED(status)) break;
        if (WSTOPSIG(status) != (SIGTRAP | 0x80)) {
            signal = WSTOPSIG(status);
            continue;
        }
        if (is_entry) {
            __ptrace_syscall_info info{};
            ::ptrace(PTRACE_GET_SYSCALL_INFO, child, sizeof info, &info);
            if (info.op == PTRACE_SYSCALL_INFO_ENTRY && info.entry.nr == SYS_getppid) {
                ++marks;
            } else if (marks == 1) {
                ++calls;
            }
        }
        is_entry = !is_entry;
    }
    EXPECT_TRUE(WIFEXITED(status)) << "signal " << WTERMSIG(status);
    EXPECT_EQ(WEXITSTATUS(status), 0);
    EXPECT_EQ(marks, 2);
    return calls;
}

TEST(SystemCallCounter, Counts) {
    EXPECT_EQ(count_system_calls([](auto mark) {
                  mark();
                  mark();
                  return true;
              }),
              0U);
    EXPECT_EQ(count_system_calls([](auto mark) {
                  mark();
                  for (int i = 0; i < 1000; ++i) ::getuid();
                  mark();
                  return true;
              }),
              1000U);
}

TEST(SteadyState, SpansMakeNoSystemCalls) {
    EXPECT_LE(count_system_calls([](auto mark) {
                  local::LocalBackend backend({});
                  backend.start();
                  const Traced traced(backend.url());
                  if (!traced.warm_up()) return false;
                  mark();
                  traced.make_spans(kSpans);
                  mark();
                  if (!traced.tracer().force_flush(60s)) return false;
                  const Stats stats = traced.tracer().stats();
                  return stats.exported == stats.started && stats.started == kWarmUp + kSpans;
              }),
              std::uint64_t{JUDGEVAL_SANITIZER_CALLS});
}

}  // namespace
}  // namespace judgeval::test
