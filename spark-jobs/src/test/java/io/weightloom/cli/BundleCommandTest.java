package io.weightloom.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.weightloom.job.Family;
import io.weightloom.job.LocalSpark;
import io.weightloom.job.SavedModel;
import java.nio.file.Path;
import java.util.List;
import org.assertj.core.data.Offset;
import org.jspecify.annotations.NullUnmarked;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Bundles from the command line. */
@NullUnmarked
class BundleCommandTest {
  @TempDir Path dir;
  private Path zoo;

  @BeforeEach
  void writeModels() {
    LocalSpark.stop();
    zoo = Family.write(dir.resolve("zoo"), "BF16");
  }

  @Test
  void packedTaskVectorsComeBackAndAnotherBaseIsRefused() {
    Path recipe =
        Family.file(
            dir.resolve("zip.yml"),
            """
            merge_method: fedzip
            base_model: ZOO/base
            models: [{model: ZOO/a}, {model: ZOO/b, parameters: {density: 0.5}}]
            parameters: {centroids: 256}
            """
                .replace("ZOO", zoo.toString()));
    Path bundle = dir.resolve("bundle");

    Cli made = Cli.run("bundle", recipe, bundle, "--no-base");

    assertThat(made.exitCode()).as(made.err()).isZero();
    assertThat(made.err()).contains("bundled 2 models in ");
    Cli unpacked = Cli.run("unpack", bundle, dir.resolve("again"), "--model", "a");
    assertThat(unpacked.exitCode()).as(unpacked.err()).isZero();
    assertThat(SavedModel.read(dir.resolve("again")).get(Family.UP.formatted(0)).data())
        .isEqualTo(SavedModel.read(zoo.resolve("a")).get(Family.UP.formatted(0)).data());
    Cli refused =
        Cli.run(
            "unpack",
            bundle,
            dir.resolve("wrong"),
            "--model",
            "b",
            "--base",
            zoo.resolve("a").toString());
    assertThat(refused.exitCode()).isEqualTo(3);
    assertThat(refused.err()).contains("is not the base that it was made on");
    assertThat(dir.resolve("wrong")).doesNotExist();
  }

  @Test
  void twinsComeBackFromTheirSharedExpertAlone() {
    Path recipe =
        Family.file(
            dir.resolve("twin.yml"),
            """
            merge_method: twin_merging
            base_model: ZOO/base
            models: [{model: ZOO/a}, {model: ZOO/b}]
            out_dtype: float32
            weightloom: {mask_rate: 0}
            """
                .replace("ZOO", zoo.toString()));
    Path bundle = dir.resolve("bundle");

    Cli made = Cli.run("bundle", recipe, bundle);

    assertThat(made.exitCode()).as(made.err()).isZero();
    assertThat(made.err()).contains("bundled 2 models in ");
    Cli unpacked = Cli.run("unpack", bundle, dir.resolve("again"), "--model", "b");
    assertThat(unpacked.exitCode()).as(unpacked.err()).isZero();
    for (String tensor : List.of(Family.UP.formatted(1), Family.EMBEDDING, "model.norm.weight")) {
      assertThat(SavedModel.read(dir.resolve("again")).get(tensor).values())
          .containsExactly(
              SavedModel.read(zoo.resolve("b")).get(tensor).values(), Offset.offset(1e-5));
    }
    String base = zoo.resolve("base").toString();
    Cli refused = Cli.run("unpack", bundle, dir.resolve("wrong"), "--model", "b", "--base", base);
    assertThat(refused.exitCode()).isEqualTo(2);
    assertThat(refused.err()).contains("it has no base of its own but a shared expert");
  }
}
