package io.weightloom.job;

import io.weightloom.error.WeightloomException;
import io.weightloom.job.Sweep.Candidate;
import io.weightloom.job.SweepRequest.Scoring;
import io.weightloom.job.SweepResult.Row;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.apache.spark.SparkContext;

/**
 * Merges and scores the candidates of a sweep in batches: each batch is written by one read of the
 * models, scored one after the other, and removed but for the best so far. The table is written
 * after each score, so that a sweep that fails or is killed has lost nothing that it knew, and the
 * next run of the same one goes on from there.
 */
public final class SweepJob {
  private final SparkContext spark;
  private final SweepRequest request;
  private final SweepDir dir;
  private final EarlierSweep earlier;
  private final String madeOf;
  private final List<Row> rows = new ArrayList<>();
  private Optional<String> best = Optional.empty();
  private double bestMerit = Double.NEGATIVE_INFINITY;
  private int known;

  /** A job that begins from nothing. */
  SweepJob(SparkContext spark, SweepRequest request, SweepDir dir) {
    this(spark, request, dir, new EarlierSweep(Map.of()), "");
  }

  private SweepJob(
      SparkContext spark, SweepRequest request, SweepDir dir, EarlierSweep earlier, String madeOf) {
    this.spark = spark;
    this.request = request;
    this.dir = dir;
    this.earlier = earlier;
    this.madeOf = madeOf;
  }

  /** Plans every candidate, so that what is wrong with one is said before anything is written. */
  public static List<PreparedMerge> prepare(Sweep sweep, SweepRequest request) {
    List<PreparedMerge> merges =
        PreparedMerge.all(
            sweep.candidates().stream().map(c -> c.recipe().recipe()).toList(), request.options());
    boolean goesOn =
        earlier(request, sweep, EarlierSweep.madeOf(request, sweep, merges)).isPresent();
    SweepDir.check(request.output(), request.overwrite() || goesOn, merges);
    return merges;
  }

  private static Optional<EarlierSweep> earlier(SweepRequest request, Sweep sweep, String madeOf) {
    return request.overwrite()
        ? Optional.empty()
        : EarlierSweep.in(request.output(), sweep, madeOf);
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
    String madeOf = EarlierSweep.madeOf(request, sweep, merges);
    Optional<EarlierSweep> earlier = earlier(request, sweep, madeOf);
    SweepDir dir =
        earlier
            .map(e -> SweepDir.reopen(request, sweep, e))
            .orElseGet(() -> SweepDir.open(request, merges));
    EarlierSweep known = earlier.orElse(new EarlierSweep(Map.of()));
    SweepJob job = new SweepJob(spark, request, dir, known, madeOf);
    String best = request.scoring().map(s -> known.best(sweep, s)).orElse("");
    List<Candidate> all = sweep.candidates();
    if (earlier.isEmpty()) {
      dir.write(job.result(), false);
    }
    for (int from = 0; from < all.size(); from += request.batch()) {
      int to = Math.min(all.size(), from + request.batch());
      job.take(all.subList(from, to), merges.subList(from, to), best);
      job.score(from, to);
      dir.write(job.result(), to == all.size());
    }
    return job.result();
  }

  /** What is known: of this run, and of an earlier one what this one has not come to yet. */
  SweepResult result() {
    List<Row> all = new ArrayList<>(rows);
    Set<String> taken = rows.stream().map(Row::name).collect(Collectors.toSet());
    earlier.rows().values().stream().filter(r -> !taken.contains(r.name())).forEach(all::add);
    return new SweepResult(
        all, request.scoring().map(Scoring::minimises).orElse(false), best, known, madeOf);
  }

  /** Names the best candidate so far. */
  void best(String name, double merit) {
    best = Optional.of(name);
    bestMerit = merit;
  }

  void add(Row row) {
    rows.add(row);
  }

  /**
   * Adds the rows of a batch, of which those models are written that are needed and not there: to
   * be scored, or to stay.
   *
   * @param bestKnown name of the best candidate that was scored before
   */
  private void take(List<Candidate> batch, List<PreparedMerge> merges, String bestKnown) {
    List<Candidate> lacking = new ArrayList<>();
    List<PreparedMerge> theirs = new ArrayList<>();
    for (int i = 0; i < batch.size(); i++) {
      Row row = earlier.rows().get(batch.get(i).name());
      boolean isNeeded =
          row == null || isToDo(row) || request.keepsAll() || row.name().equals(bestKnown);
      if (isNeeded && (row == null || !row.kept())) {
        lacking.add(batch.get(i));
        theirs.add(merges.get(i));
      }
    }
    Map<String, String> contents = write(lacking, theirs);
    for (Candidate c : batch) {
      Row row = earlier.rows().get(c.name());
      String content = contents.get(c.name());
      if (row == null) {
        rows.add(new Row(c.name(), c.values(), null, Objects.requireNonNull(content), true));
      } else {
        known += content == null && !isToDo(row) ? 1 : 0;
        rows.add(
            new Row(
                c.name(),
                c.values(),
                row.score(),
                content == null ? row.content() : content,
                content != null || row.kept()));
      }
    }
    dir.write(result(), false);
  }

  private boolean isToDo(Row row) {
    return request.scoring().isPresent() ? row.score() == null : !row.kept();
  }

  /** Writes a batch and adds its rows, unscored. */
  void merge(List<Candidate> batch, List<PreparedMerge> merges) {
    Map<String, String> contents = write(batch, merges);
    for (Candidate c : batch) {
      String content = Objects.requireNonNull(contents.get(c.name()));
      rows.add(new Row(c.name(), c.values(), null, content, true));
    }
  }

  /** Writes models by one read; gives the digests of their tensors by candidate. */
  private Map<String, String> write(List<Candidate> batch, List<PreparedMerge> merges) {
    Map<String, String> contents = new HashMap<>();
    if (!batch.isEmpty()) {
      List<MergeResult> results =
          MergeJob.runAll(
              spark, batch.stream().map(c -> request.merge(c.recipe(), c.name())).toList(), merges);
      for (int i = 0; i < batch.size(); i++) {
        contents.put(batch.get(i).name(), Manifest.content(results.get(i)));
      }
    }
    return contents;
  }

  /** Scores rows, and removes all models but the best so far unless all are kept. */
  private void score(int from, int to) {
    for (int i = from; i < to; i++) {
      if (request.scoring().isPresent()) {
        Scoring scoring = request.scoring().get();
        Double score = rows.get(i).score();
        double merit = scoring.merit(score == null ? scored(i, scoring) : score);
        if (merit > bestMerit) {
          best(rows.get(i).name(), merit);
        }
      }
    }
    if (!request.keepsAll()) {
      best.ifPresent(this::keepOnly);
    }
  }

  private double scored(int i, Scoring scoring) {
    double score = scoreRow(i, scoring);
    request.told().accept(rows.get(i));
    dir.write(result(), false);
    return score;
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
