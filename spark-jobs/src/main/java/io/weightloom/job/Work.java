package io.weightloom.job;

import io.weightloom.io.TensorLocation;
import io.weightloom.merge.MatrixMethod;
import io.weightloom.merge.MergeMethods;
import io.weightloom.merge.MergeScope;
import io.weightloom.merge.MergeState;
import io.weightloom.merge.TensorMerge;
import java.io.Serializable;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** What a task does, in pieces that are done one after the other. */
sealed interface Work extends Serializable {

  /** Bytes of input that it goes through: of each read, and once for all that it is read for. */
  long bytes();

  /**
   * Where bytes go.
   *
   * @param file the output file
   * @param begin first byte of the tensor in it
   */
  record Target(String file, long begin) implements Serializable {
    private static final long serialVersionUID = 1;
  }

  /**
   * Where a merged tensor's bytes are and go.
   *
   * @param output index of the merge in the job
   * @param tensor index in its plan
   * @param merge what is computed
   * @param base the base's bytes, or null
   * @param inputs the models' bytes, and behind them the side tables'
   * @param targets the tensor in the output, and those that are tied to it
   * @param checkFinite whether a NaN or an infinity is an error
   * @param isMask whether the numbers, 0 and 1, are written as bits
   */
  record Place(
      int output,
      int tensor,
      TensorMerge merge,
      @Nullable TensorView base,
      List<TensorView> inputs,
      List<Target> targets,
      boolean checkFinite,
      boolean isMask)
      implements Serializable {
    private static final long serialVersionUID = 1;

    public Place {
      inputs = List.copyOf(inputs);
      targets = List.copyOf(targets);
    }

    /** Everything that is read. */
    List<TensorView> sources() {
      TensorView b = base;
      return b == null ? inputs : Stream.concat(Stream.of(b), inputs.stream()).toList();
    }
  }

  /** Bytes of input per element of places that are read together: what they share counts once. */
  static long width(Stream<Place> places) {
    return places
        .flatMap(p -> p.sources().stream())
        .distinct()
        .mapToLong(v -> v.spec().dtype().bytes())
        .sum();
  }

  /**
   * A merge's share in a read.
   *
   * @param scope index of its scope; the scope's state is broadcast
   * @param member index of the tensor in the scope
   * @param place the tensor
   * @param first whether no earlier read has checked the values
   */
  record Share(int scope, int member, Place place, boolean first) implements Serializable {
    private static final long serialVersionUID = 1;
  }

  /**
   * Surveys a span of scopes that are cut over tasks.
   *
   * @param shares whose surveys
   * @param at first element
   * @param count how many
   * @param bytes of input
   */
  record SurveySpan(List<Share> shares, long at, long count, long bytes) implements Work {
    private static final long serialVersionUID = 1;

    public SurveySpan {
      shares = List.copyOf(shares);
    }
  }

  /**
   * Writes a span of scopes whose surveys are done.
   *
   * @param shares whose outputs
   * @param at first element
   * @param count how many
   * @param bytes of input
   */
  record EmitSpan(List<Share> shares, long at, long count, long bytes) implements Work {
    private static final long serialVersionUID = 1;

    public EmitSpan {
      shares = List.copyOf(shares);
    }
  }

  /**
   * A merge's share in the work on a whole tensor.
   *
   * @param method the method's name
   * @param scope the tensor alone
   * @param place the tensor
   * @param leader index of the first share whose surveys find the same
   */
  record WholeShare(String method, MergeScope scope, Place place, int leader)
      implements Serializable {
    private static final long serialVersionUID = 1;

    MergeState begin() {
      return WorkPlan.begin(MergeMethods.named(method).orElseThrow(), scope);
    }
  }

  /**
   * Surveys and writes a tensor in one go: its later reads find it in the page cache.
   *
   * @param shares whose
   * @param bytes of input of the most reads that it takes
   */
  record WholeTensor(List<WholeShare> shares, long bytes) implements Work {
    private static final long serialVersionUID = 1;

    public WholeTensor {
      shares = List.copyOf(shares);
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
      return place.merge().elements() * width(Stream.of(place)) * reads;
    }

    MatrixMethod matrixMethod() {
      return (MatrixMethod) MergeMethods.named(method).orElseThrow();
    }
  }

  /**
   * One of the places that bytes are copied to.
   *
   * @param output index of the merge in the job
   * @param tensor index in its plan
   * @param targets the tensor in the output, and those that are tied to it
   */
  record Copy(int output, int tensor, List<Target> targets) implements Serializable {
    private static final long serialVersionUID = 1;

    public Copy {
      targets = List.copyOf(targets);
    }
  }

  /**
   * Copies bytes.
   *
   * @param copies where to
   * @param source where from
   * @param offset first byte to copy, from the start of the tensor
   * @param length bytes to copy
   */
  record CopyBytes(List<Copy> copies, TensorLocation source, long offset, long length)
      implements Work {
    private static final long serialVersionUID = 1;

    public CopyBytes {
      copies = List.copyOf(copies);
    }

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
   * @param output index of the merge in the job
   * @param tensor index in its plan
   * @param first flat index of its first element, or byte for a copy
   * @param counts by name, to be added up over the spans of the tensor
   * @param part what was found in the span, for the scope's last state, or null
   * @param inputGrains digests by grain: the models in order, then the base if there is one
   * @param outputGrains digests by grain of what was written
   * @param decisions what was decided for a whole tensor, or null
   */
  record Emitted(
      int output,
      int tensor,
      long first,
      Map<String, long[]> counts,
      MergeState.@Nullable Part part,
      long[][] inputGrains,
      long[] outputGrains,
      @Nullable Map<String, Object> decisions)
      implements Done {
    private static final long serialVersionUID = 1;
  }
}
