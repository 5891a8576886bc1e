// What several verbs do with sparse rows: turn them, and put lists behind each other.
#pragma once

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

inline void collect(const std::vector<std::vector<Scored>>& lists, OwnedRows& out) {
  out.indptr.assign(1, 0);
  for (const auto& list : lists) {
    for (const Scored& one : list) {
      out.indices.push_back(one.id);
      out.values.push_back(one.score);
    }
    out.indptr.push_back(static_cast<i64>(out.indices.size()));
  }
}

}  // namespace penchant
