// SQLite with destructors: a connection, a prepared statement, a transaction. Nothing here locks: whoever
// owns the Database sees to it that one thread at a time uses it and everything prepared on it.
#pragma once

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace judgeval::local {

/// What SQLite refused to do, with its own words.
class DatabaseError : public std::runtime_error {
    using std::runtime_error::runtime_error;
};

class Database {
  public:
    /// Opens or creates `file`; ":memory:" keeps everything in memory. Throws DatabaseError.
    explicit Database(const std::string& file);

    void execute(const char* sql);
    std::int64_t last_insert_row() const;
    /// How many rows the last INSERT, UPDATE or DELETE changed.
    int changes() const;
    sqlite3* handle() const { return handle_.get(); }

  private:
    struct Close {
        void operator()(sqlite3* handle) const;
    };
    std::unique_ptr<sqlite3, Close> handle_;
};

class Statement {
  public:
    Statement(const Database& database, std::string_view sql);

    /// Parameters count from 1. Text and blobs are not copied: they must live until the statement is reset.
    Statement& bind(int parameter, std::int64_t value);
    Statement& bind_text(int parameter, std::string_view text);
    Statement& bind_blob(int parameter, std::string_view bytes);
    Statement& bind_null(int parameter);

    /// Steps to the next row: true when there is one.
    bool step();
    /// Runs a statement that has no rows, then makes it ready for the next use.
    void run();
    void reset();

    /// Columns count from 0. Text and blobs are copied out.
    std::int64_t integer(int column) const;
    std::string bytes(int column) const;

  private:
    struct Finalize {
        void operator()(sqlite3_stmt* handle) const;
    };
    void check(int code) const;
    std::unique_ptr<sqlite3_stmt, Finalize> handle_;
};

/// Makes a statement ready for its next use when the block ends, however it ends.
class ResetAtReturn {
  public:
    explicit ResetAtReturn(Statement& statement) : statement_(statement) {}
    ~ResetAtReturn() { statement_.reset(); }
    ResetAtReturn(const ResetAtReturn&) = delete;
    ResetAtReturn& operator=(const ResetAtReturn&) = delete;

  private:
    Statement& statement_;
};

/// Rolls back unless it was committed.
class Transaction {
  public:
    explicit Transaction(Database& database);
    ~Transaction();
    Transaction(const Transaction&) = delete;
    Transaction& operator=(const Transaction&) = delete;

    void commit();

  private:
    Database& database_;
    bool open_ = true;
};

}  // namespace judgeval::local
