package io.weightloom.merge.methods;

import com.google.auto.service.AutoService;
import io.weightloom.linalg.DenseLinAlg;
import io.weightloom.linalg.DenseLinAlg.Op;
import io.weightloom.linalg.DenseLinAlg.Svd;
import io.weightloom.linalg.Matrix;
import io.weightloom.merge.BundlePart;
import io.weightloom.merge.MatrixRows;
import io.weightloom.merge.MergeMethod;
import io.weightloom.merge.MergeScope;
import io.weightloom.merge.MergeState;
import io.weightloom.merge.MethodSpec;
import io.weightloom.merge.MethodSpec.BaseRule;
import io.weightloom.merge.MethodSpec.Variant;
import io.weightloom.merge.ParamSpec;
import io.weightloom.merge.ParamSpec.Range;
import io.weightloom.merge.Params;
import io.weightloom.merge.TensorMerge;
import io.weightloom.merge.matrix.MatrixParams;
import io.weightloom.merge.matrix.Rest;
import io.weightloom.merge.matrix.Subspace;
import io.weightloom.merge.matrix.TaskMatrices;
import io.weightloom.merge.matrix.TaskMatrixMethod;
import io.weightloom.merge.taskvector.TaskVectorParams;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A shared expert and, by routing weights, what each model knows that it does not: {@code θ* + Σ
 * wₜ·compress(θₜ − θ*)} with {@code θ* = θ₀ + s·Σ(θₜ − θ₀)} (Lu et al., 2024, "Twin-Merging:
 * Dynamic Integration of Modular Expertise in Model Merging"). The routing weights are a router's
 * for one input, or a batch's mean, and come from elsewhere.
 *
 * <p>What is exclusive is compressed matrix by matrix, to the leading singular triplets or to the
 * elements of largest magnitude; other tensors are not compressed. With s = 0 the base is the
 * shared expert, so that any merge may have made it. The part of a bundle that is written of
 * matrices is {@code Σ wₜ·compress(θₜ − θ*)} alone.
 */
@AutoService(MergeMethod.class)
public final class TwinMerging implements TaskMatrixMethod {
  private static final String SCALING = "scaling";
  private static final String MASK_RATE = "mask_rate";
  private static final String COMPRESS = "compress";

  private static final MethodSpec SPEC =
      new MethodSpec(
          "twin_merging",
          "Twin-Merging (routing weights given)",
          "adds to a shared expert what is exclusive to each model, compressed",
          "https://arxiv.org/abs/2406.15479",
          BaseRule.REQUIRED,
          1,
          Integer.MAX_VALUE,
          List.of(
              ParamSpec.perModel("weight", "routing weight of what is exclusive to the model")
                  .orElse(1),
              ParamSpec.flag("normalize", true, "divide the routing weights by their sum"),
              ParamSpec.number(
                  SCALING,
                  0.29,
                  "factor of the sum of task vectors in the shared expert; 0 where the base is it"),
              MatrixParams.LAMBDA,
              ParamSpec.extension(
                  COMPRESS,
                  List.of("svd", "magnitude"),
                  "what is left of an exclusive part: leading singular triplets or largest elements"),
              ParamSpec.extension(
                  MASK_RATE, 0.9, new Range(0, true, 1), "share of the rank or elements to drop"),
              MatrixParams.matrices("all"),
              BundlePart.MODEL_OR_VECTOR),
          List.of(
              new Variant("reference", "the paper's own code for language understanding", Map.of()),
              new Variant("generative", "its code for language models", Map.of(SCALING, 0.3)),
              new Variant(
                  "magnitude",
                  "the same code, told to keep the largest elements",
                  Map.of(COMPRESS, "magnitude"))));

  @Override
  public MethodSpec spec() {
    return SPEC;
  }

  @Override
  public Optional<String> problem(Params params) {
    return TaskVectorParams.weightsThatCancel(params);
  }

  @Override
  public Yield yields(Params params) {
    return BundlePart.of(params);
  }

  /** θ* + Σ wₜ(θₜ − θ*), as a sum of task vectors; in a bundle, too. */
  @Override
  public MergeState rest(MergeScope scope) {
    Params p = scope.tensors().get(0).params();
    double[] routing = routing(p);
    double shared = p.number(SCALING) * (1 - total(p));
    return new Rest.TaskVectors(
        Arrays.stream(routing).map(w -> p.number("lambda") * (w + shared)).toArray());
  }

  /** The routing weights as they apply. */
  private static double[] routing(Params p) {
    double[] weights = p.numbers("weight");
    double sum = p.flag("normalize") ? Arrays.stream(weights).sum() : 1;
    return Arrays.stream(weights).map(w -> w / sum).toArray();
  }

  private static double total(Params p) {
    return p.flag("normalize") ? 1 : Arrays.stream(p.numbers("weight")).sum();
  }

  /** Of {@code all}, as the reference takes it: a product of doubles, truncated. */
  private static int kept(int all, double maskRate) {
    return (int) ((1 - maskRate) * all);
  }

  @Override
  public long workBytes(TensorMerge matrix) {
    long m = MatrixParams.rows(matrix);
    long n = MatrixParams.columns(matrix);
    boolean svd = matrix.params().choice(COMPRESS).equals("svd");
    long compressing =
        svd ? Subspace.svdBytes(m, n) + Double.BYTES * m * Math.min(m, n) : Double.BYTES * m * n;
    return TaskMatrices.blockBytes(m, n) + Double.BYTES * 3 * m * n + compressing;
  }

  /** The base is read for the shared expert, for each task vector, and for the output. */
  @Override
  public int reads(TensorMerge matrix) {
    return matrix.inputs().size() + 2;
  }

  @Override
  public Map<String, Object> merge(TensorMerge matrix, MatrixRows rows, DenseLinAlg linAlg) {
    Params p = matrix.params();
    TaskMatrices tasks = new TaskMatrices(rows);
    boolean svd = p.choice(COMPRESS).equals("svd");
    Matrix shared = shared(tasks, p.number(SCALING));
    int size = svd ? tasks.side() : shared.size();
    int kept = kept(size, p.number(MASK_RATE));
    boolean isVector = BundlePart.of(p) == Yield.VECTOR;
    Matrix merged = isVector ? Matrix.zeros(tasks.rows(), tasks.columns()) : shared.copy();
    double[] routing = routing(p);
    for (int k = 0; k < routing.length; k++) {
      if (routing[k] != 0 && kept > 0) {
        Matrix exclusive = tasks.of(k);
        exclusive.add(-1, shared);
        if (kept == size) {
          merged.add(routing[k], exclusive);
        } else if (svd) {
          addLeading(linAlg.svd(exclusive), kept, routing[k], merged, linAlg);
        } else {
          keepLargest(exclusive, kept);
          merged.add(routing[k], exclusive);
        }
      }
    }
    if (isVector) {
      merged.scale(p.number("lambda"));
      rows.writeAll(merged);
    } else {
      tasks.write(p.number("lambda"), merged);
    }
    return Map.of(svd ? "rank_per_model" : "kept_per_model", kept);
  }

  /** θ* − θ₀. */
  private static Matrix shared(TaskMatrices tasks, double scaling) {
    if (scaling == 0) {
      return Matrix.zeros(tasks.rows(), tasks.columns());
    }
    Matrix sum = tasks.sum();
    sum.scale(scaling);
    return sum;
  }

  /** Adds {@code factor · u·diag(σ)·vt} of the first triplets. */
  private static void addLeading(
      Svd svd, int count, double factor, Matrix merged, DenseLinAlg linAlg) {
    Matrix u = TaskMatrices.firstColumns(svd.u(), count);
    Matrix vt = svd.vt().firstRows(count);
    vt.scaleRows(svd.values());
    linAlg.multiply(factor, u, Op.AS_IS, vt, Op.AS_IS, 1, merged);
  }

  /** Zeros all but so many elements; of equal magnitudes the lowest flat index stays. */
  private static void keepLargest(Matrix x, int count) {
    double[] magnitudes = new double[x.size()];
    Arrays.setAll(magnitudes, i -> Math.abs(x.values()[i]));
    Arrays.sort(magnitudes);
    double least = magnitudes[magnitudes.length - count];
    int above = magnitudes.length;
    while (above > 0 && Double.compare(magnitudes[above - 1], least) > 0) {
      above--;
    }
    int ties = count - (magnitudes.length - above);
    for (int i = 0; i < x.size(); i++) {
      int order = Double.compare(Math.abs(x.values()[i]), least);
      if (order == 0) {
        ties--;
      }
      if (order < 0 || (order == 0 && ties < 0)) {
        x.values()[i] = 0;
      }
    }
  }
}
