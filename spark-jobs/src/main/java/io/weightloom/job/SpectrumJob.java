package io.weightloom.job;

import io.weightloom.error.WeightloomException;
import io.weightloom.io.ModelDir;
import io.weightloom.io.ModelReference;
import io.weightloom.io.TensorLocation;
import io.weightloom.io.safetensors.Profile;
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
import java.util.Map;
import java.util.function.Predicate;
import org.apache.spark.SparkContext;
import org.jspecify.annotations.Nullable;

/** Finds the spectra of models, a task a tensor. */
public final class SpectrumJob {

  /**
   * What is asked.
   *
   * @param models directories, files or names in the Hugging Face cache
   * @param base what is subtracted from each, tensor by tensor of one name; null for nothing
   * @param wanted which tensors, by name
   * @param options what is computed
   */
  public record Request(
      List<String> models,
      @Nullable String base,
      Predicate<String> wanted,
      SpectrumOptions options,
      Progress progress) {
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
   * @throws WeightloomException if a model cannot be read, or nothing in it is wanted
   */
  public static List<SpectrumRow> run(SparkContext spark, Request request) {
    return new SpectrumJob(request).run(spark);
  }

  private List<SpectrumRow> run(SparkContext spark) {
    ModelDir base = request.base == null ? null : open(request.base);
    for (String model : request.models) {
      plan(model, open(model), base);
    }
    SpectrumScan scan = new SpectrumScan(request.options, LinAlgRegistry.get().name());
    List<TensorSpectra> found =
        ScanJob.run(spark, "analyse spectra", scanned, scan, request.progress);
    for (int i = 0; i < found.size(); i++) {
      TensorSpec tensor = scanned.get(i).get(0).spec();
      List<SpectrumRow> own = rows.get(rowOf.get(i));
      for (MatrixSpectrum matrix : found.get(i).matrices()) {
        own.add(SpectrumRow.of(modelOf.get(i), request.base, tensor, matrix));
      }
    }
    return rows.stream().flatMap(List::stream).toList();
  }

  private static ModelDir open(String model) {
    return ModelDir.open(ModelReference.resolve(model, System.getenv()), Profile.REFERENCE);
  }

  private void plan(String model, ModelDir dir, @Nullable ModelDir base) {
    Eligibility eligibility = new Eligibility(request.options, dir.tensors().keySet());
    int before = rows.size();
    int matched = 0;
    for (Map.Entry<String, TensorLocation> entry : dir.tensors().entrySet()) {
      if (!request.wanted.test(entry.getKey())) {
        continue;
      }
      TensorLocation own = entry.getValue();
      TensorLocation other = base == null ? null : base.tensors().get(entry.getKey());
      matched += other == null ? 0 : 1;
      String reason =
          eligibility
              .reason(own.spec())
              .orElseGet(() -> base == null ? "" : mismatch(own.spec(), other));
      rows.add(new ArrayList<>());
      if (reason.isEmpty()) {
        scanned.add(other == null ? List.of(own) : List.of(own, other));
        rowOf.add(rows.size() - 1);
        modelOf.add(model);
      } else {
        rows.get(rows.size() - 1)
            .add(SpectrumRow.skipped(model, request.base, own.spec(), reason));
      }
    }
    if (rows.size() == before) {
      throw WeightloomException.usage(
          "Cannot analyse %s: none of its %d tensors is wanted (see --tensors, and weightloom inspect %s)"
              .formatted(model, dir.tensors().size(), model));
    }
    if (base != null && matched == 0) {
      throw WeightloomException.input(
          "Cannot compare %s with %s: no tensor has a name of the other, such as %s and %s (name a base of the same architecture)"
              .formatted(model, request.base, first(dir), first(base)));
    }
  }

  private static String first(ModelDir dir) {
    return dir.tensors().keySet().stream().findFirst().orElse("none");
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
