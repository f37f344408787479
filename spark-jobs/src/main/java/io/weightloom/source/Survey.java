package io.weightloom.source;

import io.weightloom.error.WeightloomException;
import io.weightloom.source.TensorTally.Origin;
import io.weightloom.tensor.TensorName;
import io.weightloom.tensor.TensorSpec;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.connector.write.DataWriter;
import org.apache.spark.sql.connector.write.DataWriterFactory;
import org.apache.spark.sql.connector.write.WriterCommitMessage;
import org.jspecify.annotations.Nullable;

/** What the rows of a frame say of a model, their data apart. For one thread. */
final class Survey implements Serializable {
  private static final long serialVersionUID = 1;
  private static final int MAX_SHOWN = 20;
  private static final String RAW = "raw";

  private final Map<String, TensorTally> tensors = new HashMap<>();
  private final TreeSet<String> models = new TreeSet<>();
  private final TreeSet<String> problems = new TreeSet<>();

  /**
   * Makes the writers of a survey.
   *
   * @param blockElements the cut of rows that say a block's number; 0 if they say offsets
   */
  record Factory(int blockElements) implements DataWriterFactory {
    private static final long serialVersionUID = 1;

    @Override
    public DataWriter<InternalRow> createWriter(int partition, long task) {
      return new Writer(blockElements);
    }
  }

  /** Gathers a task's rows. */
  static final class Writer implements DataWriter<InternalRow> {
    private final int blockElements;
    private final Survey survey = new Survey();

    /**
     * @param blockElements the cut of rows that say a block's number; 0 if they say offsets
     */
    Writer(int blockElements) {
      this.blockElements = blockElements;
    }

    @Override
    public void write(InternalRow row) {
      for (int i = 0; i < 5; i++) {
        if (row.isNullAt(i)) {
          survey.problem("a row has no " + (i == 0 ? "tensor" : "dtype, shape, place or count"));
          return;
        }
      }
      String tensor = row.getUTF8String(0).toString();
      try {
        TensorSpec spec =
            TensorTally.spec(
                tensor, row.getUTF8String(1).toString(), row.getArray(2).toLongArray());
        TensorTally tally = survey.tensors.computeIfAbsent(tensor, t -> new TensorTally(spec));
        long offset = TensorTally.offset(spec, row.getLong(3), row.getLong(4), blockElements);
        tally.add(spec, offset, row.getLong(4), origin(row, spec, offset));
      } catch (IllegalArgumentException e) {
        survey.problem("tensor " + tensor + ": " + e.getMessage());
      }
      if (!row.isNullAt(5)) {
        survey.models.add(row.getUTF8String(5).toString());
      }
      if (!row.isNullAt(8) && !row.getUTF8String(8).toString().equals(RAW)) {
        survey.problem(
            "blocks are packed as "
                + row.getUTF8String(8)
                + ", read the table by format(\"checkpoint\"), which unpacks them");
      }
    }

    private static @Nullable Origin origin(InternalRow row, TensorSpec spec, long offset) {
      if (row.isNullAt(6) || row.isNullAt(7)) {
        return null;
      }
      return new Origin(
          row.getUTF8String(6).toString(), row.getLong(7) - TensorBlocks.bytes(spec, offset));
    }

    @Override
    public WriterCommitMessage commit() {
      return TaskMessage.of(survey);
    }

    @Override
    public void abort() {
      // Nothing was written.
    }

    @Override
    public void close() {
      // Nothing is open.
    }
  }

  private void problem(String problem) {
    problems.add(problem);
    if (problems.size() > MAX_SHOWN) {
      problems.pollLast();
    }
  }

  /** What all tasks saw. */
  static Survey of(List<Survey> tasks) {
    Survey all = new Survey();
    for (Survey task : tasks) {
      task.problems.forEach(all::problem);
      all.models.addAll(task.models);
      task.tensors.forEach(
          (name, tally) -> {
            TensorTally known = all.tensors.putIfAbsent(name, tally);
            if (known != null) {
              known.addAll(tally);
            }
          });
    }
    return all;
  }

  /**
   * The tensors, in natural order of names.
   *
   * @param target the output, for the error
   * @throws WeightloomException of kind INPUT if the rows do not make up one model
   */
  Map<String, TensorTally> model(String target) {
    if (models.size() > 1) {
      throw WeightloomException.input(
          "Cannot write %s: the rows are of %d models, %s (choose one: where model = '%s')"
              .formatted(
                  target,
                  models.size(),
                  String.join(", ", models.stream().limit(MAX_SHOWN).toList()),
                  models.first()));
    }
    Map<String, TensorTally> sorted = new TreeMap<>(TensorName.NATURAL_ORDER);
    sorted.putAll(tensors);
    List<String> all = new ArrayList<>(problems);
    sorted.forEach(
        (name, tally) -> tally.problems().forEach(p -> all.add("tensor " + name + ": " + p)));
    if (!all.isEmpty()) {
      throw incomplete(target, all);
    }
    if (sorted.isEmpty()) {
      throw WeightloomException.input(
          "Cannot write %s: the frame has no rows (see its filters)".formatted(target));
    }
    return sorted;
  }

  /** The rows are not what a model is made of. */
  static WeightloomException incomplete(String target, List<String> problems) {
    StringBuilder list = new StringBuilder();
    problems.stream().limit(MAX_SHOWN).forEach(p -> list.append("\n  - ").append(p));
    if (problems.size() > MAX_SHOWN) {
      list.append("\n  - and ").append(problems.size() - MAX_SHOWN).append(" more");
    }
    return WeightloomException.input(
        "Cannot write %s: the rows do not make up a model, each element of each tensor once (see filters and joins of the frame):%s"
            .formatted(target, list));
  }
}
