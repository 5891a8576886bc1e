// What several verbs do with sparse rows: turn them, keep them ready to be compared with, and put
// lists behind each other.
#pragma once

#include "huge.hpp"
#include "kernels.hpp"

namespace penchant {

// Columns as rows.
struct Turned {
  std::vector<i64> indptr;
  std::vector<i32> indices;
  std::vector<float> values;

  Turned(const Rows& rows, i64 n_columns)
      : indptr(static_cast<std::size_t>(n_columns) + 1),
        indices(static_cast<std::size_t>(rows.indptr[rows.n_rows])),
        values(rows.values ? indices.size() : 0) {
    transpose(rows, n_columns, indptr.data(), indices.data(),
              rows.values ? values.data() : nullptr);
  }
  Rows rows() const {
    return {indptr.data(), indices.data(), values.empty() ? nullptr : values.data(),
            static_cast<i64>(indptr.size()) - 1};
  }
};

// Rows that queries are compared with, once for many calls: turned, with their sizes, and with the
// columns that many rows hold as bits. It keeps nothing of what it was made from.
struct Table {
  i64 n_rows, words;                   // words: 64 rows each, a multiple of 8
  bool ones;                           // all values are 1, none are kept
  std::vector<i64> indptr;             // of columns
  std::vector<i32> indices;            // the rows that hold each column
  std::vector<float> values;           // empty if all are 1
  std::vector<double> sizes, lengths;  // entries of each row, and |row|
  Aligned<float> near_sizes, near_lengths;
  std::vector<i32> dense;  // of each column, which row of bits it has; -1
  Huge<std::uint64_t> bits;
  std::vector<std::uint64_t> nothing;  // a row of no bits

  Table(const Rows& rows, i64 columns, const Run& run);
};

inline void collect(const std::vector<std::vector<Scored>>& lists, OwnedRows& out) {
  out.indptr.assign(1, 0);
  std::size_t size = 0;
  for (const auto& list : lists) size += list.size();
  out.indices.reserve(size);
  out.values.reserve(size);
  for (const auto& list : lists) {
    for (const Scored& one : list) {
      out.indices.push_back(one.id);
      out.values.push_back(one.score);
    }
    out.indptr.push_back(static_cast<i64>(out.indices.size()));
  }
}

}  // namespace penchant
