// A counted reference to a block of inherited attributes (src/record/inherited.hpp has what is in one).
//
// A block never changes once it is made, so any thread may hold it; whoever drops the last reference frees
// it. Inline, since a Context is copied in programs that are built with JUDGEVAL_DISABLE and without the
// library.
#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

namespace judgeval::detail {

/// What is known of a block outside of the library.
struct InheritedBlock {
    using Destroy = void (*)(const InheritedBlock*) noexcept;
    explicit InheritedBlock(Destroy how) noexcept : destroy(how) {}
    InheritedBlock(const InheritedBlock&) = delete;
    InheritedBlock& operator=(const InheritedBlock&) = delete;

    mutable std::atomic<std::uint32_t> references{1};
    const Destroy destroy;
};

inline void retain(const InheritedBlock* block) noexcept {
    // relaxed: whoever adds a reference has one
    if (block != nullptr) block->references.fetch_add(1, std::memory_order_relaxed);
}
inline void release(const InheritedBlock* block) noexcept {
    // acq_rel: all that others read of the block comes before it is freed
    if (block != nullptr && block->references.fetch_sub(1, std::memory_order_acq_rel) == 1) {
        block->destroy(block);
    }
}

class InheritedRef {
  public:
    InheritedRef() noexcept = default;
    /// Takes over a reference that the caller has.
    explicit InheritedRef(const InheritedBlock* block) noexcept : block_(block) {}
    InheritedRef(const InheritedRef& other) noexcept : block_(other.block_) { retain(block_); }
    InheritedRef(InheritedRef&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
    InheritedRef& operator=(InheritedRef other) noexcept {
        std::swap(block_, other.block_);
        return *this;
    }
    ~InheritedRef() { release(block_); }

    [[nodiscard]] const InheritedBlock* get() const noexcept { return block_; }
    /// Gives the reference to the caller.
    [[nodiscard]] const InheritedBlock* take() noexcept { return std::exchange(block_, nullptr); }

  private:
    const InheritedBlock* block_ = nullptr;
};

}  // namespace judgeval::detail
