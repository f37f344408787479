package io.weightloom.job;

import io.weightloom.analysis.AlignedBlock;
import io.weightloom.analysis.Scan;
import io.weightloom.analysis.Sketch;
import io.weightloom.io.ByteSource;
import io.weightloom.io.Storage;
import io.weightloom.io.TensorLocation;
import io.weightloom.job.MergeRequest.Progress;
import io.weightloom.tensor.BlockCut;
import io.weightloom.tensor.TensorSpec;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.spark.SparkContext;
import org.apache.spark.api.java.JavaSparkContext;
import org.jspecify.annotations.Nullable;

/**
 * Runs a scan on Spark. A task reads blocks of the same range of all models itself; sketches travel
 * only of a tensor that tasks share. How the blocks are dealt out never shows in the result.
 *
 * @param <S> what is gathered of a tensor
 * @param <R> what is concluded
 */
public final class ScanJob<S extends Sketch<S>, R extends Serializable> {
  /** Bytes of all models up to which a tensor is one piece. */
  private static final long PIECE = 64L << 20;

  private final JavaSparkContext spark;
  private final Scan<S, R> scan;
  private final long pieceBytes;

  private ScanJob(SparkContext spark, Scan<S, R> scan, long pieceBytes) {
    this.spark = JavaSparkContext.fromSparkContext(spark);
    this.scan = scan;
    this.pieceBytes = pieceBytes;
  }

  /**
   * Reads all blocks once.
   *
   * @param phase what the progress line says
   * @param tensors each as K models have it, of one shape; other shapes of as many elements only if
   *     the scan knows of it
   * @return what was concluded of each tensor, in their order
   * @throws io.weightloom.error.WeightloomException if a file cannot be read, or a tensor not be
   *     held
   */
  public static <S extends Sketch<S>, R extends Serializable> List<R> run(
      SparkContext spark,
      String phase,
      List<List<TensorLocation>> tensors,
      Scan<S, R> scan,
      Progress progress) {
    return run(spark, phase, tensors, scan, progress, PIECE);
  }

  /** As above, with pieces of another size. */
  static <S extends Sketch<S>, R extends Serializable> List<R> run(
      SparkContext spark,
      String phase,
      List<List<TensorLocation>> tensors,
      Scan<S, R> scan,
      Progress progress,
      long pieceBytes) {
    try {
      return new ScanJob<>(spark, scan, pieceBytes).run(phase, tensors, progress);
    } catch (Exception e) { // Spark's are checked, and Scala does not declare them.
      throw EmbeddedSpark.failure(spark, phase, e);
    }
  }

  private List<R> run(String phase, List<List<TensorLocation>> tensors, Progress progress) {
    Map<Integer, S> shared = new TreeMap<>();
    Map<Integer, R> concluded = new TreeMap<>();
    for (Found<S, R> found : perform(phase, tasks(tensors), progress)) {
      R result = found.concluded();
      S sketch = found.sketch();
      if (result != null) {
        concluded.put(found.tensor(), result);
      } else if (sketch != null && shared.putIfAbsent(found.tensor(), sketch) != null) {
        shared.get(found.tensor()).merge(sketch);
      }
    }
    shared.forEach(
        (tensor, sketch) ->
            concluded.put(tensor, scan.conclude(specs(tensors.get(tensor)), sketch)));
    return List.copyOf(concluded.values());
  }

  private static List<TensorSpec> specs(List<TensorLocation> aligned) {
    return aligned.stream().map(TensorLocation::spec).toList();
  }

  /**
   * Blocks of a tensor.
   *
   * @param tensor its index
   * @param at where each model has it
   * @param first the first block
   * @param end the block behind the last
   * @param isAll whether these are all blocks
   */
  private record Piece(
      int tensor, List<TensorLocation> at, long first, long end, boolean isAll, long bytes)
      implements Serializable {
    private static final long serialVersionUID = 1;
  }

  private record Found<S, R>(int tensor, @Nullable R concluded, @Nullable S sketch)
      implements Serializable {
    private static final long serialVersionUID = 1;
  }

