// The verbs: arrays in, arrays out. Callers have checked shapes and ranges.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "aligned.hpp"
#include "isa/isa.hpp"
#include "isa/pairs.hpp"
#include "pool.hpp"

namespace penchant {

using i32 = std::int32_t;
using i64 = std::int64_t;

// Ragged rows: row r owns entries indptr[r] .. indptr[r + 1]; values may be null (all ones).
struct Rows {
  const i64* indptr;
  const i32* indices;
  const float* values;
  i64 n_rows;

  float value(i64 entry) const { return values ? values[entry] : 1.0f; }
};

struct OwnedRows {
  std::vector<i64> indptr;
  std::vector<i32> indices;
  std::vector<float> values;
};

// Text ids: id r is blob[offsets[r] .. offsets[r + 1]).
struct Text {
  const char* blob;
  const i64* offsets;
  i64 size;
};

struct Word {
  const char* at;
  i64 length;
};

// A column or row with its score, in the one order of every list.
struct Scored {
  float score;
  i32 id;
  bool operator<(const Scored& other) const {  // "before": higher score, then lower id
    return score > other.score || (score == other.score && id < other.id);
  }
};

// encode.cpp: ids numbered in order of first appearance; first[c] is where id c appeared.
bool encode(const i64* ids, i64 n, i32* codes, std::vector<i64>& first, const Run& run);
bool encode(const Word* ids, i64 n, i32* codes, std::vector<i64>& first, const Run& run);
bool encode(const Text& ids, i32* codes, std::vector<i64>& first, const Run& run);

// lookup.cpp: the permutation that sorts ids, and binary searches through it; -1 is unknown. lookup
// is false if the order leads outside the table.
bool index(const i64* ids, i64 n, i32* order, const Run& run);
bool index(const Text& ids, i32* order, const Run& run);
bool lookup(const i64* table, const i32* order, i64 size, const i64* ids, i64 n, i32* rows,
            const Run& run);
bool lookup(const Text& table, const i32* order, const Word* ids, i64 n, i32* rows, const Run& run);

// divide.cpp: lines of delimited text -> columns. False where a line is not plain: another number
// of fields, nothing in it, quotes that do not enclose a whole field.
struct TextColumn {
  std::unique_ptr<i64[]> numbers;  // where every cell is an integer; else
  std::unique_ptr<i32[]> codes;    // the number of each cell's text
  std::vector<Word> distinct;      // in order of first appearance
};
bool divide(const char* text, i64 size, const Word& delimiter, i64 width,
            std::vector<TextColumn>& out, i64& n, const Run& run);

// csr.cpp: stable order of entries by (row, time, position); arranged moves the times, and cells
// beside the entries, along. transpose.cpp: columns as rows.
struct Beside {
  const std::uint32_t* cells;
  std::uint32_t* sorted;
};
bool csr(const i32* rows, i64 n, i64 n_rows, const i64* times, i64* indptr, i64* order,
         const Run& run = {});
bool arranged(const i32* rows, i64 n, i64 n_rows, const i64* times, i64* indptr, i64* order,
              i64* sorted_times, const std::vector<Beside>& columns, const Run& run);
bool transpose(const Rows& rows, i64 n_columns, i64* indptr, i32* indices, float* values,
               const Run& run = {});

// deciding.cpp: 1 for the one entry of each column of a row that counts: the last; or the first of
// those that have the sign of the last that is not 0.
bool deciding(const Rows& rows, bool last, unsigned char* mask, const Run& run);

// gather.cpp: out[i] = source[places[i]]. sound.cpp: whether pointers rise from 0, columns are
// below n_columns and values finite.
bool gather(const std::uint32_t* source, const i64* places, i64 n, std::uint32_t* out,
            const Run& run);
bool gather(const std::uint64_t* source, const i64* places, i64 n, std::uint64_t* out,
            const Run& run);
bool sound(const Rows& rows, i64 n_columns, const Run& run);
bool finite(const float* values, i64 n);

// grades.cpp: the distinct values in order, if there are at most `most` of them.
bool grades(const float* values, i64 n, i64 most, std::vector<float>& found, bool& few,
            const Run& run);

// top_k.cpp: the n best per row by (score descending, column ascending); -1 pads.
struct Filter {
  const Rows* exclude;           // null: nothing
  const unsigned char* allowed;  // null: everything
  const unsigned char* known;    // [n_rows, n_columns], null: everything; of select alone
  bool positive = false;         // only scores above 0; of top_k alone
};

// Item vectors as they are scored: panels of 64 by components, the longest vectors first.
struct Panels {
  i64 count, n_items;
  int d;
  std::vector<i32> order;  // the item at each place, -1 where the last panel is not full
  std::vector<i32> place;  // of each item
  Aligned<float> items, bias;
  std::vector<float> longest, most;  // length and bias that no item from this panel on exceeds

