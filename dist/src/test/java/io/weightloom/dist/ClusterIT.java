package io.weightloom.dist;

import static org.assertj.core.api.Assertions.assertThat;

import io.weightloom.dist.Launcher.Ran;
import io.weightloom.dist.Launcher.Running;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A master and two workers, each a process of its own, write what the embedded Spark writes. */
class ClusterIT {
  @TempDir static Path shared;
  static Cluster cluster;
  @TempDir Path dir;

  @BeforeAll
  static void start() throws Exception {
    cluster = Cluster.start(shared.resolve("spark"), 2);
  }

  @AfterAll
  static void stop() throws Exception {
    cluster.close();
  }

  private static void assertSame(Path actual, Path expected) throws IOException {
    for (String name : List.of("model.safetensors", "weightloom_manifest.json", "config.json")) {
      assertThat(actual.resolve(name)).hasSameBinaryContentAs(expected.resolve(name));
    }
  }

  @Test
  void executorsWriteTheSameBytes() throws Exception {
    Path zoo = Zoo.small(Files.createDirectories(dir.resolve("zoo")));
    Path recipe =
        Zoo.recipe(zoo, "dare_ties", "parameters: {density: 0.3}\nweightloom: {variant: paper}");

    Ran here = new Launcher().run("merge", recipe, dir.resolve("here/out"));
    Ran there =
        new Launcher()
            .with("SPARK_LOCAL_IP", "127.0.0.1")
            .run("merge", recipe, dir.resolve("there/out"), "--master", cluster.master());

    assertThat(here.exitCode()).as(here.err()).isZero();
    assertThat(there.exitCode()).as(there.err()).isZero();
    assertThat(there.err()).contains("merged 3 tensors").doesNotContain("\tat ");
    assertSame(dir.resolve("there/out"), dir.resolve("here/out"));
    assertThat(cluster.executorsStarted()).isGreaterThanOrEqualTo(2);
  }

  @Test
  void aBadValueIsNamedFromAnExecutorToo() throws Exception {
    Path zoo = Zoo.small(Files.createDirectories(dir.resolve("zoo")));
    Path recipe = Zoo.recipe(zoo, "linear", "");
    Path weights = zoo.resolve("b/model.safetensors");
    byte[] bad = Files.readAllBytes(weights);
    bad[bad.length - 1] = 0x7f;
    bad[bad.length - 2] = (byte) 0xff;
    Files.write(weights, bad);

    Ran ran =
        new Launcher()
            .with("SPARK_LOCAL_IP", "127.0.0.1")
            .run("merge", recipe, dir.resolve("out"), "--master", cluster.master());

    assertThat(ran.exitCode()).as(ran.err()).isEqualTo(3);
    assertThat(ran.err()).contains("Cannot merge lm_head.weight: b holds NaN at element 5999");
    assertThat(dir.resolve("out")).doesNotExist();
  }

  @Test
  void tablesAreWrittenAskedAndReadByExecutors() throws Exception {
    Path zoo = Zoo.small(Files.createDirectories(dir.resolve("zoo")));
    Path here = dir.resolve("here");
    Path there = dir.resolve("there");
    String query =
        "CREATE TEMPORARY VIEW w USING checkpoint OPTIONS (path 'TABLE/model=b');"
            + " SELECT tensor, count(*) AS n, sqrt(sum(pow(wl_l2(data, dtype), 2))) > 0 AS some,"
            + " sort_array(collect_list(digest)) AS digests FROM w GROUP BY tensor ORDER BY tensor";

    for (Path table : List.of(here, there)) {
      Object[] explode = {
        "explode", zoo.resolve("a"), zoo.resolve("b"), table, "--block-size", "4k"
      };
      assertRan(table == here ? run(explode) : onCluster(explode));
    }
    Ran asked =
        onCluster("sql", "--output", "json", "-e", query.replace("TABLE", there.toString()));
    Ran askedHere = run("sql", "--output", "json", "-e", query.replace("TABLE", here.toString()));
    assertRan(onCluster("implode", there, dir.resolve("back"), "--model", "b"));

    try (Stream<Path> files = Files.walk(here)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        assertThat(there.resolve(here.relativize(file))).hasSameBinaryContentAs(file);
      }
    }
    assertRan(asked);
    assertThat(asked.out().lines()).hasSize(3).first().asString().contains("\"some\":true");
    assertThat(asked.out()).isEqualTo(askedHere.out());
    assertThat(dir.resolve("back/model.safetensors"))
        .hasSameBinaryContentAs(zoo.resolve("b/model.safetensors"));
  }

  private static Ran run(Object... args) throws Exception {
    return new Launcher().run(args);
  }

  private static Ran onCluster(Object... args) throws Exception {
    List<Object> all = new ArrayList<>(List.of(args));
    all.addAll(List.of("--master", cluster.master()));
    return new Launcher().with("SPARK_LOCAL_IP", "127.0.0.1").run(all.toArray());
  }

  private static void assertRan(Ran ran) {
    assertThat(ran.exitCode()).as(ran.err()).isZero();
  }

  @Test
  void anExecutorThatDiesIsReplaced() throws Exception {
    Path zoo = Zoo.sparse(dir.resolve("zoo"), 100_000_000);
    Path recipe = Zoo.recipe(zoo, "ties", "parameters: {density: 0.3}");
    int before = cluster.executorsStarted();

    Running run =
        new Launcher()
            .with("SPARK_LOCAL_IP", "127.0.0.1")
            .start(
                "merge",
                recipe,
                dir.resolve("out"),
                "--master",
                cluster.master(),
                "--progress",
                "json");
    while (run.process().isAlive() && !Files.readString(run.err()).contains("\"done_bytes\"")) {
      Thread.sleep(5);
    }
    assertThat(cluster.killAnExecutor()).isTrue();
    Ran ran = run.await();

    assertThat(ran.exitCode()).as(ran.err()).isZero();
    assertThat(cluster.executorsStarted()).isGreaterThanOrEqualTo(before + 3);
    assertThat(new Launcher().run("verify", dir.resolve("out")).exitCode()).isZero();
  }
}
