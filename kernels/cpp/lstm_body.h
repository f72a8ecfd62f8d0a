// Copyright 2026 the Soupstate authors. Licence: Apache-2.0.
//
// The implementation of Lstm for any vector type. One source file per instruction set includes it, each with its own
// compiler flags. Everything is in an anonymous namespace and calls no inline function of the standard library.
// Otherwise the linker could share code between instruction sets, and crash older machines.
//
// Every vector type has Vec, kLanes, load, store, set1, add, sub, mul, div, fma(a, b, c) = a b + c, min, max and
// raise(a, n) = a 2^(n - kMagic). The type V, for the products of a block, is described in products.h. The type R, for
// the recurrence, also has:
//   Sum, a vector of the integer product, and value(), which converts it to floats
//   Row, 2 kLanes numbers of 16 bits: row() loads one, add_rows() adds two, lower() and upper() are its halves as
//   floats
//   kVectors, the vectors of units in a panel
//   kPages, the most pages under way; kTogether, the pages that share one pass over a panel
//   Recurrent, the packed recurrent weights: Dense (dense.h), Columns (columns_ymm.h) or ColumnsVnni (columns_vnni.h)
//
// Recurrent weights are packed in panels of kPanelUnits units. A step reads one byte of every page under way and
// streams all panels once. It multiplies a panel and updates its gates for one page after another while the panel is in
// the first-level cache. Each page occupies a lane from its first byte to its last; then the next page takes the lane.
#pragma once
#include "activations.h"
#include "contexts.h"
#include "head_sums.h"
#include "lstm.h"
#include "products.h"
#include "tables.h"

namespace soupstate {
namespace {

constexpr size_t kGates = 4;
constexpr size_t kStatesPerBlock = 96;  // states kept before their outputs are computed

template <class V, class R>
class LstmOn final : public Lstm {
  using Vec = typename V::Vec;
  using Level = typename R::Recurrent::Level;
  using Input = typename V::Input;
  static constexpr size_t kLanes = V::kLanes;
  static constexpr size_t kPanelUnits = R::kVectors * R::kLanes;        // units of a panel
  static constexpr size_t kSums = kGates * R::kVectors;                 // vectors of gate values in a panel
  static constexpr size_t kPanelValues = kGates * kPanelUnits;          // gate values in a panel
  static constexpr size_t kPanelsAtOnce = R::Recurrent::kPanelsAtOnce;  // panels multiplied together
  static constexpr size_t kPages = R::kPages;                           // the most lanes
  // The columns of one product: logits, gains of the predictions, inputs of the gate layer, heads.
  static constexpr size_t kGains = kBytes, kGateAt = kGains + up(kPredictions, kLanes);
  static constexpr size_t kHeads = up(kGateAt + kGate, 2 * kLanes);
  static_assert(kGate % kLanes == 0, "a gate is whole vectors");
  static_assert(kStatesPerBlock % V::kRows == 0, "a block is whole tiles");

  // A page under way.
  struct Lane {
    const LstmCall* call;
    size_t t;             // bytes read
    size_t traced;        // of them
    size_t sums, summed;  // sums written, and bytes of the one under way
    float *h, *c, *sum;   // [padded_]; sum: of h, zeros between calls
    Level* levels;        // the levels of h in the form that the recurrent product needs
    const int16_t* rows[Tables::kMaxRows];
    size_t n_rows;
  };

  // A position in a call. The state after byte t - 1 gives the distribution of byte t and the heads of byte t - 1.
  struct Position {
    const LstmCall* call;
    size_t t;
  };

