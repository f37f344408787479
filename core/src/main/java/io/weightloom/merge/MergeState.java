package io.weightloom.merge;

import java.io.Serializable;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What a method knows of a scope between two reads. Immutable; travels from the driver to tasks, so
 * it is small: thresholds and coefficients, never weights.
 */
public interface MergeState extends Serializable {

  /** The read that is needed next; empty when outputs can be written. */
  default Optional<Survey> survey() {
    return Optional.empty();
  }

  /** Writes the outputs of one span. */
  <V> Emitter<V> emitter(Arith<V> arith, Span span);

  /** Thresholds and coefficients of one tensor, for the manifest. */
  default Map<String, Object> decisions(int tensor) {
    return Map.of();
  }

  /**
   * What is known once all outputs are written; the state itself where emitters find nothing.
   *
   * @param parts what was found in each span, in the order of the spans, of all spans in which
   *     something was
   */
  default MergeState written(List<Part> parts) {
    return this;
  }

  /** A read of a whole scope in any number of spans. */
  interface Survey extends Serializable {

    /** Whether the first grain of each span is enough: a sample. */
    default boolean isPartial() {
      return false;
    }

    /**
     * Whether it looks at the side tables alone: then the models' values are not read, and what the
     * chunks hold of them is not to be looked at.
     */
    default boolean isOfSides() {
      return false;
    }

    /** Whether it sees every value of the models. */
    default boolean isComplete() {
      return !isPartial() && !isOfSides();
    }

    /** Looks at one span. */
    <V> Surveyor<V> surveyor(Arith<V> arith, Span span);

    /**
     * Draws the conclusion of the read.
     *
     * @param parts what was found in each span, in the order of the spans, all spans of the scope
     */
    MergeState conclude(List<Part> parts);
  }

  /**
   * Looks at a span, chunk after chunk in order.
   *
   * @param <V> the work vector
   */
  interface Surveyor<V> {
    void see(Chunk<V> chunk);

    /** What must see whole rows before {@link #see} gets their elements. */
    default Optional<Rows<V>> rows() {
      return Optional.empty();
    }

    /** What was found: small, and independent of how the span was cut into chunks. */
    Serializable found();
  }

  /**
   * What was found in a span.
   *
   * @param span where
   * @param found what, of the type that the surveyor makes
   */
  record Part(Span span, Serializable found) implements Serializable {}

  /**
   * Computes the outputs of a span, chunk after chunk in order.
   *
   * @param <V> the work vector
   */
  interface Emitter<V> {
    /** Fills {@code out} with the merged values of the chunk. */
    void emit(Chunk<V> chunk, V out);

    /** What must see whole rows before {@link #emit} gets their elements. */
    default Optional<Rows<V>> rows() {
      return Optional.empty();
    }

    /**
     * Counts that are added up over the spans of a tensor, for the manifest: by {@link #KEPT} the
     * elements of each model that took part, where a method drops some.
     */
    default Map<String, long[]> counts() {
      return Map.of();
    }

    /**
     * What {@link MergeState#written} draws its conclusion from: small, and independent of how the
     * span was cut into chunks.
     */
    default Optional<Serializable> found() {
      return Optional.empty();
    }
  }

  /** Key of {@link Emitter#counts}. */
  String KEPT = "kept";

  /**
   * Looks ahead at rows, runs along the last dimension, that a method treats as a whole. Rows may
   * begin before a span or end behind it.
   *
   * @param <V> the work vector
   */
  interface Rows<V> {
    /**
     * Begins with whole rows; their chunks follow in order, then {@link #end}.
     *
     * @param first flat index of the first element
     * @param count elements, a multiple of {@code row}
     * @param row elements of a row
     */
    void begin(long first, int count, int row);

    void see(Chunk<V> chunk);

    void end();
  }
}
