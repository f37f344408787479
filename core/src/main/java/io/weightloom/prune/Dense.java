package io.weightloom.prune;

import io.weightloom.merge.Arith;
import io.weightloom.merge.MergeState;
import io.weightloom.merge.Params;
import io.weightloom.merge.Span;

/** The state of a tensor that keeps all of its weights. */
record Dense(Params params) implements MergeState {
  private static final long serialVersionUID = 1;

  @Override
  public <V> Emitter<V> emitter(Arith<V> arith, Span span) {
    return new Pruner<>(arith, params, Pruner.Choice.all());
  }
}