 public:
  explicit LstmOn(const LstmWeights& w)
      : units_(w.units),
        outputs_(w.outputs),
        padded_(up(w.units, kPanelUnits)),
        tables_(row()),
        recurrent_(w.units, padded_),
        scale_(row()),
        table_scale_(row()),
        product_(kHeads + w.outputs, w.units + kEmbedded),
        copy_bias_(kPredictions * kClasses),
        gate_length_(kLengths * kClasses * kGate),
        gate_gain_(kGate * (kGateAt - kGains)),
        contexts_(w.context, w.slots),
        head_sums_(w.heads, w.heads_bias, w.outputs, w.units) {
    pack_tables(w);
    pack_recurrent(w);
    for (size_t k = 0; k < kBytes; ++k)
      column(k, w.output + k * units_, w.context_output + k * kEmbedded, w.output_bias[k]);
    for (size_t k = 0; k < kPredictions; ++k) column(kGains + k, w.copy_gain + k * units_, nullptr, 0.0f);
    for (size_t k = 0; k < kGate; ++k) column(kGateAt + k, w.gate + k * units_, nullptr, w.gate_bias[k]);
    for (size_t k = 0; k < outputs_; ++k) column(kHeads + k, w.heads + k * units_, nullptr, w.heads_bias[k]);
    memcpy(copy_bias_.get(), w.copy_bias, kPredictions * kClasses * sizeof(float));
    memcpy(gate_length_.get(), w.gate_length, kLengths * kClasses * kGate * sizeof(float));
    for (size_t k = 0; k < kPredictions; ++k)
      for (size_t j = 0; j < kGate; ++j) gate_gain_.get()[j * (kGateAt - kGains) + k] = w.gate_gain[k * kGate + j];
  }

  size_t units() const override { return units_; }
  size_t outputs() const override { return outputs_; }

  double read(const LstmCall* calls, size_t count) const override {
    const size_t most = count < kPages ? count : kPages;
    Buffer<float> states(3 * most * padded_);
    Buffer<Level> levels(most * recurrent_.levels());
    size_t rows = 0;
    for (size_t i = 0; i < count && rows < kStatesPerBlock; ++i) rows += calls[i].n + 1;
    rows = up(rows < kStatesPerBlock ? rows : kStatesPerBlock, V::kRows);
    Block blocks[] = {{product_, rows, false}, {product_, rows, true}};
    Lane lanes[kPages];
    for (size_t i = 0; i < most; ++i) {
      lanes[i].h = states.get() + 3 * i * padded_;
      lanes[i].c = lanes[i].h + padded_;
      lanes[i].sum = lanes[i].c + padded_;
      lanes[i].levels = levels.get() + i * recurrent_.levels();
    }
    double total = 0;
    size_t active = 0, next = 0;
    for (; active < most && begin(calls, count, &next, &lanes[active]); ++active) total += keep(lanes[active], blocks);
    while (active) {
      step(lanes, active);
      for (size_t i = active; i--;) {  // backwards, because the last lane replaces one that ends
        Lane& lane = lanes[i];
        const LstmCall& call = *lane.call;
        trace(&lane);
        sum(&lane);
        ++lane.t;
        keep_state(lane);
        total += keep(lane, blocks);
        if (lane.t < call.n) continue;
        memcpy(call.h, lane.h, units_ * sizeof(float));
        memcpy(call.c, lane.c, units_ * sizeof(float));
        if (begin(calls, count, &next, &lane)) {
          total += keep(lane, blocks);
        } else {
          const Lane ended = lane;
          lane = lanes[--active];
          lanes[active] = ended;
        }
      }
    }
    return total + finish(&blocks[false]) + finish(&blocks[true]);
  }

 private:
  // States, as inputs of the product, whose outputs are still to be computed. One block holds the states whose next
  // byte is in `asked`, the other block the rest.
  struct Block {
    Block(const Product<V>& p, size_t rows, bool of_odds)
        : inputs(rows * p.depth()), outputs(rows * p.columns()), most(rows), size(0), odds(of_odds), heads(0) {}
    Buffer<Input> inputs;
    Buffer<float> outputs;
    Position positions[kStatesPerBlock];
    size_t most, size;
    const bool odds;
    size_t heads;  // the most outputs of heads that any state needs
  };

  size_t row() const { return kGates * padded_; }  // numbers in a row of a packed table, [panel][gate][kPanelUnits]

  // Returns where gate value i of [gate][units_] is in such a row.
  size_t place(size_t i) const {
    const size_t u = i % units_;
    return u / kPanelUnits * kPanelValues + i / units_ * kPanelUnits + u % kPanelUnits;
  }

  // Returns the factor of a gate value z for which 2^(power z) is e^-z, or e^2z for the cell gate g.
  float power(size_t i) const { return i / units_ == 2 ? kTwice : -kLog2E; }

  void pack_tables(const LstmWeights& w) {
    const auto at = [this](size_t i) { return place(i); };
    tables_.pack(w.byte, w.predicted, w.length, kGates * units_, at, table_scale_.get());
    for (size_t i = 0; i < kGates * units_; ++i) table_scale_.get()[place(i)] *= power(i);
  }

