// The pool's slow sides: reserving, waiting, making memory resident and giving it back.
#include "arena/chunk_pool.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <new>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE \
    23  // Linux 5.14; older kernels refuse it and the first writer pays the page faults
#endif

namespace judgeval::detail {

namespace {
/// Resident free chunks kept at hand: a quarter of a MiB when little happens, four MiB when they are used up.
constexpr std::int64_t kLeastAhead = 8;
constexpr std::int64_t kMostAhead = 128;
}  // namespace

ChunkPool::ChunkPool(std::size_t budget_bytes, std::size_t reserved_chunks)
    : total_(budget_bytes / kChunkBytes),
      reserved_(reserved_chunks),
      links_(total_),
      free_(static_cast<std::int64_t>(total_)),
      ahead_(kLeastAhead) {
    void* const memory = ::mmap(nullptr, total_ * kChunkBytes, PROT_READ | PROT_WRITE,
                                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc();
    region_ = static_cast<unsigned char*>(memory);
    // small pages: a huge one would make an idle process pay for two megabytes at its first span
    ::madvise(memory, total_ * kChunkBytes, MADV_NOHUGEPAGE);
    for (std::size_t number = total_; number-- != 0;) {
        untouched_.push(links_, static_cast<std::uint32_t>(number));
    }
}

ChunkPool::~ChunkPool() { abandon(); }

void ChunkPool::abandon() noexcept {
    if (region_ != nullptr) ::munmap(region_, total_ * kChunkBytes);
    region_ = nullptr;
}

Chunk* ChunkPool::acquire(For purpose) noexcept {
    const auto floor = purpose == For::kSpans ? static_cast<std::int64_t>(reserved_) : 0;
    // acquire: pairs with the release in release(), so that a counted chunk is found on its stack
    if (free_.fetch_sub(1, std::memory_order_acquire) <= floor) {
        free_.fetch_add(1, std::memory_order_relaxed);  // relaxed: nothing was taken, nothing is published
        return nullptr;
    }
    std::uint32_t number = 0;
    // A chunk is there, since it was counted; it may be on its way from one stack to the other.
    for (;;) {
        if (resident_.pop(links_, number)) {
            resident_free_.fetch_sub(1, std::memory_order_relaxed);  // relaxed: a hint for prefault()
            break;
        }
        if (untouched_.pop(links_, number)) break;
    }
    return chunk_at(number);  // empty: see release()
}

void ChunkPool::release(Chunk* chunk) noexcept {
    // Emptied here and not by whoever takes it next. A thread that stopped between handing the chunk in and
    // forgetting it (ThreadArena::hand_in) still names it, and the exporter looks into it at every collection
    // meanwhile: what it finds must be nothing, and not change but by what a new owner publishes.
    chunk->published.store(0, std::memory_order_relaxed);  // relaxed: ordered by the push
    chunk->collected_bytes = 0;
    chunk->collected_spans = 0;
    chunk->further_readers = 0;
    chunk->size = 0;
    chunk->next = nullptr;
    resident_.push(links_, number_of(chunk));
    resident_free_.fetch_add(1, std::memory_order_relaxed);  // relaxed: a hint
    // release: see acquire(). seq_cst with waiters_: either the waiter sees the count or we see the waiter.
    free_.fetch_add(1, std::memory_order_seq_cst);
    if (waiters_.load(std::memory_order_seq_cst) != 0 && waiters_should_go_on()) wake_waiters();
}

void ChunkPool::release_chain(Chunk* chunk) noexcept {
    while (chunk != nullptr) {
        Chunk* const next = chunk->next;
        release(chunk);
        chunk = next;
    }
}

bool ChunkPool::waiters_should_go_on() const noexcept {
    // An eighth of the pool: one wake-up for many chunks, not one for each.
    return free() >= reserved_ + std::max<std::size_t>(1, total_ / 8);
}

bool ChunkPool::wait_until_free(std::chrono::steady_clock::time_point deadline) noexcept {
    std::unique_lock lock(mutex_);
    // seq_cst: see release()
    waiters_.fetch_add(1, std::memory_order_seq_cst);
    bool in_time = true;
    // The exporter's wake-up is the only one needed; looking at the count first closes the race with it.
    while (!closed_.load(std::memory_order_relaxed) &&  // relaxed: written under the mutex
           free_.load(std::memory_order_seq_cst) <= static_cast<std::int64_t>(reserved_) && in_time) {
        in_time = freed_.wait_until(lock, deadline) == std::cv_status::no_timeout;
    }
    waiters_.fetch_sub(1, std::memory_order_relaxed);  // relaxed: a wake-up too many does no harm
    return !closed_.load(std::memory_order_relaxed) && free() > reserved_;
}

void ChunkPool::wake_waiters() noexcept {
    // relaxed: callers that must not miss a waiter looked with seq_cst already
    if (waiters_.load(std::memory_order_relaxed) == 0) return;
    { const std::lock_guard lock(mutex_); }  // whoever looked at the count before us is waiting by now
    freed_.notify_all();
}

void ChunkPool::close() noexcept {
    {
        const std::lock_guard lock(mutex_);
        closed_.store(true, std::memory_order_relaxed);  // relaxed: under the mutex
    }
    freed_.notify_all();
}

void ChunkPool::prefault() noexcept {
    // relaxed: being a few chunks off only moves a page fault
    const std::int64_t at_hand = resident_free_.load(std::memory_order_relaxed);
    if (at_hand < ahead_ / 2 && has_prefaulted_) ahead_ = std::min(2 * ahead_, kMostAhead);
    has_prefaulted_ = true;
    std::int64_t missing = ahead_ - at_hand;
    for (std::uint32_t number = 0; missing > 0 && untouched_.pop(links_, number); --missing) {
        ::madvise(chunk_at(number), kChunkBytes, MADV_POPULATE_WRITE);
        resident_.push(links_, number);
        resident_free_.fetch_add(1, std::memory_order_relaxed);  // relaxed: a hint
    }
}

void ChunkPool::trim() noexcept {
    // relaxed: a hint; a chunk more or less does not matter
    ahead_ = kLeastAhead;
    std::int64_t surplus = resident_free_.load(std::memory_order_relaxed) - ahead_;
    for (std::uint32_t number = 0; surplus > 0 && resident_.pop(links_, number); --surplus) {
        resident_free_.fetch_sub(1, std::memory_order_relaxed);  // relaxed: a hint
        ::madvise(chunk_at(number), kChunkBytes, MADV_DONTNEED);
        untouched_.push(links_, number);
    }
}

}  // namespace judgeval::detail