  Panels(const float* items, i64 n_items, int d, const float* bias, const Run& run);
  const float* panel(i64 at) const { return items.data() + at * PANEL * d; }
  const float* start(i64 at) const { return bias.data() + at * PANEL; }
  i64 width_of(i64 at) const { return n_items - at * PANEL < PANEL ? n_items - at * PANEL : PANEL; }
};

bool product(const Panels& panels, const float* queries, i64 n_queries, float* scores,
             const Run& run);
bool top_k(const Panels& panels, const float* queries, i64 n_queries, i64 n, const Filter& filter,
           i32* ids, float* scores, const Run& run);
bool select(const float* scores, i64 n_rows, i64 n_columns, i64 n, const Filter& filter, i32* ids,
            float* best, const Run& run);

// hits.cpp: out[r][at] says whether lists[r][at] (-1 is nobody's) is a column of row r.
bool hits(const i32* lists, i64 n, const Rows& held, i64 n_columns, unsigned char* out,
          const Run& run);

// spread.cpp: out[b][i] = Σ_j x_bj W_ji, summed in float64 in the order of the history; and, unless
// none is asked for, norm[b][i] = Σ_j |W_ji| or Σ_j x_bj over the j that hold i.
enum class Norm { none, weights, history };
bool spread(const Rows& history, const Rows& weights, i64 n_columns, Norm kind, float* out,
            float* norm, const Run& run);
bool spread(const Rows& history, const float* weights, i64 n_columns, float* out, const Run& run);

// nearest.cpp: the k most similar rows of a table for each query row, best first.
enum class Measure { cosine, jaccard, pearson, dot };

struct Table;  // turned.hpp
struct Wanted {
  i64 k;
  Measure measure;
  double shrink;
  const i32* itself;  // of each query, a row to leave out; null: none
  bool positive;      // only similarities above 0
};
bool nearest(const Rows& queries, const Table& table, const Wanted& wanted, OwnedRows& out,
             const Run& run);

// neighbours.cpp: the k most similar other rows of each row, best first; similarities above 0. Not
// of pearson.
bool neighbours(const Rows& table, i64 n_columns, i64 k, Measure measure, double shrink,
                OwnedRows& out, const Run& run);

// solve_rows.cpp: A x = b for each row, A = G + Σ w v vᵀ + scale · diag ridge, b = Σ w t v. Returns
// the first row whose matrix is not positive definite, -1 if all are, -2 if stopped, -3 if an
// answer is not finite.
struct Ridge {
  Rows rows;             // the items of each row; values are the weights w
  const float* targets;  // t of each entry; null: all ones
  const float* items;    // v [n_items, d]
  i64 n_items;
  int d;
  const float* ridge;  // [d]
  const float* scale;  // [n_rows]; null: all ones
  const float* gram;   // G [d, d]; null: none
};
enum class Method { exact, conjugate, blocks };
struct Descent {
  Method method;
  const float* start;  // x before, [n_rows, d]; of exact null
  int steps, block;
};
i64 solve_rows(const Ridge& problem, const Descent& how, float* out, double* objective,
               const Run& run);

// fold_in.cpp: solve_rows with c = max(n + pull, 1)^frequency for a row of n, and top_k of the
// answers. Returns what solve_rows does.
struct FoldIn {
  const Panels& panels;
  const float *items, *ridge, *gram;
  double frequency, pull;
};
i64 fold_in(const FoldIn& model, const Rows& rows, const float* targets, float* tastes,
            const Run& run);
i64 fold_in_best(const FoldIn& model, const Rows& rows, const float* targets, i64 n,
                 const Filter& filter, i32* ids, float* scores, const Run& run);

// rating_sgd.cpp: the order of a fixed schedule, block after block, and one epoch over ratings that
// stand in it, in place.
struct Schedule {
  const i32 *users, *items;
  const float* targets;
  const i64* bounds;  // [blocks² + 1]
  i64 blocks;
};
i64 schedule_size(i64 n, bool serial);
void schedule(const i32* users, const i32* items, i64 n, i64 n_users, i64 n_items,
              std::uint64_t seed, i64 blocks, i64* order, i64* bounds);
bool rating_sgd(const Schedule& plan, SgdSides sides, SgdRates rates, double& squared_error,
                const Run& run);

// bpr_sgd.cpp: ranges of people with equal counts of likes, the pairs drawn for one epoch, and one
// epoch over them without keeping them.
struct PairPlan {
  Rows likes;
  const i64* people;  // [blocks + 1], the first of each range
  i64 blocks, n_items;
  std::uint64_t seed;