  void pack_recurrent(const LstmWeights& w) {
    for (size_t i = 0; i < kGates * units_; ++i) scale_.get()[place(i)] = power(i) * w.recurrent_scale[i] / kLevels;
    for (size_t gate = 0; gate < kGates; ++gate)
      for (size_t u = 0; u < units_; ++u) {
        const int8_t* from = w.recurrent + (gate * units_ + u) * units_;
        for (size_t j = 0; j < units_; ++j)
          recurrent_.set(u / kPanelUnits, gate * kPanelUnits + u % kPanelUnits, j, from[j]);
      }
  }

  // Packs one column of the product: the weights of the state and those of the contexts' embedding.
  void column(size_t at, const float* by_state, const float* by_context, float bias) {
    const float steps = V::kIntegers ? Product<V>::kLargestInput : 1.0f,
                context_steps = V::kIntegers ? kEmbeddedSteps : 1.0f;
    Buffer<float> weights(units_ + kEmbedded);
    for (size_t j = 0; j < units_; ++j) weights.get()[j] = by_state[j] / steps;
    for (size_t j = 0; by_context && j < kEmbedded; ++j) weights.get()[units_ + j] = by_context[j] / context_steps;
    product_.set(at, weights.get(), units_ + kEmbedded, bias);
  }

  // Gives the lane the next call that has bytes. Returns false where there is none.
  bool begin(const LstmCall* calls, size_t count, size_t* next, Lane* lane) const {
    while (*next < count && !calls[*next].n) ++*next;
    if (*next == count) return false;
    lane->call = &calls[(*next)++];
    lane->t = lane->traced = 0;
    lane->sums = lane->summed = 0;
    memcpy(lane->h, lane->call->h, units_ * sizeof(float));
    memcpy(lane->c, lane->call->c, units_ * sizeof(float));
    return true;
  }

  // Reads one byte in every lane.
  void step(Lane* lanes, size_t active) const {
    for (size_t i = 0; i < active; ++i) {
      Lane& lane = lanes[i];
      recurrent_.prepare(lane.h, kLevels, lane.levels);
      if (lane.call->odds || bits_asked(*lane.call, lane.t + 1))
        contexts_.fetch(lane.call->found.slot + kContexts * lane.t);
      const size_t at = kPredictions * lane.t;
      const CopyInput& found = lane.call->found;
      lane.n_rows = tables_.rows(lane.call->ids[lane.t], found.predicted + at, found.length + at, lane.rows);
    }
    for (size_t unit = 0; unit < padded_;) {
      const bool whole = unit + kPanelsAtOnce * kPanelUnits <= padded_;
      size_t i = 0;
      for (; i + R::kTogether <= active; i += R::kTogether)
        whole ? panels<R::kTogether, kPanelsAtOnce>(unit, lanes + i) : panels<R::kTogether, 1>(unit, lanes + i);
      for (; i < active; ++i) whole ? panels<1, kPanelsAtOnce>(unit, lanes + i) : panels<1, 1>(unit, lanes + i);
      unit += whole ? kPanelsAtOnce * kPanelUnits : kPanelUnits;
    }
  }

  // Updates h and c of the units in some panels, in several lanes. The levels are those of the old h.
  template <size_t Pages, size_t Panels>
  void panels(size_t unit, Lane* lanes) const {
    const Level* levels[Pages];
    for (size_t p = 0; p < Pages; ++p) levels[p] = lanes[p].levels;
    typename R::Sum sums[Pages][Panels * kSums];
    recurrent_.template multiply<Pages, Panels>(unit / kPanelUnits, levels, sums);
    for (size_t p = 0; p < Pages; ++p)
      for (size_t n = 0; n < Panels; ++n) update(unit + n * kPanelUnits, lanes[p], sums[p] + n * kSums, Panels);
  }

