package io.weightloom.job;

import io.weightloom.error.WeightloomException;
import io.weightloom.io.ModelDir;
import io.weightloom.io.TensorLocation;
import io.weightloom.job.MergeRequest.Progress;
import io.weightloom.linalg.LinAlgRegistry;
import io.weightloom.spectrum.Eligibility;
import io.weightloom.spectrum.MatrixSpectrum;
import io.weightloom.spectrum.SpectrumOptions;
import io.weightloom.spectrum.SpectrumRow;
import io.weightloom.spectrum.SpectrumScan;
import io.weightloom.spectrum.TensorSpectra;
import io.weightloom.tensor.TensorSpec;
import java.util.ArrayList;
import java.util.List;
import org.apache.spark.SparkContext;
import org.jspecify.annotations.Nullable;

/** Finds the spectra of models, a task a tensor. */
public final class SpectrumJob {

  /**
   * A model.
   *
   * @param name as the user named it
   * @param wanted some of its tensors
   */
  public record Model(String name, ModelDir dir, List<TensorLocation> wanted) {
    public Model {
      wanted = List.copyOf(wanted);
    }
  }

  /**
   * What is asked.
   *
   * @param models what is looked at
   * @param base what is subtracted from each, tensor by tensor of one name; null for nothing
   * @param options what is computed
   */
  public record Request(
      List<Model> models, @Nullable Model base, SpectrumOptions options, Progress progress) {
    public Request {
      models = List.copyOf(models);
    }
  }

  private final Request request;
  private final List<List<SpectrumRow>> rows = new ArrayList<>();
  private final List<List<TensorLocation>> scanned = new ArrayList<>();
  private final List<Integer> rowOf = new ArrayList<>();
  private final List<String> modelOf = new ArrayList<>();

  private SpectrumJob(Request request) {
    this.request = request;
  }

  /**
   * A row for each matrix, and one for each tensor that has no spectrum; models in their order,
   * tensors in the natural order of their names.
   *
   * @throws WeightloomException if a file cannot be read, or a model has nothing in common with the
   *     base
   */
  public static List<SpectrumRow> run(SparkContext spark, Request request) {
    return new SpectrumJob(request).run(spark);
  }

  private List<SpectrumRow> run(SparkContext spark) {
    request.models.forEach(this::plan);
    SpectrumScan scan = new SpectrumScan(request.options, LinAlgRegistry.get().name());
    List<TensorSpectra> found =
        ScanJob.run(spark, "analyse spectra", scanned, scan, request.progress);
    for (int i = 0; i < found.size(); i++) {
      TensorSpec tensor = scanned.get(i).get(0).spec();
      List<SpectrumRow> own = rows.get(rowOf.get(i));
      for (MatrixSpectrum matrix : found.get(i).matrices()) {
        own.add(SpectrumRow.of(modelOf.get(i), baseName(), tensor, matrix));
      }
    }
    return rows.stream().flatMap(List::stream).toList();
  }

  private void plan(Model model) {
    Eligibility eligibility = new Eligibility(request.options, model.dir.tensors().keySet());
    Model base = request.base;
    int matched = 0;
    for (TensorLocation own : model.wanted) {
      TensorLocation other = base == null ? null : base.dir.tensors().get(own.spec().name());
      matched += other == null ? 0 : 1;
      String reason =
          eligibility
              .reason(own.spec())
              .orElseGet(() -> base == null ? "" : mismatch(own.spec(), other));
      rows.add(new ArrayList<>());
      if (reason.isEmpty()) {
        scanned.add(other == null ? List.of(own) : List.of(own, other));
        rowOf.add(rows.size() - 1);
        modelOf.add(model.name);
      } else {
        rows.get(rows.size() - 1)
            .add(SpectrumRow.skipped(model.name, baseName(), own.spec(), reason));
      }
    }
    if (base != null && matched == 0) {
      throw WeightloomException.input(
          "Cannot compare %s with %s: no tensor has a name of the other, such as %s and %s (name a base of the same architecture)"
              .formatted(
                  model.name,
                  base.name,
                  model.wanted.get(0).spec().name(),
                  base.dir.tensors().keySet().stream().findFirst().orElse("none")));
    }
  }

  private @Nullable String baseName() {
    return request.base == null ? null : request.base.name;
  }

  private static String mismatch(TensorSpec own, @Nullable TensorLocation other) {
    if (other == null) {
      return "not in the base";
    } else if (!other.spec().shape().equals(own.shape())) {
      return "%s in the base".formatted(other.spec().shape());
    }
    return other.spec().dtype().isComputed()
        ? ""
        : "%s in the base, which is not computed on".formatted(other.spec().dtype());
  }
}
