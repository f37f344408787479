package io.weightloom.merge;

import io.weightloom.merge.MergeState.Part;
import io.weightloom.merge.MergeState.Rows;
import io.weightloom.merge.MergeState.Survey;
import io.weightloom.merge.MergeState.Surveyor;
import io.weightloom.merge.SpanRunner.Surveying;
import java.util.Optional;

/**
 * A survey's lane.
 *
 * @param <V> the work vector
 */
final class SurveyLane<V> extends Lane<V> {
  private final Surveyor<V> surveyor;
  private final Optional<Rows<V>> rows;

  SurveyLane(Arith<V> arith, Surveying surveying, BlockBuffers buffers) {
    super(
        arith,
        surveying.feed(),
        buffers,
        end(surveying.survey(), surveying.feed().span()),
        surveying.survey().isOfSides());
    this.surveyor = surveying.survey().surveyor(arith, feed.span());
    this.rows = surveyor.rows();
  }

  private static long end(Survey survey, Span span) {
    return span.first() + (survey.isPartial() ? Math.min(span.count(), Span.GRAIN) : span.count());
  }

  @Override
  Optional<Rows<V>> rows() {
    return rows;
  }

  @Override
  void see(Chunk<V> seen, int at) {
    surveyor.see(seen);
  }

  /** What was found in the span. */
  Part part() {
    return new Part(feed.span(), surveyor.found());
  }
}
