package io.weightloom.analysis;

import io.weightloom.tensor.BlockCut;
import io.weightloom.tensor.TensorSpec;
import io.weightloom.testkit.Serialized;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;

/** Runs a scan as tasks would: each sees some blocks, and sketches travel and meet in any order. */
public final class InMemory {

  private InMemory() {}

  /** One task sees all. */
  public static <S extends Sketch<S>, R extends Serializable> R scan(
      Scan<S, R> scan, List<TensorSpec> tensors, byte[]... data) {
    return scan(scan, tensors, 1, new Random(0), data);
  }

  /** So many tasks see runs of blocks; their sketches are merged in random order. */
  public static <S extends Sketch<S>, R extends Serializable> R scan(
      Scan<S, R> scan, List<TensorSpec> tensors, int tasks, Random random, byte[]... data) {
    BlockCut cut = BlockCut.of(tensors.get(0), scan.blockElements());
    List<S> sketches = new ArrayList<>();
    byte[][] lent = new byte[data.length][];
    for (int task = 0; task < tasks; task++) {
      S sketch = scan.open(tensors);
      long end = cut.blocks() * (task + 1) / tasks;
      for (long index = cut.blocks() * task / tasks; index < end; index++) {
        BlockCut.Block place = cut.block(index);
        AlignedBlock block = new AlignedBlock(tensors, place, lent);
        for (int k = 0; k < data.length; k++) {
          int width = tensors.get(k).dtype().bytes();
          // Longer than the block, as a reader's are, and full of what is not the block's.
          lent[k] = new byte[block.length(k) + 24];
          random.nextBytes(lent[k]);
          System.arraycopy(
              data[k], Math.toIntExact(place.offset() * width), lent[k], 0, block.length(k));
        }
        sketch.add(block);
      }
      sketches.add(tasks == 1 ? sketch : Serialized.copy(sketch));
    }
    Collections.shuffle(sketches, random);
    S all = sketches.get(0);
    sketches.subList(1, sketches.size()).forEach(all::merge);
    return Serialized.copy(scan.conclude(tensors, all));
  }
}
