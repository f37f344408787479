package io.weightloom.job;

import io.weightloom.error.WeightloomException;
import io.weightloom.job.Sweep.Candidate;
import io.weightloom.job.SweepRequest.Scoring;
import io.weightloom.job.SweepResult.Row;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.apache.spark.SparkContext;

/**
 * Merges and scores the candidates of a sweep in batches: each batch is written by one read of the
 * models, scored one after the other, and removed but for the best so far. The table is written
 * after each batch, so that a sweep that fails has lost nothing that it knew.
 */
public final class SweepJob {
  private final SparkContext spark;
  private final SweepRequest request;
  private final SweepDir dir;
  private final List<Row> rows = new ArrayList<>();
  private Optional<String> best = Optional.empty();
  private double bestMerit = Double.NEGATIVE_INFINITY;

  SweepJob(SparkContext spark, SweepRequest request, SweepDir dir) {
    this.spark = spark;
    this.request = request;
    this.dir = dir;
  }

  /** Plans every candidate, so that what is wrong with one is said before anything is written. */
  public static List<PreparedMerge> prepare(Sweep sweep, SweepRequest request) {
    List<PreparedMerge> merges =
        PreparedMerge.all(
            sweep.candidates().stream().map(c -> c.recipe().recipe()).toList(), request.options());
    SweepDir.check(request.output(), request.overwrite(), merges);
    return merges;
  }

  /**
   * Runs a sweep.
   *
   * @param merges as {@link #prepare} made them
   * @throws WeightloomException if a candidate cannot be merged or scored; what was found before is
   *     in the output's tables, and the candidates of its batch are there
   */
  public static SweepResult run(
      SparkContext spark, SweepRequest request, Sweep sweep, List<PreparedMerge> merges) {
    SweepDir dir = SweepDir.open(request, merges);
    SweepJob job = new SweepJob(spark, request, dir);
    dir.write(job.result(), false);
    List<Candidate> all = sweep.candidates();
    for (int from = 0; from < all.size(); from += request.batch()) {
      int to = Math.min(all.size(), from + request.batch());
      job.merge(all.subList(from, to), merges.subList(from, to));
      job.score(from, to);
      dir.write(job.result(), to == all.size());
    }
    return job.result();
  }

  SweepResult result() {
    return new SweepResult(rows, request.scoring().map(Scoring::minimises).orElse(false), best);
  }

  /** Names the best candidate so far. */
  void best(String name, double merit) {
    best = Optional.of(name);
    bestMerit = merit;
  }

  void add(Row row) {
    rows.add(row);
  }

  /** Writes a batch and adds its rows, unscored. */
  void merge(List<Candidate> batch, List<PreparedMerge> merges) {
    List<MergeResult> results =
        MergeJob.runAll(
            spark, batch.stream().map(c -> request.merge(c.recipe(), c.name())).toList(), merges);
    for (int i = 0; i < batch.size(); i++) {
      Candidate c = batch.get(i);
      rows.add(new Row(c.name(), c.values(), null, Manifest.content(results.get(i)), true));
    }
  }

  /** Scores rows, and removes all models but the best so far unless all are kept. */
  private void score(int from, int to) {
    for (int i = from; i < to; i++) {
      if (request.scoring().isPresent()) {
        double merit = request.scoring().get().merit(scoreRow(i, request.scoring().get()));
        if (merit > bestMerit) {
          best(rows.get(i).name(), merit);
        }
      }
      request.told().accept(rows.get(i));
    }
    if (!request.keepsAll()) {
      best.ifPresent(this::keepOnly);
    }
  }

  /** Scores a candidate; what was known before is written if that fails. */
  double scoreRow(int i, Scoring scoring) {
    Row row = rows.get(i);
    try {
      double score = scoring.command().score(row.name(), dir.candidate(row.name()).toString());
      scoreAs(i, score);
      return score;
    } catch (WeightloomException e) {
      dir.write(result(), false);
      throw e;
    }
  }

  /** Gives a row the score of the model that it is a copy of. */
  void scoreAs(int i, double score) {
    Row row = rows.get(i);
    rows.set(i, new Row(row.name(), row.values(), score, row.content(), row.kept()));
  }

  /** Removes models from this row on, which nobody will ask for, and their rows. */
  void forget(int from) {
    while (rows.size() > from) {
      dir.remove(rows.remove(rows.size() - 1).name());
    }
  }

  void keepOnly(String name) {
    for (int i = 0; i < rows.size(); i++) {
      Row row = rows.get(i);
      if (row.kept() && !row.content().isEmpty() && !row.name().equals(name)) {
        dir.remove(row.name());
        rows.set(i, row.keeping(false));
      }
    }
  }
}
