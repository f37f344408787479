package io.weightloom.merge;

import org.assertj.core.data.Offset;

/** What the tests of golden values share. */
final class Golden {

  /** The references compute in fp32. */
  static final Offset<Double> WITHIN = Offset.offset(1e-6);

  private Golden() {}
}