  i64 n() const { return likes.indptr[likes.n_rows]; }
  i64 start(i64 range) const { return likes.indptr[people[range]]; }
};
i64 pair_blocks(i64 n, i64 n_items);
void pair_ranges(const Rows& likes, i64 blocks, i64* people);
bool draw_pairs(const PairPlan& plan, std::uint64_t epoch, i32* pairs, i64* bounds, const Run& run);
bool bpr_sgd(const PairPlan& plan, std::uint64_t epoch, PairSides sides, PairRates rates,
             PairCount& count, const Run& run);

// pair_taste.cpp: the vector of each history that maximises BPR's likelihood against a panel of
// typical items. Returns the first row whose matrix is not positive definite, -1 if all are, -2 if
// stopped.
struct PairModel {
  const float *items, *bias;
  const float *panel, *panel_bias, *weights;  // [m, d], [m], [m]
  i64 m;
  int d;
};
i64 pair_taste(const Rows& histories, const PairModel& model, const float* ridge, float* out,
               const Run& run);

// gram.cpp: Σ_i w_i v_i v_iᵀ over fixed chunks, added in order in float64.
bool gram(const float* items, i64 n_items, int d, const float* weights, float* out, const Run& run);

// spd_inverse.cpp: the inverse of A [n, n], symmetric positive definite, lower half given, in
// place. Returns the first row whose pivot is not positive, -1 if all are, -2 if stopped; A is then
// used up.
i64 spd_inverse(float* A, i64 n, const Run& run);
i64 spd_inverse(double* A, i64 n, const Run& run);

// co_counts.cpp: XᵀX [n_columns, n_columns]; out comes as zeros. Returns a row in which a column
// stands twice, -1 if there is none, -2 if stopped.
i64 co_counts(const Rows& rows, i64 n_columns, float* out, const Run& run);
// gibbs.cpp: one sweep of Gibbs sampling for each chain, in place.
struct GibbsRatings {
  Rows rows;  // of each person, in time order; values are the ratings
  i64 n_items;
  const double* gaps;  // [n], time since the person's last rating, infinite for a new start; or
                       // null: no drift
};
struct GibbsFeatures {
  Rows rows;                  // of each feature, the rows that have it: people, then items
  const i64* first;           // [groups + 1], the first feature of each group
  const unsigned char* side;  // [groups], 0 of people, 1 of items
  i64 groups;
};
struct GibbsChain {
  int factors;
  double* level;               // w0, τ, ν of people and items, size and length of the drift, the
                               // widths of their steps, and a usual length
  float* weights;              // [1 + factors, features]
  double *means, *precisions;  // [1 + factors, groups]
  float* sums;                 // [1 + factors, rows]
  float *errors, *drift;       // [n]
  float* noise;                // [rows], factors of the precision τ
};
struct GibbsStep {
  std::uint64_t key;
  i64 sweep;
  bool adapt;
};
bool gibbs_sweep(const GibbsRatings& ratings, const GibbsFeatures& features,
                 const std::vector<GibbsChain>& chains, std::uint64_t seed, i64 sweep, bool adapt,
                 const Run& run);

// fold_draws.cpp: what a history says of a person under each draw. Returns a row whose matrix is
// not positive definite, -1 if all are, -2 if stopped.
struct FoldDraws {
  i64 draws;
  int d;
  const float* vectors;  // [n_items, draws, d]
  const float* ridge;    // [draws, d + 1], above 0; the last is of the person's bias
  const float* noise;    // [n_items, draws], factors of the precision τ
  const double* tau;     // [draws]
  const double* drift;   // [draws, 2], size and length
};
struct FoldHistories {
  Rows rows;
  const double* gaps;    // [nnz], as of GibbsRatings
  const float* targets;  // [nnz, draws]
  const float* alpha;    // [n_rows], factors of the precision τ
};
struct FoldAnswers {
  float* taste;      // [n_rows, draws, d + 1]
  float* duals;      // [nnz, draws]
  double* evidence;  // [n_rows, draws], log density of the targets up to a constant
};
i64 fold_draws(const FoldDraws& model, const FoldHistories& histories, const FoldAnswers& out,
               const Run& run);
// out[j][draw]: the mean covariance of entry j's drift with those of all entries of its row.
bool drift_likeness(const Rows& rows, const double* gaps, const double* drift, i64 draws,
                    float* out, const Run& run);

// slim_columns.cpp: for each item j, min_w ½|x_j − Xw|² + l1 |w|₁ + ½ l2 |w|² with w_j = 0; the k
// weights of the largest size, best first.
struct Slim {
  float l1, l2;
  i64 k, candidates;  // candidates: items a column may use, -1 for all
  bool positive;      // only w >= 0
  int most;           // rounds
  float tolerance;    // a round that moves no weight by more is the last
};
bool slim_columns(const Rows& x, i64 n_items, const Slim& slim, OwnedRows& out, const Run& run);

// follow_counts.cpp: out[a][b] = Σ weights[g] over the pairs of a sequence in which b stands g + 1
// places after a, g < horizon; columns rise. Weights are above 0.
bool follow_counts(const Rows& sequences, i64 n_columns, const double* weights, i64 horizon,
                   OwnedRows& out, const Run& run);

}  // namespace penchant
