package io.weightloom;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.lang.conditions.ArchConditions;
import org.junit.jupiter.api.Test;

/** What this module may do, and where. */
class ArchitectureTest {
  private static final JavaClasses CLASSES =
      new ClassFileImporter()
          .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
          .withImportOption(location -> !location.contains("testkit"))
          .importPackages("io.weightloom");

  @Test
  void onlyTheCommandLinePrintsAndExits() {
    noClasses()
        .that()
        .resideOutsideOfPackage("io.weightloom.cli")
        .should()
        .accessField(System.class, "out")
        .orShould()
        .accessField(System.class, "err")
        .orShould()
        .callMethod(System.class, "exit", int.class)
        .orShould(ArchConditions.callMethod(Runtime.class, "exit", int.class))
        .orShould(ArchConditions.callMethod(Runtime.class, "halt", int.class))
        .orShould(ArchConditions.callMethod(Throwable.class, "printStackTrace"))
        .check(CLASSES);
  }

  @Test
  void sparkIsMetWhereItIsAtHomeOnly() {
    noClasses()
        .that()
        .resideOutsideOfPackages(
            "io.weightloom.job",
            "io.weightloom.catalog",
            "io.weightloom.cli",
            "io.weightloom.source..",
            "io.weightloom.udf..")
        .should()
        .dependOnClassesThat()
        .resideInAPackage("org.apache.spark..")
        .check(CLASSES);
  }

  @Test
  void nobodyKnowsTheCommandLine() {
    noClasses()
        .that()
        .resideOutsideOfPackage("io.weightloom.cli")
        .should()
        .dependOnClassesThat()
        .resideInAPackage("io.weightloom.cli")
        .check(CLASSES);
  }

  @Test
  void theCatalogKnowsNoJobs() {
    noClasses()
        .that()
        .resideInAPackage("io.weightloom.catalog")
        .should()
        .dependOnClassesThat()
        .resideInAPackage("io.weightloom.job")
        .check(CLASSES);
  }

  @Test
  void jobsDoNotKnowTheSource() {
    noClasses()
        .that()
        .resideInAPackage("io.weightloom.job")
        .should()
        .dependOnClassesThat()
        .resideInAPackage("io.weightloom.source..")
        .check(CLASSES);
  }

  @Test
  void jobsDoNotReadTheEnvironmentOfTheCommandLine() {
    noClasses()
        .that()
        .resideInAPackage("io.weightloom.job")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("picocli..")
        .check(CLASSES);
  }
}
