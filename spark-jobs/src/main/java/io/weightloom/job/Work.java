package io.weightloom.job;

import io.weightloom.io.TensorLocation;
import io.weightloom.merge.ElementwiseMethod;
import io.weightloom.merge.MatrixMethod;
import io.weightloom.merge.MergeMethods;
import io.weightloom.merge.MergeScope;
import io.weightloom.merge.MergeState;
import io.weightloom.merge.Span;
import io.weightloom.merge.TensorMerge;
import java.io.Serializable;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What a task does, in pieces that are done one after the other. */
sealed interface Work extends Serializable {

  /** Bytes of input that it goes through, each read counted. */
  long bytes();

  /**
   * Where a merged tensor's bytes are and go.
   *
   * @param tensor index in the plan
   * @param merge what is computed
   * @param base the base's bytes, or null
   * @param inputs the models' bytes, and behind them the side tables'
   * @param file the output file
   * @param begin first byte of the tensor in it
   */
  record Place(
      int tensor,
      TensorMerge merge,
      @Nullable TensorLocation base,
      List<TensorLocation> inputs,
      String file,
      long begin)
      implements Serializable {
    private static final long serialVersionUID = 1;

    public Place {
      inputs = List.copyOf(inputs);
    }

    /** Bytes of input per element. */
    long width() {
      TensorLocation b = base;
      return inputs.stream().mapToLong(i -> i.spec().dtype().bytes()).sum()
          + (b == null ? 0 : b.spec().dtype().bytes());
    }
  }

  /**
   * Surveys a span of a scope that is cut over tasks.
   *
   * @param scope index of the scope; its state is broadcast
   * @param place the tensor
   * @param span where; its tensor index counts in the scope
   * @param first whether this is the first read, which checks the values
   */
  record SurveySpan(int scope, Place place, Span span, boolean first) implements Work {
    private static final long serialVersionUID = 1;

    @Override
    public long bytes() {
      return span.count() * place.width();
    }
  }

  /**
   * Writes a span of a scope whose surveys are done; its state is broadcast.
   *
   * @param scope index of the scope
   * @param place the tensor
   * @param span where
   * @param surveyed whether earlier reads have checked the values
   */
  record EmitSpan(int scope, Place place, Span span, boolean surveyed) implements Work {
    private static final long serialVersionUID = 1;

    @Override
    public long bytes() {
      return span.count() * place.width();
    }
  }

  /**
   * Surveys and writes a tensor in one go: its later reads find it in the page cache.
   *
   * @param method the method's name
   * @param scope the tensor alone
   * @param place the tensor
   * @param reads the most reads that it takes
   */
  record WholeTensor(String method, MergeScope scope, Place place, int reads) implements Work {
    private static final long serialVersionUID = 1;

    @Override
    public long bytes() {
      return place.merge().elements() * place.width() * reads;
    }

    MergeState begin() {
      return ((ElementwiseMethod) MergeMethods.named(method).orElseThrow()).begin(scope);
    }
  }

  /**
   * Merges a matrix in one go.
   *
   * @param method the method's name
   * @param linAlg the linear algebra's name: every executor uses the driver's
   * @param place the tensor
   * @param reads the most reads that it takes
   */
  record WholeMatrix(String method, String linAlg, Place place, int reads) implements Work {
    private static final long serialVersionUID = 1;

    @Override
    public long bytes() {
      return place.merge().elements() * place.width() * reads;
    }

    MatrixMethod matrixMethod() {
      return (MatrixMethod) MergeMethods.named(method).orElseThrow();
    }
  }

  /**
   * Copies bytes.
   *
   * @param tensor index in the plan
   * @param source where from
   * @param file the output file
   * @param begin first byte of the tensor in it
   * @param offset first byte to copy, from the start of the tensor
   * @param length bytes to copy
   */
  record CopyBytes(
      int tensor, TensorLocation source, String file, long begin, long offset, long length)
      implements Work {
    private static final long serialVersionUID = 1;

    @Override
    public long bytes() {
      return length;
    }
  }

  /** What came of it. */
  sealed interface Done extends Serializable {}

  /**
   * A survey's finding.
   *
   * @param scope index of the scope
   * @param part the finding
   */
  record Surveyed(int scope, MergeState.Part part) implements Done {
    private static final long serialVersionUID = 1;
  }

  /**
   * A span that was written.
   *
   * @param tensor index in the plan
   * @param first flat index of its first element, or byte for a copy
   * @param counts by name, to be added up over the spans of the tensor
   * @param inputGrains digests by grain: the models in order, then the base if there is one
   * @param outputGrains digests by grain of what was written
   * @param decisions what was decided for a whole tensor, or null
   */
  record Emitted(
      int tensor,
      long first,
      Map<String, long[]> counts,
      long[][] inputGrains,
      long[] outputGrains,
      @Nullable Map<String, Object> decisions)
      implements Done {
    private static final long serialVersionUID = 1;
  }
}
