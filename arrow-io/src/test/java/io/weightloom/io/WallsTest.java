package io.weightloom.io;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What this module may know. */
class WallsTest {
  private static final JavaClasses CLASSES =
      new ClassFileImporter()
          .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
          .importPackages("io.weightloom.io");

  @Test
  void hadoopIsMetInItsPackageOnly() {
    noClasses()
        .that()
        .resideOutsideOfPackage("io.weightloom.io.hadoop")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("org.apache.hadoop..", "io.weightloom.io.hadoop")
        .check(CLASSES);
  }

  @Test
  void sparkIsNotMet() {
    noClasses()
        .should()
        .dependOnClassesThat()
        .resideInAPackage("org.apache.spark..")
        .check(CLASSES);
  }

  @Test
  void parquetAndArrowAreMetInTheirPackagesOnly() {
    noClasses()
        .that()
        .resideOutsideOfPackage("io.weightloom.io.table")
        .should()
        .dependOnClassesThat()
        .resideInAPackage("org.apache.parquet..")
        .check(CLASSES);
    noClasses()
        .that()
        .resideOutsideOfPackages("io.weightloom.io.table", "io.weightloom.io.delta")
        .should()
        .dependOnClassesThat()
        .resideInAPackage("com.github.luben.zstd")
        .check(CLASSES);
    noClasses()
        .that()
        .resideOutsideOfPackage("io.weightloom.io.arrow")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("org.apache.arrow..", "io.weightloom.io.arrow")
        .check(CLASSES);
    noClasses()
        .that()
        .resideOutsideOfPackages("io.weightloom.io.table", "io.weightloom.io.arrow")
        .should()
        .dependOnClassesThat()
        .resideInAPackage("io.weightloom.io.table")
        .check(CLASSES);
  }

  @Test
  void nothingIsPrinted() {
    noClasses().should().accessField(System.class, "out").check(CLASSES);
    noClasses().should().accessField(System.class, "err").check(CLASSES);
  }

  @Test
  void localFilesAreReadWithoutHadoopOnTheClassPath() throws Exception {
    List<URL> urls = new ArrayList<>();
    for (String entry : System.getProperty("java.class.path").split(java.io.File.pathSeparator)) {
      if (!entry.contains("hadoop-client")) {
        urls.add(Path.of(entry).toUri().toURL());
      }
    }
    try (URLClassLoader bare =
        new URLClassLoader(urls.toArray(new URL[0]), ClassLoader.getPlatformClassLoader())) {
      Class<?> storage = bare.loadClass("io.weightloom.io.Storage");
      var of = storage.getMethod("of", String.class);

      assertThat(of.invoke(null, "/models")).hasToString("local files");
      assertThat(
              org.assertj.core.api.Assertions.catchThrowable(() -> of.invoke(null, "hdfs://a/b")))
          .cause()
          .hasMessageStartingWith("Cannot reach hdfs://a/b: its storage is not on the class path, ")
          .hasMessageEndingWith(
              "(add hadoop-client-api, hadoop-client-runtime and the connector of hdfs)");
    }
  }
}
