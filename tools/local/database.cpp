// See database.hpp.
#include "local/database.hpp"

#include <sqlite3.h>

namespace judgeval::local {

void Database::Close::operator()(sqlite3* handle) const { sqlite3_close(handle); }

Database::Database(const std::string& file) {
    sqlite3* handle = nullptr;
    const int code = sqlite3_open_v2(
        file.c_str(), &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
    handle_.reset(handle);
    if (code != SQLITE_OK) {
        throw DatabaseError{"cannot open the database " + file + ": " + sqlite3_errstr(code)};
    }
}

void Database::execute(const char* sql) {
    if (sqlite3_exec(handle(), sql, nullptr, nullptr, nullptr) != SQLITE_OK) {
        throw DatabaseError{std::string{"database: "} + sqlite3_errmsg(handle())};
    }
}

std::int64_t Database::last_insert_row() const { return sqlite3_last_insert_rowid(handle()); }

int Database::changes() const { return sqlite3_changes(handle()); }

void Statement::Finalize::operator()(sqlite3_stmt* handle) const { sqlite3_finalize(handle); }

Statement::Statement(const Database& database, std::string_view sql) {
    sqlite3_stmt* handle = nullptr;
    if (sqlite3_prepare_v3(database.handle(), sql.data(), static_cast<int>(sql.size()),
                           SQLITE_PREPARE_PERSISTENT, &handle, nullptr) != SQLITE_OK) {
        throw DatabaseError{std::string{"database: "} + sqlite3_errmsg(database.handle())};
    }
    handle_.reset(handle);
}

void Statement::check(int code) const {
    if (code != SQLITE_OK) {
        throw DatabaseError{std::string{"database: "} + sqlite3_errmsg(sqlite3_db_handle(handle_.get()))};
    }
}

Statement& Statement::bind(int parameter, std::int64_t value) {
    check(sqlite3_bind_int64(handle_.get(), parameter, value));
    return *this;
}

Statement& Statement::bind_text(int parameter, std::string_view text) {
    const char* data = text.empty() ? "" : text.data();  // a null pointer would bind NULL
    check(sqlite3_bind_text64(handle_.get(), parameter, data, text.size(), SQLITE_STATIC, SQLITE_UTF8));
    return *this;
}

Statement& Statement::bind_blob(int parameter, std::string_view bytes) {
    const char* data = bytes.empty() ? "" : bytes.data();
    check(sqlite3_bind_blob64(handle_.get(), parameter, data, bytes.size(), SQLITE_STATIC));
    return *this;
}

Statement& Statement::bind_null(int parameter) {
    check(sqlite3_bind_null(handle_.get(), parameter));
    return *this;
}

bool Statement::step() {
    const int code = sqlite3_step(handle_.get());
    if (code != SQLITE_ROW && code != SQLITE_DONE) {
        check(code);
    }
    return code == SQLITE_ROW;
}

void Statement::run() {
    const ResetAtReturn reset_at_return{*this};
    step();
}

void Statement::reset() {
    sqlite3_reset(handle_.get());  // repeats the error of the last step, which was reported then
}

std::int64_t Statement::integer(int column) const { return sqlite3_column_int64(handle_.get(), column); }

std::string Statement::bytes(int column) const {
    const void* const data = sqlite3_column_blob(handle_.get(), column);
    const auto size = static_cast<std::size_t>(sqlite3_column_bytes(handle_.get(), column));
    return data == nullptr ? std::string{} : std::string{static_cast<const char*>(data), size};
}

Transaction::Transaction(Database& database) : database_(database) { database_.execute("BEGIN IMMEDIATE"); }

Transaction::~Transaction() {
    if (open_) {
        // A failed statement may already have ended the transaction; then there is nothing to roll back.
        sqlite3_exec(database_.handle(), "ROLLBACK", nullptr, nullptr, nullptr);
    }
}

void Transaction::commit() {
    database_.execute("COMMIT");
    open_ = false;
}

}  // namespace judgeval::local
