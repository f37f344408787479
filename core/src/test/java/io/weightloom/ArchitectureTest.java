package io.weightloom;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.conditions.ArchPredicates.are;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.library.GeneralCodingRules;
import com.tngtech.archunit.library.dependencies.SliceAssignment;
import com.tngtech.archunit.library.dependencies.SliceIdentifier;
import org.junit.jupiter.api.Test;

/** The walls of this module: who may import whom. */
class ArchitectureTest {
  private static final String METHODS = "io.weightloom.merge.methods";
  private static final String PRUNE = "io.weightloom.prune";

  private static final JavaClasses CORE =
      new ClassFileImporter()
          .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
          .withImportOption(location -> !location.contains("testkit"))
          .importPackages("io.weightloom");

  @Test
  void coreImportsOnlyTheJdkAndAnnotations() {
    classes()
        .should()
        .onlyDependOnClassesThat(
            resideInAnyPackage(
                "io.weightloom..",
                "java..",
                "com.sun.management",
                "javax.management",
                "jdk.incubator.vector",
                "org.jspecify.annotations",
                "com.google.auto.service"))
        .check(CORE);
  }

  @Test
  void onlyOnePackageKnowsTheIncubatingModule() {
    noClasses()
        .that()
        .resideOutsideOfPackage("io.weightloom.kernel.vector")
        .should()
        .dependOnClassesThat(resideInAPackage("jdk.incubator.vector"))
        .check(CORE);
  }

  /** How the JVM was started, which the vector kernels' provider asks. */
  @Test
  void onlyKernelsKnowTheJvmsOwnManagement() {
    noClasses()
        .that()
        .resideOutsideOfPackage("io.weightloom.kernel")
        .should()
        .dependOnClassesThat(resideInAPackage("com.sun.management"))
        .check(CORE);
  }

  @Test
  void mergeMethodsDoNotKnowEachOther() {
    slices().assignedFrom(new ByTopLevelClass()).should().notDependOnEachOther().check(CORE);
  }

  /** Each merge method with its nested classes is a slice; everything else is none. */
  private static final class ByTopLevelClass implements SliceAssignment {
    @Override
    public SliceIdentifier getIdentifierOf(JavaClass javaClass) {
      return javaClass.getPackageName().equals(METHODS)
          ? SliceIdentifier.of(javaClass.getBaseComponentType().getName().replaceFirst("\\$.*", ""))
          : SliceIdentifier.ignore();
    }

    @Override
    public String getDescription() {
      return "merge methods";
    }
  }

  @Test
  void nobodyKnowsAMergeMethod() {
    noClasses()
        .that()
        .resideOutsideOfPackage(METHODS)
        .should()
        .dependOnClassesThat(resideInAPackage(METHODS))
        .check(CORE);
  }

  @Test
  void mergeMethodsKnowOnlyMergeAndTensors() {
    classes()
        .that()
        .resideInAPackage(METHODS)
        .should()
        .onlyDependOnClassesThat(
            resideInAnyPackage(
                METHODS,
                "io.weightloom.error",
                "io.weightloom.merge",
                "io.weightloom.merge.span",
                "io.weightloom.merge.taskvector",
                "io.weightloom.merge.matrix",
                "io.weightloom.linalg",
                "io.weightloom.error",
                "io.weightloom.tensor",
                "java..",
                "org.jspecify.annotations",
                "com.google.auto.service"))
        .check(CORE);
  }

  @Test
  void packagesStandOnEachOtherInOneOrder() {
    isKnownOnlyBy("io.weightloom.plan");
    isKnownOnlyBy("io.weightloom.recipe", "io.weightloom.plan");
    isKnownOnlyBy("io.weightloom.merge.span", METHODS);
    isKnownOnlyBy("io.weightloom.merge.taskvector", METHODS, PRUNE);
    isKnownOnlyBy("io.weightloom.merge.matrix", METHODS);
    isKnownOnlyBy(
        "io.weightloom.merge",
        METHODS,
        "io.weightloom.merge.span",
        "io.weightloom.merge.taskvector",
        "io.weightloom.merge.matrix",
        "io.weightloom.recipe",
        "io.weightloom.plan",
        PRUNE,
        "io.weightloom.stats",
        "io.weightloom.compare",
        "io.weightloom.spectrum");
    isKnownOnlyBy("io.weightloom.stats", PRUNE, "io.weightloom.compare");
    isKnownOnlyBy(PRUNE);
    isKnownOnlyBy("io.weightloom.compare");
    isKnownOnlyBy("io.weightloom.spectrum");
    slices().matching("io.weightloom.(**)").should().beFreeOfCycles().check(CORE);
  }

  @Test
  void linearAlgebraKnowsOnlyHowProvidersAnswer() {
    classes()
        .that()
        .resideInAPackage("io.weightloom.linalg")
        .should()
        .onlyDependOnClassesThat(
            resideInAnyPackage(
                "io.weightloom.linalg",
                "io.weightloom.kernel",
                "io.weightloom.error",
                "java..",
                "org.jspecify.annotations",
                "com.google.auto.service"))
        .check(CORE);
  }

  private static void isKnownOnlyBy(String room, String... visitors) {
    DescribedPredicate<JavaClass> allowed = resideInAnyPackage(visitors).or(resideInAPackage(room));
    noClasses()
        .that(are(DescribedPredicate.not(allowed)))
        .should()
        .dependOnClassesThat(resideInAPackage(room))
        .check(CORE);
  }

  @Test
  void nothingPrintsOrExits() {
    GeneralCodingRules.NO_CLASSES_SHOULD_ACCESS_STANDARD_STREAMS.check(CORE);
    noClasses().should().callMethod(System.class, "exit", int.class).check(CORE);
    noClasses().should().callMethod(Runtime.class, "exit", int.class).check(CORE);
    noClasses().should().callMethod(Runtime.class, "halt", int.class).check(CORE);
  }
}
