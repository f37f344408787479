package io.weightloom.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The contract holds, and the provider answers, in JVMs with other options. */
@Tag("thorough")
class VectorWidthTest {
  private static final String MODULE = "--add-modules=jdk.incubator.vector";

  @ParameterizedTest
  @CsvSource({"-XX:UseAVX=2, 256", "-XX:UseAVX=1, 128", "-XX:MaxVectorSize=16, 128"})
  void keepsTheContractAtAnyWidth(String option, int bits) throws Exception {
    String processor = System.getProperty("os.arch");
    assumeTrue(List.of("amd64", "x86_64").contains(processor), processor + " is not x86");
    // One seed: other widths have other loops, not other arithmetic.
    ForkedJvm.Result result =
        ForkedJvm.run(ContractMain.class, List.of(MODULE, option, "-Dwl.seed=7"));
    assertThat(result.exitCode()).as(result.output()).isZero();
    assertThat(result.output()).contains("vectors of " + bits + " bits");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "-Xshare:auto | module jdk.incubator.vector is not resolved"
            + " (pass --add-modules jdk.incubator.vector)",
        "--add-modules=jdk.incubator.vector -Xint | the JVM only interprets (drop -Xint)",
        "--add-modules=jdk.incubator.vector -XX:TieredStopAtLevel=1 |"
            + " C2 is switched off (drop -XX:TieredStopAtLevel=1)"
      })
  void saysWhatToPassWhereItCannotRun(String options, String reason) throws Exception {
    ForkedJvm.Result result =
        ForkedJvm.run(UsabilityMain.class, List.of(options.strip().split(" ")));
    assertThat(result.output()).contains(reason).contains("chosen: scalar");
  }

  @Test
  void isChosenWhereItCanRun() throws Exception {
    ForkedJvm.Result result = ForkedJvm.run(UsabilityMain.class, List.of(MODULE));
    assumeTrue(result.output().contains("usable=true"), result.output());
    assertThat(result.output()).contains("chosen: vector");
  }

  @Test
  void failsRatherThanFallBackWhenForced() throws Exception {
    ForkedJvm.Result result =
        ForkedJvm.run(UsabilityMain.class, List.of("-Dweightloom.kernels=vector"));
    assertThat(result.exitCode()).isNotZero();
    assertThat(result.output())
        .contains("Cannot use the vector kernels: module jdk.incubator.vector is not resolved");
  }
}