  // Updates h and c of a panel's units in one lane, from its sums. It prefetches the input `ahead` panels further on.
  void update(size_t unit, const Lane& lane, const typename R::Sum* sums, size_t ahead) const {
    const float *scale = scale_.get() + unit * kGates, *table_scale = table_scale_.get() + unit * kGates;
    typename R::Row input[kSums / 2];
#pragma GCC unroll 16
    for (size_t q = 0; q < kSums / 2; ++q) input[q] = R::row(lane.rows[0] + unit * kGates + q * 2 * R::kLanes);
    fetch(lane.rows[0] + (unit + ahead * kPanelUnits) * kGates);
    for (size_t r = 1; r < lane.n_rows; ++r) {
#pragma GCC unroll 16
      for (size_t q = 0; q < kSums / 2; ++q)
        input[q] = R::add_rows(input[q], R::row(lane.rows[r] + unit * kGates + q * 2 * R::kLanes));
      fetch(lane.rows[r] + (unit + ahead * kPanelUnits) * kGates);
    }
    typename R::Vec z[kSums];
#pragma GCC unroll 16
    for (size_t q = 0; q < kSums; ++q)
      z[q] =
          R::fma(R::value(sums[q]), R::load(scale + q * R::kLanes),
                 R::mul(q % 2 ? R::upper(input[q / 2]) : R::lower(input[q / 2]), R::load(table_scale + q * R::kLanes)));
#pragma GCC unroll 4
    for (size_t v = 0; v < R::kVectors; ++v)
      gates(z[v], z[R::kVectors + v], z[2 * R::kVectors + v], z[3 * R::kVectors + v], lane.c + unit + v * R::kLanes,
            lane.h + unit + v * R::kLanes);
  }

  // Prefetches the part of a table row that the next panel needs. The tables exceed the second-level cache.
  static void fetch(const int16_t* next) {
#pragma GCC unroll 16
    for (size_t i = 0; i < kPanelValues; i += 32) __builtin_prefetch(next + i);
  }

  // Updates a vector of units. i, f, g and o are exponents of 2, see power().
  static void gates(typename R::Vec i, typename R::Vec f, typename R::Vec g, typename R::Vec o, float* cell,
                    float* next) {
    i = power_of_gate<R>(i);
    f = power_of_gate<R>(f);
    g = power_of_gate<R>(g);
    o = power_of_gate<R>(o);
    // c / (1 + f) + (g - 1) / ((1 + i) (g + 1)), with one division
    const auto one = R::set1(1.0f);
    const auto forget = R::add(one, f), input = R::mul(R::add(one, i), R::add(g, one));
    const auto c = R::div(R::fma(R::load(cell), input, R::mul(R::sub(g, one), forget)), R::mul(forget, input));
    R::store(cell, c);
    R::store(next, sigmoid_tanh<R>(o, power_of_gate<R>(R::mul(c, R::set1(kTwice)))));
  }

  // Writes h of the traced units after the byte that was read, if it is traced.
  static void trace(Lane* lane) {
    const LstmCall& call = *lane->call;
    if (!call.n_units || (call.traced && !call.traced[lane->t])) return;
    float* to = call.traces + lane->traced++ * call.n_units;
    for (size_t u = 0; u < call.n_units; ++u) to[u] = lane->h[call.units[u]];
  }

  // Adds h after the byte that was read to the sum under way, or begins the next one.
  void sum(Lane* lane) const {
    const LstmCall& call = *lane->call;
    if (!call.sums) return;
    if (call.begins[lane->t]) write_sum(lane);
    for (size_t u = 0; u < padded_; ++u) lane->sum[u] += lane->h[u];
    ++lane->summed;
    if (lane->t + 1 == call.n) write_sum(lane);
  }

  void write_sum(Lane* lane) const {
    head_sums_.write(lane->sum, lane->summed, lane->call->sums + lane->sums++ * outputs_);
    memset(lane->sum, 0, padded_ * sizeof(float));
    lane->summed = 0;
  }

  // Writes h and c after the bytes that were read, if they are to be kept.
  void keep_state(const Lane& lane) const {
    const LstmCall& call = *lane.call;
    if (!call.every || lane.t % call.every) return;
    float* to = call.kept + (lane.t / call.every - 1) * 2 * units_;
    memcpy(to, lane.h, units_ * sizeof(float));
    memcpy(to + units_, lane.c, units_ * sizeof(float));
  }

  // Whether the call wants the bits and entropy of byte t.
  static bool bits_asked(const LstmCall& call, size_t t) {
    return !call.states_only && t < call.n && (!call.asked || call.asked[t]);
  }

