package io.weightloom;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.library.GeneralCodingRules;
import io.weightloom.io.ContentDigest;
import io.weightloom.udf.BlockFunction;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.util.Arrays;
import org.apache.spark.sql.catalyst.InternalRow;
import org.assertj.core.api.Assertions;
import org.junit.jupiter.api.Test;

/** The walls of this module. */
class ArchitectureTest {
  private static final JavaClasses CLASSES =
      new ClassFileImporter()
          .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
          .importPackages("io.weightloom.udf");

  /** Functions are thin: statistics and arithmetic are core's. */
  @Test
  void functionsKnowStatisticsTheDigestAndSpark() {
    classes()
        .should()
        .onlyDependOnClassesThat(
            resideInAPackage("io.weightloom.udf..")
                .or(resideInAPackage("io.weightloom.stats"))
                .or(resideInAPackage("io.weightloom.tensor"))
                .or(resideInAPackage("io.weightloom.error"))
                .or(resideInAPackage("io.weightloom.kernel"))
                .or(
                    DescribedPredicate.describe(
                        "are the digest", (JavaClass c) -> c.isEquivalentTo(ContentDigest.class)))
                .or(resideInAPackage("java.."))
                .or(resideInAPackage("scala.."))
                .or(resideInAPackage("org.apache.spark.."))
                .or(resideInAPackage("org.jspecify.annotations")))
        .check(CLASSES);
  }

  /** Rows and arrays are how functions answer; expressions and plans are no stable interface. */
  @Test
  void expressionsAreTouchedInOnePackage() {
    noClasses()
        .that()
        .resideOutsideOfPackage("io.weightloom.udf.catalyst")
        .should()
        .dependOnClassesThat(
            resideInAPackage("org.apache.spark.sql.catalyst..")
                .and(
                    DescribedPredicate.not(
                        DescribedPredicate.describe(
                            "are data",
                            (JavaClass c) ->
                                c.getPackageName().equals("org.apache.spark.sql.catalyst.util")
                                    || c.getSimpleName().equals("InternalRow")
                                    || c.getSimpleName().equals("GenericInternalRow")
                                    || c.getSimpleName().equals("UnsafeArrayData")
                                    || c.getSimpleName().equals("NoSuchFunctionException")))))
        .check(CLASSES);
  }

  @Test
  void functionsAreCalledByTheirStaticMethodAlone() {
    for (JavaClass function : CLASSES) {
      if (function.isAssignableTo(BlockFunction.class)
          && !function.isEquivalentTo(BlockFunction.class)) {
        Method[] methods = function.reflect().getDeclaredMethods();
        Assertions.assertThat(Arrays.stream(methods).filter(m -> m.getName().equals("invoke")))
            .as(function.getName())
            .singleElement()
            .matches(
                m -> Modifier.isStatic(m.getModifiers()) && Modifier.isPublic(m.getModifiers()));
        Assertions.assertThat(
                Arrays.stream(methods)
                    .filter(m -> Arrays.asList(m.getParameterTypes()).contains(InternalRow.class)))
            .as(function.getName())
            .isEmpty();
      }
    }
  }

  @Test
  void nothingPrintsOrExits() {
    GeneralCodingRules.NO_CLASSES_SHOULD_ACCESS_STANDARD_STREAMS.check(CLASSES);
    noClasses().should().callMethod(System.class, "exit", int.class).check(CLASSES);
  }
}
