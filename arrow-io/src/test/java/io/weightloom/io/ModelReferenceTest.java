package io.weightloom.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.weightloom.error.WeightloomException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ModelReferenceTest {
  private static final String COMMIT = "0123456789abcdef0123456789abcdef01234567";

  @SuppressWarnings("NullAway.Init")
  @TempDir
  Path dir;

  private Path cache(String below) throws IOException {
    Path repository = dir.resolve(below).resolve("models--acme--anvil-7B");
    Path snapshot = Files.createDirectories(repository.resolve("snapshots").resolve(COMMIT));
    Files.createDirectories(repository.resolve("refs/refs/pr"));
    Files.writeString(repository.resolve("refs/main"), COMMIT + "\n");
    Files.writeString(repository.resolve("refs/refs/pr/1"), COMMIT);
    Files.writeString(repository.resolve("refs/gone"), "f".repeat(40));
    Files.writeString(repository.resolve("refs/evil"), "../../..");
    return snapshot;
  }

  @Test
  void anExistingPathIsItself() {
    assertThat(ModelReference.resolve(dir.toString(), Map.of())).isEqualTo(dir.toString());
  }

  @ParameterizedTest
  @CsvSource({
    "HF_HUB_CACHE, '', ''",
    "HUGGINGFACE_HUB_CACHE, '', ''",
    "HF_HOME, '', hub",
    "XDG_CACHE_HOME, '', huggingface/hub",
    "HOME, '', .cache/huggingface/hub"
  })
  void cacheIsWhereTheEnvironmentSays(String variable, String value, String below)
      throws IOException {
    Path snapshot = cache(below);
    Map<String, String> env = Map.of(variable, dir + value);

    assertThat(ModelReference.resolve("acme/anvil-7B", env)).isEqualTo(snapshot.toString());
  }

  @Test
  void anEmptyVariableIsNone() throws IOException {
    Path snapshot = cache("hub");
    Map<String, String> env = Map.of("HF_HUB_CACHE", "", "HF_HOME", dir.toString());

    assertThat(ModelReference.resolve("acme/anvil-7B", env)).isEqualTo(snapshot.toString());
  }

  @ParameterizedTest
  @ValueSource(strings = {"main", "refs/pr/1", COMMIT})
  void aRevisionIsARefOrACommit(String revision) throws IOException {
    Path snapshot = cache("");

    assertThat(
            ModelReference.resolve(
                "acme/anvil-7B@" + revision, Map.of("HF_HUB_CACHE", dir.toString())))
        .isEqualTo(snapshot.toString());
  }

  @Test
  void whatIsMissingIsSaidWithTheCommandThatFetchesIt() throws IOException {
    cache("");
    Map<String, String> env = Map.of("HF_HUB_CACHE", dir.toString());

    assertThatThrownBy(() -> ModelReference.resolve("acme/anvil-7b", env))
        .isInstanceOf(WeightloomException.class)
        .hasMessage(
            "Cannot find model acme/anvil-7b: there is no such path, and no models--acme--anvil-7b in the cache %s; the cache has acme/anvil-7B (download it with: hf download acme/anvil-7b)",
            dir);
    assertThatThrownBy(() -> ModelReference.resolve("acme/anvil-7B@v2", env))
        .hasMessageContaining("its cache has no revision v2, there is no ")
        .hasMessageEndingWith("(download it with: hf download acme/anvil-7B --revision v2)");
    assertThatThrownBy(() -> ModelReference.resolve("acme/anvil-7B@gone", env))
        .hasMessageContaining("its cache lacks the snapshot ");
    assertThatThrownBy(() -> ModelReference.resolve("acme/anvil-7B@evil", env))
        .hasMessageContaining("its cache lacks the snapshot ");
  }

  @ParameterizedTest
  @ValueSource(strings = {"/no/such/model", "./model", "../model", "a/b/c", "a/b@../../c"})
  void whatIsNoRepositoryIsAPath(String reference) {
    assertThatThrownBy(
            () -> ModelReference.resolve(reference, Map.of("HF_HUB_CACHE", dir.toString())))
        .isInstanceOf(WeightloomException.class)
        .hasMessageStartingWith(
            "Cannot open model " + reference + ": there is no such file or directory (");
  }
}