  // Puts the state of a lane into a block, if an output depends on it. Returns the bits of a block that became full.
  double keep(const Lane& lane, Block* blocks) const {
    const LstmCall& call = *lane.call;
    const size_t heads = lane.t ? call.n_heads : 0;
    const bool odds = (call.odds && lane.t) || bits_asked(call, lane.t);
    if (!heads && !odds) return 0;
    Block* block = &blocks[odds];
    Input* inputs = block->inputs.get() + block->size * product_.depth();
    V::to_inputs(lane.h, units_, Product<V>::kLargestInput, inputs);
    if (odds)
      contexts_.template add<V>(lane.t ? call.found.slot + kContexts * (lane.t - 1) : call.first.slot, inputs + units_);
    if (block->heads < heads) block->heads = heads;
    block->positions[block->size++] = {lane.call, lane.t};
    return block->size == block->most ? finish(block) : 0;
  }

  // Computes the outputs of a block and empties it. Returns its bits.
  double finish(Block* block) const {
    product_.multiply(block->inputs.get(), block->size, block->odds ? 0 : kHeads, kHeads + up(block->heads, 2 * kLanes),
                      block->outputs.get());
    double total = 0;
    float* scores = block->outputs.get();
    for (size_t i = 0; i < block->size; ++i, scores += product_.columns()) {
      const LstmCall& call = *block->positions[i].call;
      const size_t t = block->positions[i].t;
      if (call.n_heads && t) memcpy(call.heads + (t - 1) * call.n_heads, scores + kHeads, call.n_heads * sizeof(float));
      if (!block->odds) continue;
      const CopyInput& found = t ? call.found : call.first;
      const size_t at = t ? kPredictions * (t - 1) : 0;
      copy(found.predicted + at, found.length + at, scores);
      if (call.odds && t) softmax_odds<V, kBytes>(scores, call.odds + (t - 1) * kBytes);
      if (!bits_asked(call, t)) continue;
      float entropy;
      const float bits = softmax<V>(scores, kBytes, call.ids[t], &entropy);
      if (call.bits) call.bits[t] = bits;
      if (call.entropy) call.entropy[t] = entropy;
      total += bits;
    }
    block->size = 0;
    block->heads = 0;
    return total;
  }

  // Adds the copy terms to the logits of the predicted bytes. `scores` holds the columns of the product.
  void copy(const uint8_t* predicted, const uint8_t* length, float* scores) const {
    constexpr size_t kWidth = kGateAt - kGains, kVectors = kWidth / kLanes;
    float* gate = scores + kGateAt;
    for (size_t v = 0; v < kGate; v += kLanes) {
      Vec x = V::load(gate + v);
      for (size_t k = 0; k < kLengths; ++k)
        x = V::add(x, V::load(gate_length_.get() + (k * kClasses + length[k]) * kGate + v));
      V::store(gate + v, tanh_of<V>(x));
    }
    Vec gains[kVectors];
#pragma GCC unroll 16
    for (size_t v = 0; v < kVectors; ++v) gains[v] = V::load(scores + kGains + v * kLanes);
    for (size_t j = 0; j < kGate; ++j)
#pragma GCC unroll 16
      for (size_t v = 0; v < kVectors; ++v)
        gains[v] = V::fma(V::set1(gate[j]), V::load(gate_gain_.get() + j * kWidth + v * kLanes), gains[v]);
#pragma GCC unroll 16
    for (size_t v = 0; v < kVectors; ++v) V::store(scores + kGains + v * kLanes, gains[v]);
    for (size_t k = 0; k < kPredictions; ++k)
      if (length[k]) scores[predicted[k]] += scores[kGains + k] + copy_bias_.get()[k * kClasses + length[k]];
  }

  size_t units_, outputs_;
  size_t padded_;  // H rounded up to whole panels; the excess stays zero everywhere
  Tables tables_;
  typename R::Recurrent recurrent_;
  Buffer<float> scale_, table_scale_;  // of the recurrent product and of the tables
  Product<V> product_;
  Buffer<float> copy_bias_, gate_length_, gate_gain_;  // gate_gain_: [kGate][predictions, rounded up to whole vectors]
  Contexts contexts_;
  HeadSums<R> head_sums_;
};

}  // namespace
}  // namespace soupstate