  private List<List<Piece>> tasks(List<List<TensorLocation>> tensors) {
    List<List<Piece>> tasks = new ArrayList<>();
    long total = tensors.stream().flatMap(List::stream).mapToLong(t -> t.end() - t.begin()).sum();
    long target = Math.max(1, Math.min(4 * PIECE, total / (4L * spark.defaultParallelism())));
    long filled = target;
    for (int i = 0; i < tensors.size(); i++) {
      List<TensorLocation> at = tensors.get(i);
      boolean whole = scan.isWhole(specs(at));
      for (Piece piece : pieces(i, at, whole)) {
        if (filled + piece.bytes() > target || whole) {
          tasks.add(new ArrayList<>());
          filled = 0;
        }
        tasks.get(tasks.size() - 1).add(piece);
        filled = whole ? target : filled + piece.bytes();
      }
    }
    tasks.sort(Comparator.comparingLong((List<Piece> task) -> bytes(task)).reversed());
    return tasks;
  }

  private static long bytes(List<Piece> task) {
    return task.stream().mapToLong(Piece::bytes).sum();
  }

  private List<Piece> pieces(int tensor, List<TensorLocation> at, boolean whole) {
    long bytes = at.stream().mapToLong(t -> t.end() - t.begin()).sum();
    long blocks = BlockCut.of(at.get(0).spec(), scan.blockElements()).blocks();
    long count = whole ? 1 : Math.max(1, Math.min(blocks, -Math.floorDiv(-bytes, pieceBytes)));
    List<Piece> pieces = new ArrayList<>();
    for (long i = 0; i < count; i++) {
      long first = blocks * i / count;
      long end = blocks * (i + 1) / count;
      pieces.add(
          new Piece(
              tensor,
              at,
              first,
              end,
              count == 1,
              blocks == 0 ? 0 : bytes * (end - first) / blocks));
    }
    return pieces;
  }

  private List<Found<S, R>> perform(String phase, List<List<Piece>> tasks, Progress progress) {
    Scan<S, R> scanned = scan;
    return new Phase(spark, phase, phase, progress)
        .run(
            tasks,
            ScanJob::bytes,
            rdd -> rdd.flatMap(task -> new Task<>(scanned).run(task).iterator()));
  }

  /** One task on an executor: opens each file once, holds one block a model. */
  private static final class Task<S extends Sketch<S>, R extends Serializable> {
    private final Scan<S, R> scan;
    private final Map<String, ByteSource> sources = new HashMap<>();
    private byte[][] data = new byte[0][];

    Task(Scan<S, R> scan) {
      this.scan = scan;
    }

    List<Found<S, R>> run(List<Piece> pieces) {
      try {
        return pieces.stream().map(this::run).toList();
      } finally {
        sources.values().forEach(ByteSource::close);
      }
    }

    private Found<S, R> run(Piece piece) {
      List<TensorSpec> tensors = specs(piece.at());
      if (!scan.isWhole(tensors)) {
        S sketch = sketch(piece, tensors);
        return piece.isAll()
            ? new Found<>(piece.tensor(), scan.conclude(tensors, sketch), null)
            : new Found<>(piece.tensor(), null, sketch);
      }
      MatrixMemory memory = MatrixMemory.ofThisJvm();
      long needed = scan.workBytes(tensors);
      TensorSpec tensor = tensors.get(0);
      R concluded =
          memory.holds(needed)
              ? memory.within(tensor, needed, () -> scan.conclude(tensors, sketch(piece, tensors)))
              : scan.tooLarge(
                  tensors, memory.why("analyse", tensor, needed, "or leave it out: --tensors"));
      return new Found<>(piece.tensor(), concluded, null);
    }

    private S sketch(Piece piece, List<TensorSpec> tensors) {
      S sketch = scan.open(tensors);
      BlockCut cut = BlockCut.of(tensors.get(0), scan.blockElements());
      for (long i = piece.first(); i < piece.end(); i++) {
        sketch.add(read(piece, tensors, cut.block(i)));
      }
      return sketch;
    }

    private AlignedBlock read(Piece piece, List<TensorSpec> tensors, BlockCut.Block place) {
      if (data.length < tensors.size()) {
        data = new byte[tensors.size()][0];
      }
      AlignedBlock block = new AlignedBlock(tensors, place, data);
      for (int k = 0; k < tensors.size(); k++) {
        TensorLocation at = piece.at().get(k);
        int length = block.length(k);
        if (data[k].length < length) {
          data[k] = new byte[length];
        }
        long offset = Math.multiplyExact(place.offset(), (long) tensors.get(k).dtype().bits()) / 8;
        sources
            .computeIfAbsent(at.file(), f -> Storage.of(f).open(f))
            .readFully(at.begin() + offset, data[k], 0, length);
      }
      return block;
    }
  }
}
